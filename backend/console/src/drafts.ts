/** What a person has written and not sent yet: kept for this tab, also through a reload where the browser has room. */

/** The source that an edit by hand began with. */
export interface Base {
  version: number;
  code: string;
}

export interface EditDraft {
  base: Base;
  text: string;
}

const written = new Map<string, string>();
const bases = new Map<string, Base>();

/** What was written under the key; empty: nothing. */
export function readDraft(key: string): string {
  return written.get(key) ?? sessionStorage.getItem(key) ?? "";
}

/** Keep what is written; empty: forget it. */
export function keepDraft(key: string, text: string): void {
  written.set(key, text);
  try {
    if (text) sessionStorage.setItem(key, text);
    else sessionStorage.removeItem(key);
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    // No room: it lives as long as the page. What was kept before is older, and would come back after a reload.
    sessionStorage.removeItem(key);
  }
}

/** Where the prompt for a conversation is kept. */
export function promptKey(projectId: string, nodeId: string | null): string {
  return `vibewire.draft ${projectId} ${nodeId ?? ""}`;
}

/** The edit by hand of a project's code that was not saved yet. */
export function readEdit(projectId: string): EditDraft | null {
  const base = readBase(readDraft(baseKey(projectId)));
  const text = readDraft(textKey(projectId));
  return base && text !== "" ? { base, text: text.slice(1) } : null;
}

/** Keep an edit; the base is written only where it is another one, for it may be long. */
export function keepEdit(projectId: string, { base, text }: EditDraft): void {
  if (bases.get(projectId) !== base) keepDraft(baseKey(projectId), JSON.stringify(base));
  bases.set(projectId, base);
  // The mark tells an edit that deletes everything from none.
  keepDraft(textKey(projectId), `=${text}`);
}

/** Forget the edit of a project: it was saved, or thrown away. */
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

function readBase(kept: string): Base | null {
  return kept ? (JSON.parse(kept) as Base) : null;
}
