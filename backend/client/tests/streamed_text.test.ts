import { expect, test } from "vitest";
import { addPiece, GAP, NO_TEXT } from "../src/streamed_text.ts";

test("pieces are placed by their offset in code points: repeated text is dropped, missing text is marked", () => {
  const one = addPiece(NO_TEXT, 0, "a😀b");
  expect(one.end).toBe(3);
  expect(addPiece(one, 1, "😀b")).toBe(one);
  expect(addPiece(one, 1, "😀b😀c")).toEqual({ text: "a😀b😀c", end: 5 });
  expect(addPiece(one, 9, "z")).toEqual({ text: `a😀b${GAP}z`, end: 10 });
  expect(addPiece(NO_TEXT, 4, "late")).toEqual({ text: `${GAP}late`, end: 8 });
});
