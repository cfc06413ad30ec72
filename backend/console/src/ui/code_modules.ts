/** The part of the page that is loaded with the code panel. */

export { CodeBody } from "./code_body.tsx";
export { CodeEditor } from "./code_editor.tsx";
