import { EditorView } from "@codemirror/view";

const round = { borderRadius: "6px" };

/** CodeMirror in the console's colours, which follow the page's theme. */
export const codeTheme = EditorView.theme({
  "&": { flex: "1", minHeight: "0", minWidth: "0", color: "var(--text)" },
  "&.cm-focused": { outline: "none" },
  // Above the gutter, which would cover an outline.
  "&.cm-focused::after": {
    content: '""',
    position: "absolute",
    inset: "0",
    zIndex: "300",
    border: "2px solid var(--accent)",
    pointerEvents: "none",
  },
  ".cm-scroller": { font: "13px / 20px var(--mono)", overflow: "auto" },
  ".cm-content": { padding: "8px 0", caretColor: "var(--text)" },
  ".cm-line": { padding: "0 16px 0 0" },
  ".cm-gutters": { background: "var(--panel)", color: "var(--faint)", border: "0" },
  ".cm-lineNumbers .cm-gutterElement": { minWidth: "56px", padding: "0 14px 0 8px" },
  ".cm-panels": { background: "var(--raised)", color: "var(--text)" },
  ".cm-panels.cm-panels-top": { borderBottom: "1px solid var(--line)" },
  ".cm-panel.cm-search": { padding: "6px 28px 6px 8px", font: "13px / 20px system-ui, sans-serif" },
  ".cm-panel.cm-search label": { display: "inline-flex", flexDirection: "row", alignItems: "center", fontSize: "13px" },
  ".cm-panel.cm-search input": { width: "auto" },
  ".cm-textfield": { border: "1px solid var(--strong-line)", background: "var(--panel)", fontSize: "13px", ...round },
  ".cm-button": { border: "1px solid var(--line)", background: "var(--raised)", fontSize: "13px", ...round },
  ".cm-searchMatch": { background: "var(--warn-soft)", outline: "1px solid var(--warn)" },
  ".cm-searchMatch.cm-searchMatch-selected": { background: "var(--accent-soft)", outlineColor: "var(--accent)" },
  ".cm-selectionMatch": { background: "var(--accent-soft)" },
});
