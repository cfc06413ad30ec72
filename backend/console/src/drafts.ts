/** Unsent prompts and unsaved edits, in the session storage of this tab. */

/** The code that an edit started from. */
export interface Base {
  version: number;
  code: string;
}

export interface EditDraft {
  base: Base;
  text: string;
}

const drafts = new Map<string, string>();
const bases = new Map<string, Base>();

/** Empty: there is no draft. */
export function readDraft(key: string): string {
  return drafts.get(key) ?? sessionStorage.getItem(key) ?? "";
}

/** Store a draft; an empty text removes it. */
export function keepDraft(key: string, text: string): void {
  drafts.set(key, text);
  try {
    if (text) sessionStorage.setItem(key, text);
    else sessionStorage.removeItem(key);
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    // The storage is full: the draft stays in memory, and the outdated one must not return after a reload.
    sessionStorage.removeItem(key);
  }
}

/** The key of the prompt for a conversation. */
export function promptKey(projectId: string, nodeId: string | null): string {
  return `vibewire.draft ${projectId} ${nodeId ?? ""}`;
}

/** The unsaved edit of a project's code. */
export function readEdit(projectId: string): EditDraft | null {
  const base = readBase(readDraft(baseKey(projectId)));
  const text = readDraft(textKey(projectId));
  return base && text !== "" ? { base, text: text.slice(1) } : null;
}

/** Store an edit; its base, which may be long, only when it has changed. */
export function keepEdit(projectId: string, { base, text }: EditDraft): void {
  if (bases.get(projectId) !== base) keepDraft(baseKey(projectId), JSON.stringify(base));
  bases.set(projectId, base);
  // The prefix distinguishes an edit that deletes everything from no edit.
  keepDraft(textKey(projectId), `=${text}`);
}

/** Remove the edit of a project. */
export function dropEdit(projectId: string): void {
  bases.delete(projectId);
  keepDraft(baseKey(projectId), "");
  keepDraft(textKey(projectId), "");
}

function baseKey(projectId: string): string {
  return `vibewire.edit-base ${projectId}`;
}

function textKey(projectId: string): string {
  return `vibewire.edit ${projectId}`;
}

function readBase(draft: string): Base | null {
  return draft ? (JSON.parse(draft) as Base) : null;
}
