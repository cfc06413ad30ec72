/** Python source as coloured pieces, line by line. No HTML is made on the way. */

import python from "highlight.js/lib/languages/python";
import { createLowlight } from "lowlight";

/** A piece of a line; `kind` is highlight.js' class, or empty. */
export type Token = readonly [text: string, kind: string];
export type TokenLine = readonly Token[];

const lowlight = createLowlight({ python });

interface Tree {
  type: string;
  value?: string;
  properties?: { className?: string[] };
  children?: Tree[];
}

export function tokenLines(code: string): TokenLine[] {
  const lines: Token[][] = [[]];
  const walk = (tree: Tree, kind: string) => {
    if (tree.type === "text") {
      const [first = "", ...rest] = (tree.value ?? "").split("\n");
      if (first) lines.at(-1)?.push([first, kind]);
      for (const line of rest) lines.push(line ? [[line, kind]] : []);
    }
    const own = tree.properties?.className?.[0]?.replace("hljs-", "") ?? kind;
    for (const child of tree.children ?? []) walk(child, own);
  };
  walk(lowlight.highlight("python", code) as Tree, "");
  return lines;
}
