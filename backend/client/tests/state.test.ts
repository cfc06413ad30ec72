import { expect, test } from "vitest";
import type { Message, Session, TokensUsed, VibewireEvent } from "../src/index.ts";
import {
  applyEvent,
  EMPTY_PROJECT,
  type MessageState,
  mergeMessage,
  mergeSession,
  newMessage,
  type ProjectState,
  type SessionState,
  withMessage,
  withSession,
} from "../src/index.ts";
import { addPiece, GAP, NO_TEXT } from "../src/streamed_text.ts";

const BASE = {
  event_id: "e",
  project_id: "p",
  session_id: "s",
  created_at: "2026-11-23T10:00:00Z",
  message_id: "m",
  href: null,
};
const NO_TOKENS = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0, cached_tokens: 0, reasoning_tokens: 0 };
const SESSION: Session = {
  ...{ session_id: "s", project_id: "p", session_type: "global", node_id: null, node_exists: null },
  ...{
    openai_session_key: "project_p",
    message_count: 0,
    last_seq: 0,
    token_usage: NO_TOKENS,
    created_at: BASE.created_at,
  },
};
const OPENED = mergeSession(EMPTY_PROJECT, SESSION);

function started(seq: number, attempt = 1): VibewireEvent {
  return { ...BASE, type: "message_started", seq, attempt, prompt: "Do it" };
}
function tokens(seq: number, total: number, attempt = 1): VibewireEvent {
  const usage = { ...NO_TOKENS, prompt_tokens: total, total_tokens: total };
  return {
    ...BASE,
    ...usage,
    type: "token_usage",
    seq,
    attempt,
    model: "m",
    agent: "vibecoder",
    iteration: 1,
    response_id: `r${seq}`,
  };
}
function said(seq: number, agent: "vibecoder" | "evaluator", iteration: number, attempt = 1): VibewireEvent {
  const approved = agent === "evaluator" ? iteration > 1 : null;
  return {
    ...BASE,
    type: "agent_iteration",
    seq,
    attempt,
    agent,
    iteration,
    content: `${agent} ${iteration}`,
    patch_preview: null,
    approved,
  };
}
function delta(offset: number, text: string, attempt = 1, iteration = 1): VibewireEvent {
  const { href: _, ...base } = BASE;
  return { ...base, type: "text_delta", attempt, agent: "vibecoder", iteration, offset, text };
}
function answered(seq: number, total: number, attempt = 1): VibewireEvent {
  const usage = { ...NO_TOKENS, prompt_tokens: total, total_tokens: total };
  return {
    ...BASE,
    type: "vibecode_response",
    seq,
    attempt,
    status: "completed",
    content: "Done",
    patch: "x",
    token_usage: usage,
    iterations: 2,
    base_version: 1,
    version: 2,
  };
}
const TURN = [
  started(1),
  tokens(2, 10),
  said(3, "vibecoder", 1),
  tokens(4, 5),
  said(5, "evaluator", 1),
  said(6, "vibecoder", 2),
  said(7, "evaluator", 2),
  answered(8, 15),
];

function after(...events: VibewireEvent[]): ProjectState {
  return events.reduce(applyEvent, OPENED);
}
function message(state: ProjectState): MessageState {
  return state.sessions.get("s")?.messages[0] as MessageState;
}

function waits(seq: number, attempt = 1): VibewireEvent {
  const reason = { code: "model_unavailable", detail: "The model's server answered 429." };
  const when = { retry_at: "2026-11-23T10:00:30Z", agent: null, iteration: null };
  return { ...BASE, ...reason, ...when, type: "retry_scheduled", seq, attempt };
}

test("a message that waits for the model's server says so until something is heard of its turn", () => {
  expect(message(after(started(1), waits(2))).retry).toEqual({
    code: "model_unavailable",
    detail: "The model's server answered 429.",
    at: "2026-11-23T10:00:30Z",
  });
  for (const next of [tokens(3, 10), said(3, "vibecoder", 1), delta(0, "I"), started(3, 2), answered(3, 10)]) {
    expect(message(after(started(1), waits(2), next)).retry).toBeNull();
  }
});

