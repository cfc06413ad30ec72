import { expect, test } from "vitest";
import {
  applyEvent,
  type Message,
  mergeMessage,
  NO_TOKENS,
  type SessionState,
  type VibewireEvent,
} from "../src/index.ts";
import { withSession } from "../src/state_updates.ts";
import { after, BASE, iterated, message, OPENED, started, TURN } from "./turn_events.ts";

/** A message that was cancelled after its first attempt; ending it raised the attempt to 2. */
const CANCELLED: Message = {
  ...{ message_id: "m", session_id: "s", project_id: "p", number: 4, prompt: "Do it", status: "cancelled" },
  ...{ content: null, patch: null, base_version: null, version: null, token_usage: NO_TOKENS, model: null },
  ...{ iterations: 0, attempt: 2, error: { code: "cancelled", detail: "" }, created_at: BASE.created_at },
  ...{ completed_at: BASE.created_at, href: null },
};

test("a cancelled message keeps its iterations, live and after a reload", () => {
  const first = [started(1), iterated(2, "vibecoder", 1), iterated(3, "evaluator", 1)];
  const cancelled: VibewireEvent = {
    ...BASE,
    ...{ type: "message_cancelled", seq: 4, attempt: 2, code: "cancelled", detail: "", token_usage: NO_TOKENS },
  };
  const live = after(...first, cancelled);
  const session = OPENED.sessions.get("s") as SessionState;
  const reloaded = [...first, cancelled].reduce(applyEvent, withSession(OPENED, mergeMessage(session, CANCELLED)));
  for (const state of [live, reloaded]) {
    expect(message(state)).toMatchObject({ status: "cancelled", iterations: [{}, {}] });
  }
  // An attempt that has started voids the iterations of the one before, even without any of its own.
  const restarted = [...first, started(4, 2)].reduce(applyEvent, reloaded);
  expect(message(restarted).iterations).toEqual([]);
});

test("an API response that is older than an event only sets the number", () => {
  const old: Message = {
    ...{ message_id: "m", session_id: "s", project_id: "p", number: 4, prompt: "Do it", status: "running" },
    ...{ content: null, patch: null, base_version: null, version: null, token_usage: NO_TOKENS, model: null },
    ...{ iterations: 0, attempt: 1, error: null, created_at: BASE.created_at, completed_at: null, href: null },
  };
  const session = after(...TURN).sessions.get("s");
  expect(session && mergeMessage(session, old).messages[0]).toMatchObject({
    number: 4,
    status: "completed",
    content: "Done",
  });
});
