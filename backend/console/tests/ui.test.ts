import { expect, test } from "vitest";
import { addressOf, readRoute } from "../src/route.ts";
import { compare, patched, sideBySide } from "../src/ui/diff_rows.ts";
import { placeNodes } from "../src/ui/graph_layout.ts";
import { chunksOf } from "../src/ui/long_text.tsx";
import { tokenLines } from "./python_lines.ts";

test("an address leads to the route it was made from, for any name of a node", () => {
  for (const nodeId of [null, "triage_agent", "a/b", "ü %2F"]) {
    expect(readRoute(addressOf({ projectId: "p", nodeId }))).toEqual({ projectId: "p", nodeId });
  }
  expect(readRoute("#/nonsense")).toEqual({ projectId: null, nodeId: null });
  expect(readRoute("#/project/%zz")).toEqual({ projectId: "%zz", nodeId: null });
});

test("the chunks of a text add up to it, and appending text leaves the full ones unchanged", () => {
  const text = Array.from({ length: 10_000 }, (_, at) => `Line ${at} 😀`).join("\n");
  const chunks = chunksOf(text);
  expect(chunks.join("")).toBe(text);
  expect(chunks.length).toBeGreaterThan(100);
  expect(chunksOf(`${text} and more`).slice(0, -1)).toEqual(chunks.slice(0, -1));
  const endless = "😀".repeat(40_000);
  expect(chunksOf(endless).join("")).toBe(endless);
  for (const chunk of chunksOf(endless)) expect(chunk.isWellFormed()).toBe(true);
});

test("highlighting keeps the lines of a source, and marks every line of a multi-line string", () => {
  const code = 'a = 1\n"""one\n<b>two</b>\n"""\ndef f():\n    return f"{a} & b"\n';
  const lines = tokenLines(code);
  expect(lines.map((line) => line.map(([text]) => text).join("")).join("\n")).toBe(code);
  expect(lines[2]).toEqual([["<b>two</b>", "tk-string"]]);
});

test("a change is shown line by line and side by side", () => {
  const change = compare("a\nb\nc\n", "a\nB\nc\nd\n");
  expect([change?.added, change?.removed]).toEqual([2, 1]);
  const pairs = sideBySide(change?.rows ?? []).map(([left, right]) => [left?.text, right?.text]);
  expect(pairs.slice(1)).toEqual([
    ["a", "a"],
    ["b", "B"],
    ["c", "c"],
    [undefined, "d"],
  ]);
});

/** Numbers from a seed, as Math.random gives them (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

function linesOf(source: string): string[] {
  const lines = source.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

test.each([1, 2, 3, 4, 5, 6, 7, 8])("the rows of a change turn the old source into the new one (seed %i)", (seed) => {
  const next = random(seed);
  const line = () => "abcde".charAt(Math.floor(next() * 5)).repeat(Math.floor(next() * 4));
  for (let round = 0; round < 40; round++) {
    const before = Array.from({ length: Math.floor(next() * 40) }, line).join("\n");
    const after = before
      .split("\n")
      .flatMap((one) => (next() < 0.1 ? [] : next() < 0.1 ? [one, line()] : [one]))
      .join("\n");
    const [old, new_] = [linesOf(before), linesOf(after)];
    const rows = compare(before, after)?.rows ?? [];
    const result: string[] = [];
    let copied = 0;
    for (const { kind, before: oldLine, after: newLine, text, from } of rows) {
      if (kind === "gap") continue;
      if (oldLine !== null) {
        expect(old[oldLine - 1]).toBe(text);
        result.push(...old.slice(copied, oldLine - 1));
        copied = oldLine;
      }
      if (newLine !== null) {
        result.push(text);
        expect([result.length, new_[newLine - 1]]).toEqual([newLine, text]);
      }
      expect((newLine === null ? before : after).slice(from, from + text.length)).toBe(text);
    }
    expect([...result, ...old.slice(copied)]).toEqual(new_);
  }
});

test("sources with more different lines than can be encoded are not compared", () => {
  const lines = (first: number) => Array.from({ length: 40_000 }, (_, at) => String(first + at)).join("\n");
  expect(compare(lines(0), lines(1))?.rows).toHaveLength(12);
  expect(compare(lines(0), lines(40_000))).toBeNull();
});

test("a patch that does not apply changes nothing", () => {
  const patch = "--- a/w.py\n+++ b/w.py\n@@ -1 +1 @@\n-b\n+c\n";
  expect(patched("b\n", patch)).toBe("c\n");
  expect(patched("x\n", patch)).toBeNull();
  expect(patched("x\n", "no patch")).toBeNull();
});

test("every agent has a position, also in a cycle, and an unknown handoff target is shown", () => {
  const graph = placeNodes([
    { name: "a", handoffs: ["b", "unknown"], tools: ["search"] },
    { name: "b", handoffs: ["a", "b"], tools: ["a"] },
    { name: "alone", handoffs: [], tools: [] },
  ]);
  expect(graph.nodes.map((node) => [node.name, node.isUnknown]).sort()).toEqual([
    ["a", false],
    ["alone", false],
    ["b", false],
    ["unknown", true],
  ]);
  expect(graph.edges.map(({ from, to, kind }) => `${from} ${kind} ${to}`).sort()).toEqual([
    "a handoff b",
    "a handoff unknown",
    "b handoff a",
    "b handoff b",
    "b tool a",
  ]);
  for (const node of graph.nodes) expect(node.left + node.width).toBeLessThanOrEqual(graph.width + 4);
});
