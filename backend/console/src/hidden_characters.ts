/**
 * Finds invisible characters and those that change the direction of text, except where they are legitimate: in emoji,
 * and between letters of joining scripts. Letters that look alike are not found.
 */

/** `code` also finds unusual spaces; `change`, for changed lines, also a carriage return at the end of a line. */
export type Where = "prose" | "code" | "change";

export interface Hidden {
  character: string;
  /** For example `U+202E`. */
  code: string;
  name: string;
}

const NAMES: Record<string, string> = {
  "U+0000": "null",
  "U+0007": "bell",
  "U+0008": "backspace",
  "U+000D": "carriage return",
  "U+001B": "escape",
  "U+007F": "delete",
  "U+00A0": "no-break space",
  "U+00AD": "soft hyphen",
  "U+061C": "Arabic letter mark",
  "U+200B": "zero-width space",
  "U+200C": "zero-width non-joiner",
  "U+200D": "zero-width joiner",
  "U+200E": "left-to-right mark",
  "U+200F": "right-to-left mark",
  "U+2028": "line separator",
  "U+2029": "paragraph separator",
  "U+202A": "left-to-right embedding",
  "U+202B": "right-to-left embedding",
  "U+202C": "end of embedding",
  "U+202D": "left-to-right override",
  "U+202E": "right-to-left override",
  "U+2060": "word joiner",
  "U+2066": "left-to-right isolate",
  "U+2067": "right-to-left isolate",
  "U+2068": "first strong isolate",
  "U+2069": "end of isolate",
  "U+FEFF": "byte-order mark",
};

const JOINING =
  "\\p{scx=Arab}\\p{scx=Syrc}\\p{scx=Deva}\\p{scx=Beng}\\p{scx=Mlym}\\p{scx=Sinh}\\p{scx=Taml}\\p{scx=Telu}";
const LEGITIMATE = [
  "\\u{1F3F4}[\\u{E0030}-\\u{E0039}\\u{E0061}-\\u{E007A}]{3,6}\\u{E007F}",
  // Emoji of several parts, keycaps, and flags made of tags.
  "\\p{Extended_Pictographic}(?:\\p{Emoji_Modifier}|[\\uFE0E\\uFE0F])?(?:\\u200D\\p{Extended_Pictographic}(?:\\p{Emoji_Modifier}|\\uFE0F)?)*",
  "[#*0-9]\\uFE0F\\u20E3",
  // A variant of a Chinese character.
  "\\p{Script=Han}[\\uFE00-\\uFE0F\\u{E0100}-\\u{E01EF}]",
  `(?<=[${JOINING}])[\\u200C\\u200D](?=[${JOINING}])`,
  "\\r\\n",
].join("|");
const ANYWHERE =
  "\\p{Default_Ignorable_Code_Point}\\p{Cs}\\u0000-\\u0008\\u000B\\u000C\\u000E-\\u001F\\u007F-\\u009F\\u2028\\u2029\\u2800\\uFFF9-\\uFFFB";
const SPACES = "\\u00A0\\u1680\\u2000-\\u200A\\u202F\\u205F\\u3000";
const PATTERNS: Record<Where, RegExp> = {
  prose: new RegExp(`${LEGITIMATE}|([${ANYWHERE}]|\\r(?!$))`, "gu"),
  code: new RegExp(`${LEGITIMATE}|([${ANYWHERE}${SPACES}]|\\r(?!$))`, "gu"),
  change: new RegExp(`${LEGITIMATE}|([${ANYWHERE}${SPACES}\\r])`, "gu"),
};
// A fast check: most text has none of these.
const SUSPICIOUS = /[^\t\n\x20-\x7E]/;

/** The text, split into visible pieces and the hidden characters between them. */
export function piecesOf(text: string, where: Where): readonly (string | Hidden)[] {
  if (!SUSPICIOUS.test(text)) return [text];
  const pieces: (string | Hidden)[] = [];
  let start = 0;
  for (const found of text.matchAll(PATTERNS[where])) {
    const character = found[1];
    if (character === undefined) continue;
    if (found.index > start) pieces.push(text.slice(start, found.index));
    pieces.push(hidden(character));
    start = found.index + character.length;
  }
  if (start < text.length) pieces.push(text.slice(start));
  return pieces;
}

/** The text with its hidden characters spelled out, for plain text: titles, labels, options. */
export function spelled(text: string): string {
  return piecesOf(text, "prose")
    .map((piece) => (typeof piece === "string" ? piece : `⟨${piece.code}⟩`))
    .join("");
}

/** The hidden characters of some lines: each kind once, with the number of its first line. */
export function hiddenIn(lines: Iterable<[number: number, text: string]>, where: Where): Map<string, [Hidden, number]> {
  const found = new Map<string, [Hidden, number]>();
  for (const [number, text] of lines) {
    for (const piece of piecesOf(text, where)) {
      if (typeof piece !== "string" && !found.has(piece.code)) found.set(piece.code, [piece, number]);
    }
  }
  return found;
}

function hidden(character: string): Hidden {
  const code = `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
  return { character, code, name: NAMES[code] ?? "hidden character" };
}
