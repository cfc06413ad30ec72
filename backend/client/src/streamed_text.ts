/** Text that arrives in pieces, each with its offset in characters (code points, as Python counts them). */

export interface StreamedText {
  readonly text: string;
  /** Code points from the start of the iteration to the end of `text`. */
  readonly end: number;
}

export const NO_TEXT: StreamedText = { text: "", end: 0 };

/** Marks text that was streamed while the client was not connected. */
export const GAP = "\n[…]\n";

/** The text with a piece at its offset: repeated characters are dropped, missing ones marked by `GAP`. */
export function addPiece(before: StreamedText, offset: number, piece: string): StreamedText {
  const length = codePoints(piece);
  if (offset + length <= before.end) return before;
  if (offset <= before.end) {
    return { text: before.text + fromCodePoint(piece, before.end - offset), end: offset + length };
  }
  return { text: before.text + GAP + piece, end: offset + length };
}

function codePoints(text: string): number {
  let count = text.length;
  for (let at = 0; at < text.length - 1; at++) {
    if (isPair(text, at)) {
      count--;
      at++;
    }
  }
  return count;
}

function fromCodePoint(text: string, skip: number): string {
  let at = 0;
  for (; skip > 0; skip--) at += isPair(text, at) ? 2 : 1;
  return text.slice(at);
}

function isPair(text: string, at: number): boolean {
  const point = text.codePointAt(at);
  return point !== undefined && point > 0xffff;
}
