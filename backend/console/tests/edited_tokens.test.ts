import { expect, test } from "vitest";
import { carriedOver } from "../src/ui/edited_tokens.ts";
import { tokenLines } from "../src/ui/tokens.ts";

const SOURCE = 'import os\n\ndef f(a):\n    """One\n    two if three\n    """\n    return a\n';

/** The colours of an edited source, from those of the one before it. */
function edited(before: string, after: string) {
  return carriedOver({ lines: before.split("\n"), tokens: tokenLines(before) }, after.split("\n"));
}

function textOf(lines: ReturnType<typeof edited>): string {
  return lines.map((line) => line.map(([text]) => text).join("")).join("\n");
}

const EDITS: Record<string, [from: string, to: string]> = {
  "a key": ["return a", "return ab"],
  "a new line": ["def f(a):\n", "def f(a):\n    x = None\n"],
  "a line that is gone": ["import os\n", ""],
  "a line twice": ["    return a\n", "    return a\n    return a\n"],
  "an empty line more": ["\n\ndef", "\n\n\ndef"],
  "two lines joined": ["import os\n\ndef", "import osdef"],
  "all of it": [SOURCE, ""],
  "something new": [SOURCE, "pass\nclass A: ..."],
};

test.each(Object.entries(EDITS))("after an edit the coloured lines are the text: %s", (_name, [from, to]) => {
  const after = SOURCE.replace(from, to);
  expect(textOf(edited(SOURCE, after))).toBe(after);
  expect(textOf(edited(after, SOURCE))).toBe(SOURCE);
  expect(textOf(edited("", after))).toBe(after);
});

test("lines that stay keep their colours, a new one has its own", () => {
  const after = SOURCE.replace("import os\n", "import os\nimport sys\n");
  expect(edited(SOURCE, after)).toEqual(tokenLines(after));
});

test("a line within a long string stays a string while it is written", () => {
  const after = SOURCE.replace("two if", "two and if");
  expect(edited(SOURCE, after)).toEqual(tokenLines(after));
});

test("much at once has no colours until it is told", () => {
  const after = SOURCE + "import os\n".repeat(1_000);
  const lines = edited(SOURCE, after);
  expect(textOf(lines)).toBe(after);
  expect(lines[500]).toEqual([["import os", ""]]);
});
