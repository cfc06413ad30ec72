import { expect, test } from "vitest";
import { blocksOf } from "../src/ui/markdown.tsx";
import { decoded, safeAddress } from "../src/ui/markdown_inline.tsx";
import { type MarkdownPart, markdownParts } from "../src/ui/markdown_parts.ts";

const LONGEST_PART = 7_000;
const joined = (parts: readonly MarkdownPart[]) => parts.map((part) => part.text).join("");

/** Reproducible numbers from a seed, which is printed when a test fails. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state % below;
  };
}

const PIECES = [
  "**",
  "*",
  "_",
  "`",
  "```",
  "```py\n",
  "~~~\n",
  "# ",
  "- ",
  "1. ",
  "> ",
  "| a | b |\n",
  "|---|---|\n",
  "\n",
  "\n\n",
  "    ",
  "[a](http://b.c)",
  "![x](y)",
  "<b>",
  "&lt;",
  "[",
  "](",
  "\\",
  "word ",
  "😀",
  "\u202e",
  "<!--",
  "http://a.b ",
];

function randomText(seed: number, pieces: number): string {
  const next = random(seed);
  return Array.from({ length: pieces }, () => PIECES[next(PIECES.length)]).join("");
}

test("the parts of an answer add up to it, each is bounded, and none splits a character", () => {
  for (let seed = 1; seed <= 40; seed++) {
    const text = randomText(seed, 2_000);
    const parts = markdownParts(text);
    expect(joined(parts), `seed ${seed}`).toBe(text);
    for (const { text: part } of parts)
      expect([seed, part.length < LONGEST_PART, part.isWellFormed()]).toEqual([seed, true, true]);
  }
  const endless = "😀".repeat(20_000);
  expect(joined(markdownParts(endless))).toBe(endless);
  for (const { text } of markdownParts(endless))
    expect([text.length < LONGEST_PART, text.isWellFormed()]).toEqual([true, true]);
});

test("while an answer is streamed only its last part changes, and the parts are those of the complete text", () => {
  for (let seed = 1; seed <= 8; seed++) {
    const text = randomText(seed, 3_000);
    let known: readonly MarkdownPart[] = [];
    let read = 0;
    const step = 37;
    for (let end = step; end <= text.length; end += step) {
      const parts = markdownParts(text.slice(0, end), known);
      const fresh = parts.filter((part, at) => part !== known[at]);
      expect(
        known.slice(0, -1).every((part, at) => part === parts[at]),
        `seed ${seed} at ${end}`,
      ).toBe(true);
      read += fresh.reduce((sum, part) => sum + part.text.length, 0);
      known = parts;
    }
    expect(markdownParts(text, known), `seed ${seed}`).toEqual(markdownParts(text));
    // At most the last part is parsed again with each piece.
    expect(read).toBeLessThan((text.length / step) * LONGEST_PART);
  }
});

test("code and tables that span several parts stay code and tables", () => {
  const code = `Look:\n\n\`\`\`python\n${Array.from({ length: 800 }, (_, at) => `line_${at} = ${at}\n\n# no heading`).join("\n")}\n\`\`\`\n\nDone.`;
  const parts = markdownParts(code);
  expect(parts.length).toBeGreaterThan(3);
  const types = parts.flatMap(({ text, before }) => blocksOf(before + text).map((block) => block.type));
  expect(new Set(types)).toEqual(new Set(["paragraph", "code", "space"]));
  const table = `| a | b |\n| --- | --- |\n${Array.from({ length: 1_500 }, (_, at) => `| ${at} | b |`).join("\n")}\n`;
  for (const { text, before } of markdownParts(table))
    expect(blocksOf(before + text).map((block) => block.type)).toEqual(["table"]);
});

test("a list with empty lines is one list", () => {
  const list = "1. one\n\n   more of it\n\n2. two\n\n3. three\n";
  expect(markdownParts(list)).toHaveLength(1);
  expect(blocksOf(list).filter((block) => block.type === "list")).toHaveLength(1);
});

test("no text of a model makes parsing fail, at any point of its streaming", () => {
  for (let seed = 100; seed < 130; seed++) {
    const text = randomText(seed, 400);
    for (let end = 1; end < text.length; end += 61) {
      for (const { text: part, before } of markdownParts(text.slice(0, end))) {
        expect(blocksOf(before + part), `seed ${seed} at ${end}`).toBeInstanceOf(Array);
      }
    }
  }
  for (const piece of [
    "> ",
    ">",
    "1. ",
    "- ",
    "[",
    "**a ",
    "*a **",
    "_a",
    "![",
    "<a ",
    "`a``",
    "((",
    "* a\n  ",
    "|a",
  ]) {
    for (const { text } of markdownParts(piece.repeat(6_000)))
      expect([piece, Array.isArray(blocksOf(text))]).toEqual([piece, true]);
  }
});

test("only links to http, https and mailto are kept", () => {
  for (const good of ["https://a.example/b?c=d#e", "http://a.example", "mailto:a@b.example", "HTTPS://A.example"]) {
    expect([good, safeAddress(good) !== null]).toEqual([good, true]);
  }
  for (const bad of [
    ...[
      "javascript:alert(1)",
      "JavaScript:alert(1)",
      " javascript:alert(1)",
      "java\nscript:alert(1)",
      "data:text/html,x",
    ],
    ...[
      "vbscript:x",
      "file:///etc/passwd",
      "blob:https://a.example/1",
      "/relative",
      "#fragment",
      "//a.example",
      "",
      "ftp://a.example",
    ],
    decoded("&#106;avascript&#58;alert(1)"),
  ]) {
    expect([bad, safeAddress(bad)]).toEqual([bad, null]);
  }
});

test("character references are decoded, and anything else is unchanged", () => {
  expect(decoded("a &lt;b&gt; &amp;amp; &quot;&#39;&#x202E; &nbsp;&unknown; &#0;&#xD800;")).toBe(
    "a <b> &amp; \"'\u202e \u00a0&unknown; \ufffd\ufffd",
  );
});
