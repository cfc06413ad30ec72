import { expect, test } from "vitest";
import { applyEvent, NO_TOKENS, type SessionState, type TokensUsed, type VibewireEvent } from "../src/index.ts";
import { newMessage, withMessage, withSession } from "../src/state_updates.ts";
import {
  after,
  BASE,
  completed,
  delta,
  iterated,
  message,
  OPENED,
  retryScheduled,
  started,
  TURN,
  tokensUsed,
} from "./turn_events.ts";

test("a scheduled retry is in the message until the next event of its turn", () => {
  expect(message(after(started(1), retryScheduled(2))).retry).toEqual({
    code: "model_unavailable",
    detail: "The model's server answered 429.",
    at: "2026-11-23T10:00:30Z",
  });
  for (const next of [tokensUsed(3, 10), iterated(3, "vibecoder", 1), delta(0, "I"), started(3, 2), completed(3, 10)]) {
    expect(message(after(started(1), retryScheduled(2), next)).retry).toBeNull();
  }
});

test("a retry of an earlier attempt or of an ended message is ignored", () => {
  expect(message(after(started(1, 2), retryScheduled(2, 1))).retry).toBeNull();
  expect(message(after(...TURN, retryScheduled(9))).retry).toBeNull();
});

test("usage without cached and reasoning tokens counts them as zero", () => {
  const { cached_tokens: _, reasoning_tokens: __, ...old } = tokensUsed(2, 10) as TokensUsed;
  expect(message(after(started(1), old as TokensUsed, tokensUsed(3, 5))).usage).toEqual({
    ...NO_TOKENS,
    prompt_tokens: 15,
    total_tokens: 15,
  });
});

test("the events of a turn make a completed message with its iterations, tokens and new version", () => {
  const state = after(...TURN);
  expect(message(state)).toMatchObject({
    status: "completed",
    content: "Done",
    version: 2,
    usage: { total_tokens: 15 },
  });
  expect(message(state).iterations.map((one) => [one.agent, one.approved])).toEqual([
    ["vibecoder", null],
    ["evaluator", false],
    ["vibecoder", null],
    ["evaluator", true],
  ]);
  expect(state.version).toBe(2);
});

test("repeated and reordered events lead to the same message", () => {
  let seed = Date.now() % 100_000;
  console.log("seed", seed);
  for (let trial = 0; trial < 200; trial++) {
    const shuffled = [...TURN, ...TURN].map((event) => {
      seed = (seed * 16_807) % 2_147_483_647;
      return [seed, event] as const;
    });
    shuffled.sort(([one], [other]) => one - other);
    const state = after(...shuffled.map(([, event]) => event));
    expect({ ...message(state), responses: null }).toEqual({ ...message(after(...TURN)), responses: null });
  }
});

test("a higher attempt voids the iterations and text of the lower one, and keeps its tokens", () => {
  const state = after(started(1), delta(0, "Half a"), tokensUsed(2, 10), iterated(3, "vibecoder", 1), started(4, 2));
  expect(message(state)).toMatchObject({ attempt: 2, iterations: [], stream: null, usage: { total_tokens: 10 } });
  const late = applyEvent(applyEvent(state, delta(6, "late")), iterated(5, "vibecoder", 1));
  expect(message(late)).toMatchObject({ iterations: [], stream: null });
});

test("the tokens of each response are counted once", () => {
  expect(message(after(started(1), tokensUsed(2, 10), tokensUsed(2, 10), tokensUsed(3, 7))).usage.total_tokens).toBe(
    17,
  );
});

test("streamed text is removed when its iteration is complete, also from later deltas", () => {
  const state = after(started(1), delta(0, "Hel"), delta(3, "lo"));
  expect(message(state).stream?.text).toBe("Hello");
  const complete = applyEvent(state, iterated(2, "vibecoder", 1));
  expect(message(complete).stream).toBeNull();
  expect(message(applyEvent(complete, delta(5, " again"))).stream).toBeNull();
});

test("an event type of a newer server changes nothing", () => {
  const unknown = { ...BASE, type: "of_a_newer_server", seq: 9, attempt: 2 } as unknown as VibewireEvent;
  const state = after(started(1));
  expect(applyEvent(state, unknown)).toBe(state);
});

test("a message that was sent from here gets the server's time with its first event", () => {
  const local = { ...newMessage("m", "2001-01-01T00:00:00.000Z"), prompt: "Do it", status: "sending" as const };
  const session = withMessage(OPENED.sessions.get("s") as SessionState, local);
  const { createdAt, status } = message(applyEvent(withSession(OPENED, session), started(1)));
  expect([createdAt, status]).toEqual([BASE.created_at, "running"]);
});
