/** The lines of a change, for reading one below the other or side by side. */

import { applyPatch, parsePatch, type StructuredPatch, structuredPatch } from "diff";
import { changedWords, type Range } from "./changed_words.ts";

export interface DiffRow {
  kind: "same" | "added" | "removed" | "gap";
  /** Line numbers, from 1; null on the side that has no such line. */
  before: number | null;
  after: number | null;
  text: string;
  /** The places that are others in the line that this one took the place of, or that took its place. */
  changed?: readonly Range[];
}

export interface Change {
  rows: DiffRow[];
  added: number;
  removed: number;
}

const CONTEXT = 4;
const LONGEST_SEARCH = 8_000;

/** The change from one source to another; null where they differ too much to be compared. */
export function compare(before: string, after: string): Change | null {
  const patch = structuredPatch("", "", before, after, "", "", { context: CONTEXT, maxEditLength: LONGEST_SEARCH });
  return patch ? rowsOf(patch) : null;
}

/** The source after a patch, or null where it does not apply. */
export function patched(before: string, patch: string): string | null {
  try {
    const [first] = parsePatch(patch);
    return first?.hunks.length ? applyPatch(before, first) || null : null;
  } catch {
    return null;
  }
}

function rowsOf(patch: StructuredPatch): Change {
  const change: Change = { rows: [], added: 0, removed: 0 };
  for (const hunk of patch.hunks) {
    let before = hunk.oldStart;
    let after = hunk.newStart;
    change.rows.push({ kind: "gap", before: null, after: null, text: `Line ${hunk.newStart}` });
    for (const line of hunk.lines) {
      const text = line.slice(1);
      if (line.startsWith("+")) {
        change.rows.push({ kind: "added", before: null, after: after++, text });
        change.added++;
      } else if (line.startsWith("-")) {
        change.rows.push({ kind: "removed", before: before++, after: null, text });
        change.removed++;
      } else if (line.startsWith(" ") || line === "") {
        change.rows.push({ kind: "same", before: before++, after: after++, text });
      }
    }
  }
  for (const [left, right] of sideBySide(change.rows)) {
    if (left?.kind !== "removed" || right?.kind !== "added") continue;
    const words = changedWords(left.text, right.text);
    if (words) [left.changed, right.changed] = [words.before, words.after];
  }
  return change;
}

/** What stands side by side: [left, right], null where that side is empty. */
export function sideBySide(rows: readonly DiffRow[]): [DiffRow | null, DiffRow | null][] {
  const pairs: [DiffRow | null, DiffRow | null][] = [];
  let removed: DiffRow[] = [];
  let added: DiffRow[] = [];
  const flush = () => {
    for (let at = 0; at < Math.max(removed.length, added.length); at++)
      pairs.push([removed[at] ?? null, added[at] ?? null]);
    removed = [];
    added = [];
  };
  for (const row of rows) {
    if (row.kind === "removed") {
      if (added.length > 0) flush();
      removed.push(row);
    } else if (row.kind === "added") {
      added.push(row);
    } else {
      flush();
      pairs.push([row, row]);
    }
  }
  flush();
  return pairs;
}
