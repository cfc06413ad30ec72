/** Text from people and models, of which a reader sees what is there: hidden characters are marked, and act on nothing. */

import { type Hidden, hiddenIn, piecesOf, type Where } from "../hidden_characters.ts";

/** Text. What is copied from the page is the text itself, marks and all left out. */
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

/** How a hidden character is marked. */
export function markOf({ code, name }: Hidden) {
  const label = `${code}: ${name}`;
  return { class: "hidden-character", "data-code": code, title: label, role: "img", "aria-label": label } as const;
}

/** A name within other text: whatever is in it changes nothing around it. */
export function Name({ text }: { text: string }) {
  return (
    <bdi>
      <Seen text={text} />
    </bdi>
  );
}

interface WarningProps {
  /** What has them: "This change". */
  what: string;
  lines: Iterable<[number: number, text: string]>;
  where: Where;
}

/** Says which hidden characters there are, and where; nothing where there are none. */
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
