import { expect, test } from "vitest";
import { WorkerCalls } from "../src/ui/worker_calls.ts";
import type { Answer, Question } from "../src/ui/worker_messages.ts";

/** A worker that fails as often as it is told to, and answers then. */
class FakeWorker extends EventTarget {
  static failures: ("error" | "messageerror")[] = [];
  static made = 0;
  isTerminated = false;

  constructor() {
    super();
    FakeWorker.made++;
  }

  postMessage(question: Question): void {
    queueMicrotask(() => {
      const failure = FakeWorker.failures.shift();
      if (failure) this.dispatchEvent(new Event(failure));
      else if (!this.isTerminated) this.dispatchEvent(new MessageEvent("message", { data: this.#answer(question) }));
    });
  }

  terminate(): void {
    this.isTerminated = true;
  }

  #answer(question: Question): Answer {
    return "code" in question
      ? { id: question.id, lines: [[[question.code, ""]]] }
      : { id: question.id, change: { rows: [], added: 1, removed: 0 } };
  }
}

function calls(...failures: typeof FakeWorker.failures): WorkerCalls {
  FakeWorker.failures = failures;
  FakeWorker.made = 0;
  return new WorkerCalls(() => new FakeWorker() as unknown as Worker);
}

test.each(["error", "messageerror"] as const)(
  "a worker that fails once (%s) is replaced, and the next call is answered",
  async (failure) => {
    const worker = calls(failure);
    await expect(worker.lines("a")).rejects.toThrow("The worker beside the page has failed.");
    expect(await worker.lines("b")).toEqual([[["b", ""]]]);
    expect(await worker.compare("a", "b")).toMatchObject({ added: 1 });
    expect(FakeWorker.made).toBe(2);
  },
);

test("all that was asked of a worker when it failed is told so, and nothing waits for ever", async () => {
  const worker = calls("error");
  const answers = await Promise.allSettled([worker.lines("a"), worker.lines("b"), worker.compare("a", "b")]);
  expect(answers.map((one) => one.status)).toEqual(["rejected", "rejected", "rejected"]);
  expect(await worker.lines("c")).toEqual([[["c", ""]]]);
});

test("a worker that cannot be made is told, and tried again with the next call", async () => {
  let tries = 0;
  const worker = new WorkerCalls(() => {
    if (++tries === 1) throw new Error("refused");
    return new FakeWorker() as unknown as Worker;
  });
  FakeWorker.failures = [];
  await expect(worker.lines("a")).rejects.toThrow("refused");
  expect(await worker.lines("b")).toEqual([[["b", ""]]]);
});
