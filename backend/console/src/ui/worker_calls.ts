/** What takes long is done beside the page, so that it does not stand still. */

import type { Change } from "./diff_rows.ts";
import workerUrl from "./page_worker.ts?worker&url";
import type { TokenLine } from "./tokens.ts";

export type Question = { id: number } & ({ code: string } | { before: string; after: string });
export type Answer = { id: number; lines: TokenLine[] } | { id: number; change: Change | null };

interface Policy {
  createScriptURL(url: string): string;
}
type TrustedTypes = { createPolicy(name: string, rules: Policy): Policy };

let worker: Worker | undefined;
let lastId = 0;
const waiting = new Map<number, (answer: Answer) => void>();

/** The coloured lines of a source. */
export async function linesBeside(code: string): Promise<TokenLine[]> {
  const answer = await ask({ id: ++lastId, code });
  return "lines" in answer ? answer.lines : [];
}

/** The change from one source to another; null where they differ too much. */
export async function compareBeside(before: string, after: string): Promise<Change | null> {
  const answer = await ask({ id: ++lastId, before, after });
  return "change" in answer ? answer.change : null;
}

function ask(question: Question): Promise<Answer> {
  if (!worker) {
    worker = new Worker(trusted(workerUrl), { type: "module" });
    worker.addEventListener("message", (event: MessageEvent<Answer>) => {
      waiting.get(event.data.id)?.(event.data);
      waiting.delete(event.data.id);
    });
  }
  worker.postMessage(question);
  return new Promise((resolve) => waiting.set(question.id, resolve));
}

/** The page's policy lets in this one script beside its own, and no HTML at all. */
function trusted(url: string): string {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  return trustedTypes
    ? trustedTypes.createPolicy("vibewire", { createScriptURL: () => url }).createScriptURL(url)
    : url;
}
