import { RangeSetBuilder } from "@codemirror/state";
import { Decoration, type DecorationSet, type EditorView, ViewPlugin } from "@codemirror/view";
import { piecesOf } from "../hidden_characters.ts";
import { markOf } from "./seen.tsx";

/** Marks hidden characters in an editor as `Seen` marks them elsewhere. The text stays as it is. */
export const hiddenMarks = ViewPlugin.define(
  (view) => ({
    decorations: marksIn(view),
    update({ docChanged, viewportChanged, view }) {
      if (docChanged || viewportChanged) this.decorations = marksIn(view);
    },
  }),
  { decorations: (plugin) => plugin.decorations },
);

function marksIn(view: EditorView): DecorationSet {
  const marks = new RangeSetBuilder<Decoration>();
  let next = 0;
  for (const { from, to } of view.visibleRanges) {
    // A long line may have several visible ranges.
    for (let at = Math.max(from, next); at <= to; at = next) {
      const line = view.state.doc.lineAt(at);
      let start = line.from;
      for (const piece of piecesOf(line.text, "code")) {
        const end = start + (typeof piece === "string" ? piece : piece.character).length;
        if (typeof piece !== "string") {
          const { class: name, ...attributes } = markOf(piece);
          marks.add(start, end, Decoration.mark({ tagName: "bdi", class: name, attributes }));
        }
        start = end;
      }
      next = line.to + 1;
    }
  }
  return marks.finish();
}
