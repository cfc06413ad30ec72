/** The words in which two lines differ. */

import { diffWordsWithSpace } from "diff";
import type { Token } from "./python.ts";

/** Offsets in a line: from the first, up to the second. */
export type Range = readonly [start: number, end: number];

const LONGEST_LINE = 4_000;
const MOST_CHANGES = 300;
// Lines with less in common are unrelated: marking nearly all of them helps no reader.
const LEAST_COMMON = 0.3;

/** The changed ranges of both lines; null if the lines have too little in common, or are too long. */
export function changedWords(before: string, after: string): { before: Range[]; after: Range[] } | null {
  if (before.length > LONGEST_LINE || after.length > LONGEST_LINE) return null;
  const parts = diffWordsWithSpace(before, after, { maxEditLength: MOST_CHANGES });
  if (!parts) return null;
  const ranges = { before: [] as Range[], after: [] as Range[] };
  let [left, right, common] = [0, 0, 0];
  for (const { value, added, removed } of parts) {
    if (removed) ranges.before.push([left, left + value.length]);
    if (added) ranges.after.push([right, right + value.length]);
    if (!added && !removed) common += value.trim().length;
    if (!added) left += value.length;
    if (!removed) right += value.length;
  }
  return common < LEAST_COMMON * Math.min(before.trim().length, after.trim().length) ? null : ranges;
}

/** The tokens of a line in parts, each changed or not. */
export function parted(tokens: readonly Token[], changed: readonly Range[]): { tokens: Token[]; isChanged: boolean }[] {
  const parts: { tokens: Token[]; isChanged: boolean }[] = [];
  let [offset, at] = [0, 0];
  for (const [text, classes] of tokens) {
    for (let rest = text; rest; ) {
      while ((changed[at]?.[1] ?? Number.POSITIVE_INFINITY) <= offset) at++;
      const [start, end] = changed[at] ?? [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
      const isChanged = start <= offset;
      const piece = rest.slice(0, (isChanged ? end : start) - offset);
      const last = parts.at(-1);
      if (last?.isChanged === isChanged) last.tokens.push([piece, classes]);
      else parts.push({ tokens: [[piece, classes]], isChanged });
      offset += piece.length;
      rest = rest.slice(piece.length);
    }
  }
  return parts;
}
