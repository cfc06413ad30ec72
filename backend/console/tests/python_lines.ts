import { parsePython, type Token, tokensBetween } from "../src/ui/python.ts";

/** The tokens of each line of a source. */
export function tokenLines(code: string): Token[][] {
  const lines: Token[][] = [[]];
  for (const token of tokensBetween(code, parsePython(code))) {
    if (token[0] === "\n") lines.push([]);
    else lines.at(-1)?.push(token);
  }
  return lines;
}
