/** What takes long is done beside the page, so that it does not stand still. */

import type { Change } from "./diff_rows.ts";
import workerUrl from "./page_worker.ts?worker&url";
import type { TokenLine } from "./tokens.ts";
import type { Answer, Question } from "./worker_messages.ts";

interface Policy {
  createScriptURL(url: string): string;
}
type TrustedTypes = { createPolicy(name: string, rules: Policy): Policy };
interface Waiting {
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

/**
 * Asks a worker, made when it is first needed. One that fails answers nothing that was asked of it: all those calls
 * reject, and the next one goes to a new worker.
 */
export class WorkerCalls {
  readonly #make: () => Worker;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | null = null;
  #lastId = 0;

  constructor(make: () => Worker) {
    this.#make = make;
  }

  /** The coloured lines of a source. */
  async lines(code: string): Promise<TokenLine[]> {
    const answer = await this.#ask({ code });
    return "lines" in answer ? answer.lines : [];
  }

  /** The change from one source to another; null where they differ too much. */
  async compare(before: string, after: string): Promise<Change | null> {
    const answer = await this.#ask({ before, after });
    return "change" in answer ? answer.change : null;
  }

  async #ask(asked: { code: string } | { before: string; after: string }): Promise<Answer> {
    const worker = this.#worker ?? this.#begin();
    const id = ++this.#lastId;
    const answered = new Promise<Answer>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    worker.postMessage({ ...asked, id } satisfies Question);
    return answered;
  }

  #begin(): Worker {
    const worker = this.#make();
    worker.addEventListener("message", ({ data }: MessageEvent<Answer>) => {
      this.#waiting.get(data.id)?.resolve(data);
      this.#waiting.delete(data.id);
    });
    // Its script could not be loaded, or threw: the browser's console has the traceback.
    worker.addEventListener("error", () => this.#fail(worker));
    worker.addEventListener("messageerror", () => this.#fail(worker));
    this.#worker = worker;
    return worker;
  }

  #fail(worker: Worker): void {
    if (worker !== this.#worker) return;
    worker.terminate();
    this.#worker = null;
    const failed = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const one of failed) one.reject(new Error("The worker beside the page has failed."));
  }
}

/** The worker of this page. */
export const beside = new WorkerCalls(() => new Worker(trusted(workerUrl), { type: "module" }));

let policy: Policy | undefined;

/** The page's policy lets in this one script beside its own, and no HTML at all. */
function trusted(url: string): string {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  // A policy can be made once only.
  policy ??= trustedTypes?.createPolicy("vibewire", { createScriptURL: () => workerUrl });
  return policy ? policy.createScriptURL(url) : url;
}
