import { expect, test } from "vitest";
import { hiddenIn, piecesOf, spelled, type Where } from "../src/hidden_characters.ts";
import { changedWords, parted } from "../src/ui/changed_words.ts";
import { changedRanges, compare } from "../src/ui/diff_rows.ts";
import { tokenLines } from "./python_lines.ts";

/** The codes of the marked characters. */
function codes(text: string, where: Where = "prose"): string[] {
  return piecesOf(text, where).flatMap((piece) => (typeof piece === "string" ? [] : [piece.code]));
}

const from = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, at) => first + at);

test("characters that change direction, are invisible, or control a terminal are marked one by one", () => {
  const all = [
    ...[0x061c, 0x200e, 0x200f, ...from(0x202a, 0x202e), ...from(0x2066, 0x2069)],
    ...[0x00ad, 0x034f, 0x115f, 0x17b4, 0x180e, 0x200b, 0x200c, 0x200d, 0x2060, 0x2063, 0x3164, 0xfeff, 0xffa0],
    ...[0x0000, 0x0007, 0x0008, 0x000b, 0x000c, 0x001b, 0x007f, 0x0085, 0x009b, 0x2028, 0x2029, 0x2800],
    ...[0xfff9, 0xfe00, 0xe0041, 0xe0100, 0x1d173],
  ];
  for (const point of all) {
    const text = `pay${String.fromCodePoint(point)}100`;
    const code = `U+${point.toString(16).toUpperCase().padStart(4, "0")}`;
    expect([code, codes(text), codes(text, "code"), spelled(text)]).toEqual([code, [code], [code], `pay⟨${code}⟩100`]);
  }
  expect(codes("half \ud83d")).toEqual(["U+D83D"]);
  expect(codes("\u001b]52;c;eA==\u0007")).toEqual(["U+001B", "U+0007"]);
});

test("the pieces add up to the text", () => {
  for (const text of ["", "plain", "\u202e", "a\u202eb\u2066c", "👨‍👩‍👧 and \u200b", "a\r\nb\r"]) {
    expect(
      piecesOf(text, "change")
        .map((one) => (typeof one === "string" ? one : one.character))
        .join(""),
    ).toBe(text);
  }
});

test("legitimate characters are not marked", () => {
  for (const text of [
    ...["naïve café — “x” … ✓", "שלום עולם", "مرحبا", "日本語\tテキスト\n", "👨‍👩‍👧‍👦 ❤️ 🏳️‍🌈 👍🏽 1️⃣ 🏴󠁧󠁢󠁥󠁮󠁧󠁿 🇩🇪"],
    ...["می‌خواهم", "क्‍ष", "葛\u{E0100}", "one\r\ntwo\r\n"],
  ]) {
    expect([text, codes(text), codes(text, "code")]).toEqual([text, [], []]);
  }
});

test("hidden characters after legitimate ones are marked", () => {
  expect(codes("👍\u{FE0F}\u{E0141}\u{E0142}")).toEqual(["U+E0141", "U+E0142"]);
  expect(codes("a\u200db")).toEqual(["U+200D"]);
  expect(codes(`🏴${"\u{E0061}".repeat(9)}\u{E007F}`)).not.toEqual([]);
});

test("unusual spaces are marked in code, and a carriage return in a changed line", () => {
  expect([codes("a\u00a0b"), codes("a\u00a0b", "code"), codes("a\u3000b", "change")]).toEqual([
    [],
    ["U+00A0"],
    ["U+3000"],
  ]);
  expect([codes("a\r"), codes("a\r", "code"), codes("a\r", "change"), codes("a\rb", "code")]).toEqual([
    ...[[], [], ["U+000D"], ["U+000D"]],
  ]);
});

test("a warning names each kind once, with its first line", () => {
  const lines: [number, string][] = [
    [3, "fine"],
    [4, "a\u202e"],
    [9, "\u202e\u200b"],
  ];
  expect([...hiddenIn(lines, "change").values()].map(([one, line]) => [one.code, one.name, line])).toEqual([
    ["U+202E", "right-to-left override", 4],
    ["U+200B", "zero-width space", 9],
  ]);
});

test("the changed words of a long line are marked on both sides", () => {
  const long = "Answer politely and shortly, and do not promise anything that is not in the handbook. ".repeat(5);
  const change = compare(`x = "${long}in English"\n`, `x = "${long}in Spanish"\n`);
  const marked = change?.rows.flatMap((row) => changedRanges(row).map(([start, end]) => row.text.slice(start, end)));
  expect(marked).toEqual(["English", "Spanish"]);
});

test("lines with little in common and very long lines are not compared by word", () => {
  expect(changedWords("import os", "class Billing: ...")).toBeNull();
  expect(changedWords("a ".repeat(5_000), "b ".repeat(5_000))).toBeNull();
});

test("the parts of a highlighted line add up to it, split where it was changed", () => {
  const [line = []] = tokenLines('name = "triage and billing"  # 😀');
  const parts = parted(line, [
    [8, 14],
    [29, 30],
  ]);
  expect(parts.flatMap((part) => part.tokens.map(([text]) => text)).join("")).toBe('name = "triage and billing"  # 😀');
  expect(parts.filter((part) => part.isChanged).map((part) => part.tokens.map(([text]) => text).join(""))).toEqual([
    "triage",
    "#",
  ]);
  expect(parted(line, []).map((part) => part.isChanged)).toEqual([false]);
});
