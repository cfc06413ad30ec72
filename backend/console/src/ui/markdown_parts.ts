/**
 * Splits an answer into parts that can be parsed as Markdown separately. While an answer is streamed only its last part
 * changes, and parts are bounded: parsing costs no more per word at the end of a long answer than at its start.
 */

export interface MarkdownPart {
  /** Its part of the answer. */
  text: string;
  /** Parsed before the text: the start of the fenced block or the head of the table that it continues; else empty. */
  before: string;
}

// A shorter part does not end at an empty line, so that a list stays one list.
const SHORTEST = 600;
const LONGEST = 6_000;
const FENCE = /^ {0,3}(`{3,}|~{3,})/;
const TABLE_RULE = /^ {0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/;

/** The parts of a text. `known`: the parts of a text that this one continues; all but the last are reused. */
export function markdownParts(text: string, known: readonly MarkdownPart[] = []): readonly MarkdownPart[] {
  const kept = reused(text, known);
  const parts = kept.slice(0, -1);
  const last = kept.at(-1);
  let start = parts.reduce((sum, part) => sum + part.text.length, 0);
  let before = last?.before ?? "";
  while (start < text.length) {
    const { end, carried } = nextPart(text, start, before);
    parts.push({ text: text.slice(start, end), before });
    start = end;
    before = carried;
  }
  return parts;
}

function reused(text: string, known: readonly MarkdownPart[]): readonly MarkdownPart[] {
  let at = 0;
  for (const part of known) {
    if (!text.startsWith(part.text, at)) return [];
    at += part.text.length;
  }
  return known;
}

/** Where the part that begins at `start` ends, and the block that the next one continues. */
function nextPart(text: string, start: number, before: string): { end: number; carried: string } {
  let fence = FENCE.test(before) ? before : "";
  let table = fence ? "" : before;
  let previous = "";
  for (let at = start; at < text.length; ) {
    const newline = text.indexOf("\n", at);
    const end = newline < 0 ? text.length : newline + 1;
    if (end - start > LONGEST && at > start) return { end: at, carried: fence || table };
    if (end - start > LONGEST) return { end: cut(text, at + LONGEST), carried: fence || table };
    const line = text.slice(at, newline < 0 ? end : newline);
    const mark = FENCE.exec(line)?.[1];
    if (fence) {
      if (mark && closes(line, mark, fence)) fence = "";
    } else if (mark) {
      fence = `${line}\n`;
      table = "";
    } else if (line.trim() === "") {
      table = "";
      if (at - start >= SHORTEST && /[^\s]/.test(text[end] ?? "")) return { end, carried: "" };
    } else if (TABLE_RULE.test(line) && line.includes("|") && previous.includes("|")) {
      table = `${previous}\n${line}\n`;
    }
    previous = line;
    at = end;
  }
  return { end: text.length, carried: "" };
}

function closes(line: string, mark: string, fence: string): boolean {
  const opened = FENCE.exec(fence)?.[1] ?? "";
  return mark[0] === opened[0] && mark.length >= opened.length && line.trim() === mark;
}

/** The position, moved past a surrogate pair that it would split. */
function cut(text: string, at: number): number {
  const unit = text.charCodeAt(at - 1);
  return unit >= 0xd800 && unit < 0xdc00 ? at + 1 : at;
}
