/** Python in colours, as tokens: no HTML is made. */

import type { Tree } from "@lezer/common";
import { highlightCode, tagHighlighter, tags } from "@lezer/highlight";
import { parser } from "@lezer/python";

/** A piece of the source, and the CSS classes of its colour; no class: as the text around it. */
export type Token = readonly [text: string, classes: string];

/** Parsing takes a few milliseconds up to this length. */
export const SHORT_SOURCE = 12_000;
const SLICE_MS = 8;

export const pythonHighlighter = tagHighlighter([
  { tag: [tags.keyword, tags.operatorKeyword, tags.self], class: "tk-keyword" },
  { tag: [tags.bool, tags.null], class: "tk-literal" },
  { tag: [tags.string, tags.special(tags.string)], class: "tk-string" },
  { tag: tags.comment, class: "tk-comment" },
  { tag: tags.meta, class: "tk-meta" },
  { tag: tags.number, class: "tk-number" },
  { tag: [tags.function(tags.variableName), tags.definition(tags.className)], class: "tk-title" },
]);

/** The syntax tree of a source, immediately. */
export function parsePython(code: string): Tree {
  return parser.parse(code);
}

/** The syntax tree of a source of any length, parsed in slices so that the page responds; null when `signal` aborts it. */
export async function parseInSlices(code: string, signal: AbortSignal): Promise<Tree | null> {
  const parse = parser.startParse(code);
  while (!signal.aborted) {
    for (const end = performance.now() + SLICE_MS; performance.now() < end; ) {
      const tree = parse.advance();
      if (tree) return tree;
    }
    await new Promise((resolve) => setTimeout(resolve));
  }
  return null;
}

/** The tokens of a source between two offsets. Line breaks are tokens of their own. */
export function tokensBetween(code: string, tree: Tree, from = 0, to = code.length): Token[] {
  const tokens: Token[] = [];
  const add = (text: string, classes: string) => tokens.push([text, classes]);
  highlightCode(code, tree, pythonHighlighter, add, () => add("\n", ""), from, to);
  return tokens;
}
