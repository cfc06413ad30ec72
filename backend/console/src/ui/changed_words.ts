/** Which words of a line are others than before. */

import { diffWordsWithSpace } from "diff";
import type { Token, TokenLine } from "./tokens.ts";

/** From, and up to: places in a line. */
export type Range = readonly [start: number, end: number];

const LONGEST_LINE = 4_000;
const MOST_CHANGES = 300;
// Lines that have less in common are others altogether: then nothing stands out.
const LEAST_COMMON = 0.3;

/** The changed places of both lines; null where the lines are not alike. */
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

/** A coloured line in parts, each changed or not. */
export function parted(line: TokenLine, changed: readonly Range[]): { line: TokenLine; isChanged: boolean }[] {
  const parts: { line: Token[]; isChanged: boolean }[] = [];
  let [place, at] = [0, 0];
  for (const [text, kind] of line) {
    for (let rest = text; rest; ) {
      while ((changed[at]?.[1] ?? Number.POSITIVE_INFINITY) <= place) at++;
      const [start, end] = changed[at] ?? [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
      const isChanged = start <= place;
      const piece = rest.slice(0, (isChanged ? end : start) - place);
      const last = parts.at(-1);
      if (last?.isChanged === isChanged) last.line.push([piece, kind]);
      else parts.push({ line: [[piece, kind]], isChanged });
      place += piece.length;
      rest = rest.slice(piece.length);
    }
  }
  return parts;
}
