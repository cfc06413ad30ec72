/** Text from people and models, with hidden characters marked and isolated from the text around them. */

import { type Hidden, hiddenIn, piecesOf, type Where } from "../hidden_characters.ts";

/** Text. Copying it gives the text without the marks. */
export function Seen({ text, where = "prose" }: { text: string; where?: Where }) {
  return (
    <>
      {piecesOf(text, where).map((piece, at) =>
        typeof piece === "string" ? (
          piece
        ) : (
          <bdi key={at} {...markOf(piece)}>
            {piece.character}
          </bdi>
        ),
      )}
    </>
  );
}

/** The attributes of the element around a hidden character. */
export function markOf({ code, name }: Hidden) {
  const label = `${code}: ${name}`;
  return { class: "hidden-character", "data-code": code, title: label, role: "img", "aria-label": label } as const;
}

/** A name within other text, isolated so that its characters do not reorder that text. */
export function Name({ text }: { text: string }) {
  return (
    <bdi>
      <Seen text={text} />
    </bdi>
  );
}

interface WarningProps {
  /** The subject of the sentence: "This change". */
  what: string;
  lines: Iterable<[number: number, text: string]>;
  where: Where;
}

/** Lists the hidden characters of some lines, if there are any. */
export function HiddenWarning({ what, lines, where }: WarningProps) {
  const found = [...hiddenIn(lines, where).values()];
  if (found.length === 0) return null;
  return (
    <p class="hidden-warning" role="note">
      <strong>{what} contains hidden characters:</strong>{" "}
      {found.map(([one, line]) => `${one.code} ${one.name} (line ${line})`).join(", ")}
    </p>
  );
}
