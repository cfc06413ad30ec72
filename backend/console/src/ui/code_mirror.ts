/** CodeMirror, as the console uses it for reading and editing source. */

import { defaultKeymap, history, historyKeymap, selectAll } from "@codemirror/commands";
import { pythonLanguage } from "@codemirror/lang-python";
import { bidiIsolates, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { diff } from "@codemirror/merge";
import { search, searchKeymap } from "@codemirror/search";
import { EditorState, type Extension } from "@codemirror/state";
import { EditorView, keymap, lineNumbers } from "@codemirror/view";
import { useLayoutEffect, useRef } from "preact/hooks";
import { StyleModule } from "style-mod";
import { codeTheme } from "./code_theme.ts";
import { hiddenMarks } from "./hidden_marks.ts";
import { pythonHighlighter } from "./python.ts";

const INDENT = "    ";
// Beyond so many edits in one place the comparison gets coarser.
const SCAN_LIMIT = 500;

// The page's policy forbids style elements; a constructed style sheet needs none.
const adopted = new Set<StyleModule>();
StyleModule.mount = (_root, modules) => {
  for (const module of [modules].flat()) {
    if (adopted.has(module)) continue;
    adopted.add(module);
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(module.getRules());
    document.adoptedStyleSheets.push(sheet);
  }
};

const shared: Extension = [
  // A carriage return is a character of its line: shown, and saved as it was.
  EditorState.lineSeparator.of("\n"),
  EditorState.tabSize.of(4),
  lineNumbers(),
  pythonLanguage,
  syntaxHighlighting(pythonHighlighter),
  hiddenMarks,
  bidiIsolates(),
  search({ top: true }),
  keymap.of(searchKeymap),
  EditorView.contentAttributes.of({ tabindex: "0" }),
  codeTheme,
];

/** Source to read: it can be selected, copied and searched. */
export function reading(label: string): Extension {
  return [
    shared,
    EditorState.readOnly.of(true),
    EditorView.editable.of(false),
    EditorView.contentAttributes.of({ "aria-label": label }),
    keymap.of([{ key: "Mod-a", run: selectAll }]),
  ];
}

interface EditingOptions {
  label: string;
  onChange: (text: string) => void;
  onSave: () => void;
}

/** Source to edit: Tab indents, Escape leaves the field so that Tab moves on. */
export function editing({ label, onChange, onSave }: EditingOptions): Extension {
  const save = () => {
    onSave();
    return true;
  };
  const indent = (view: EditorView) => {
    view.dispatch(view.state.replaceSelection(INDENT), { scrollIntoView: true, userEvent: "input.indent" });
    return true;
  };
  const leave = (view: EditorView) => {
    view.contentDOM.blur();
    return true;
  };
  return [
    shared,
    history(),
    indentUnit.of(INDENT),
    keymap.of([
      { key: "Mod-s", run: save },
      { key: "Tab", run: indent },
      { key: "Escape", run: leave },
      ...historyKeymap,
      ...defaultKeymap,
    ]),
    EditorView.contentAttributes.of({ "aria-label": label }),
    EditorView.updateListener.of((update) => update.docChanged && onChange(update.state.doc.toString())),
  ];
}

/** An editor in `box`, made by `extension` when the component is first shown. It shows `text` when that changes. */
export function useCodeMirror(text: string, extension: () => Extension) {
  const box = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  useLayoutEffect(() => {
    if (!box.current) return;
    const made = new EditorView({ parent: box.current, doc: text, extensions: extension() });
    view.current = made;
    return () => made.destroy();
  }, []);
  useLayoutEffect(() => {
    const { current } = view;
    const shown = current?.state.doc.toString();
    if (!current || shown === undefined || shown === text) return;
    // Only what differs is replaced: the caret and the scroll position stay where they are.
    const changes = diff(shown, text, { scanLimit: SCAN_LIMIT }).map(({ fromA, toA, fromB, toB }) => ({
      from: fromA,
      to: toA,
      insert: text.slice(fromB, toB),
    }));
    current.dispatch({ changes });
  }, [text]);
  return { box, view };
}