test("a wait of an attempt that is over, or of a message that has ended, is none", () => {
  expect(message(after(started(1, 2), waits(2, 1))).retry).toBeNull();
  expect(message(after(...TURN, waits(9))).retry).toBeNull();
});

test("usage of before cached and thinking tokens were counted counts none of them", () => {
  const { cached_tokens: _, reasoning_tokens: __, ...old } = tokens(2, 10) as TokensUsed;
  expect(message(after(started(1), old as TokensUsed, tokens(3, 5))).usage).toEqual({
    ...NO_TOKENS,
    prompt_tokens: 15,
    total_tokens: 15,
  });
});

test("a whole turn is a completed message with its iterations, its tokens and a new version", () => {
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

test("events that come twice, or in another order, lead to the same message", () => {
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

test("a higher attempt voids what the lower one said and keeps what it cost", () => {
  const state = after(started(1), delta(0, "Half a"), tokens(2, 10), said(3, "vibecoder", 1), started(4, 2));
  expect(message(state)).toMatchObject({ attempt: 2, iterations: [], stream: null, usage: { total_tokens: 10 } });
  const late = applyEvent(applyEvent(state, delta(6, "lie")), said(5, "vibecoder", 1));
  expect(message(late)).toMatchObject({ iterations: [], stream: null });
});

test("the tokens tick with each response and are counted once", () => {
  expect(message(after(started(1), tokens(2, 10), tokens(2, 10), tokens(3, 7))).usage.total_tokens).toBe(17);
});

test("text goes away when the iteration that it belongs to is whole, and does not come back", () => {
  const state = after(started(1), delta(0, "Hel"), delta(3, "lo"));
  expect(message(state).stream?.text).toBe("Hello");
  const whole = applyEvent(state, said(2, "vibecoder", 1));
  expect(message(whole).stream).toBeNull();
  expect(message(applyEvent(whole, delta(5, " again"))).stream).toBeNull();
});

/** A message that was cancelled after its first attempt: ending it counted the second one. */
const CANCELLED: Message = {
  ...{ message_id: "m", session_id: "s", project_id: "p", number: 4, prompt: "Do it", status: "cancelled" },
  ...{ content: null, patch: null, base_version: null, version: null, token_usage: NO_TOKENS, model: null },
  ...{ iterations: 0, attempt: 2, error: { code: "cancelled", detail: "" }, created_at: BASE.created_at },
  ...{ completed_at: BASE.created_at, href: null },
};

test("what was said before a message was cancelled stays, live and after a reload", () => {
  const first = [started(1), said(2, "vibecoder", 1), said(3, "evaluator", 1)];
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
  // An attempt that had begun voids what was said before, though it said nothing.
  const begunAgain = [...first, started(4, 2)].reduce(applyEvent, reloaded);
  expect(message(begunAgain).iterations).toEqual([]);
});

test("a message that was sent from here has the time of the server once the server is heard", () => {
  const local = { ...newMessage("m", "2001-01-01T00:00:00.000Z"), prompt: "Do it", status: "sending" as const };
  const session = withMessage(OPENED.sessions.get("s") as SessionState, local);
  const { createdAt, status } = message(applyEvent(withSession(OPENED, session), started(1)));
  expect([createdAt, status]).toEqual([BASE.created_at, "running"]);
});

test("an answer of the API that is older than an event changes nothing but the number", () => {
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

test("pieces of text are put by their offsets in code points: doubled ones dropped, missing ones marked", () => {
  const one = addPiece(NO_TEXT, 0, "a😀b");
  expect(one.end).toBe(3);
  expect(addPiece(one, 1, "😀b")).toBe(one);
  expect(addPiece(one, 1, "😀b😀c")).toEqual({ text: "a😀b😀c", end: 5 });
  expect(addPiece(one, 9, "z")).toEqual({ text: `a😀b${GAP}z`, end: 10 });
  expect(addPiece(NO_TEXT, 4, "late")).toEqual({ text: `${GAP}late`, end: 8 });
});
