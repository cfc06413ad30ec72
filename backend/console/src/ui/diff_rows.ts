/** The rows of a change: unified, or side by side. */

import { diff, type Change as LineChange } from "@codemirror/merge";
import { applyPatch, parsePatch } from "diff";
import { changedWords, type Range } from "./changed_words.ts";

export interface DiffRow {
  kind: "same" | "added" | "removed" | "gap";
  /** Line numbers, from 1; null on the side that has no such line. */
  before: number | null;
  after: number | null;
  text: string;
  /** Where the line begins in its source: the old one of a removed line, else the new one. */
  from: number;
  /** The line that this one replaced, or that replaced it. */
  partner?: DiffRow;
}

export interface Change {
  rows: DiffRow[];
  added: number;
  removed: number;
}

const CONTEXT = 4;
// Beyond so many edits in one place the comparison gets coarser, so that its time stays bounded.
const SCAN_LIMIT = 1_000;
const SURROGATES = [0xd800, 0xe000] as const;

/** The change from one source to another; null if they have too many different lines to be compared. */
export function compare(before: string, after: string): Change | null {
  const [old, new_] = [linesOf(before), linesOf(after)];
  const codes = new Map<string, string>();
  const [left, right] = [encoded(old, codes), encoded(new_, codes)];
  if (codes.size > 0xffff - SURROGATES[1] + SURROGATES[0]) return null;
  const rows = rowsOf(old, new_, diff(left, right, { scanLimit: SCAN_LIMIT }));
  for (const [one, other] of sideBySide(rows)) {
    if (one?.kind === "removed" && other?.kind === "added") [one.partner, other.partner] = [other, one];
  }
  const count = (kind: DiffRow["kind"]) => rows.filter((row) => row.kind === kind).length;
  return { rows, added: count("added"), removed: count("removed") };
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

/** The ranges of a row's text that differ from its partner. */
export function changedRanges({ kind, text, partner }: DiffRow): readonly Range[] {
  if (!partner) return [];
  const words = kind === "removed" ? changedWords(text, partner.text) : changedWords(partner.text, text);
  return (kind === "removed" ? words?.before : words?.after) ?? [];
}

interface Line {
  text: string;
  from: number;
}

/** The lines of a source. A final line break begins no further line. */
function linesOf(source: string): Line[] {
  let from = 0;
  const lines = source.split("\n").map((text) => {
    const line = { text, from };
    from += text.length + 1;
    return line;
  });
  if (lines.at(-1)?.text === "") lines.pop();
  return lines;
}

/** One character for each line, the same for the same line: comparing the strings compares lines. */
function encoded(lines: readonly Line[], codes: Map<string, string>): string {
  const encode = ({ text }: Line) => {
    const known = codes.get(text);
    if (known !== undefined) return known;
    const [first, end] = SURROGATES;
    const code = String.fromCharCode(codes.size < first ? codes.size : codes.size - first + end);
    codes.set(text, code);
    return code;
  };
  return lines.map(encode).join("");
}

function rowsOf(old: readonly Line[], new_: readonly Line[], changes: readonly LineChange[]): DiffRow[] {
  const rows: DiffRow[] = [];
  let [left, right] = [0, 0];
  const add = (kind: "same" | "added" | "removed", until: number) => {
    while ((kind === "added" ? right : left) < until) {
      const line = (kind === "removed" ? old[left] : new_[right]) as Line;
      const before = kind === "added" ? null : ++left;
      const after = kind === "removed" ? null : ++right;
      rows.push({ kind, before, after, ...line });
    }
  };
  for (const { fromA, toA, toB } of changes) {
    if (rows.length === 0 || fromA - left > 2 * CONTEXT) {
      if (rows.length > 0) add("same", left + CONTEXT);
      const skipped = Math.max(0, fromA - left - CONTEXT);
      [left, right] = [left + skipped, right + skipped];
      rows.push({ kind: "gap", before: null, after: null, text: `Line ${right + 1}`, from: 0 });
    }
    add("same", fromA);
    add("removed", toA);
    add("added", toB);
  }
  if (rows.length > 0) add("same", Math.min(left + CONTEXT, old.length));
  return rows;
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
