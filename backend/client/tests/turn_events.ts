/** The events of a turn, and states made of them. */

import {
  applyEvent,
  EMPTY_PROJECT,
  type MessageState,
  mergeSession,
  NO_TOKENS,
  type ProjectState,
  type Session,
  type VibewireEvent,
} from "../src/index.ts";

export const BASE = {
  event_id: "e",
  project_id: "p",
  session_id: "s",
  created_at: "2026-11-23T10:00:00Z",
  message_id: "m",
  href: null,
};
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
export const OPENED = mergeSession(EMPTY_PROJECT, SESSION);

export function started(seq: number, attempt = 1): VibewireEvent {
  return { ...BASE, type: "message_started", seq, attempt, prompt: "Do it" };
}
export function tokensUsed(seq: number, total: number, attempt = 1): VibewireEvent {
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
export function iterated(seq: number, agent: "vibecoder" | "evaluator", iteration: number, attempt = 1): VibewireEvent {
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
export function delta(offset: number, text: string, attempt = 1, iteration = 1): VibewireEvent {
  const { href: _, ...base } = BASE;
  return { ...base, type: "text_delta", attempt, agent: "vibecoder", iteration, offset, text };
}
export function completed(seq: number, total: number, attempt = 1): VibewireEvent {
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
export function retryScheduled(seq: number, attempt = 1): VibewireEvent {
  const reason = { code: "model_unavailable", detail: "The model's server answered 429." };
  const when = { retry_at: "2026-11-23T10:00:30Z", agent: null, iteration: null };
  return { ...BASE, ...reason, ...when, type: "retry_scheduled", seq, attempt };
}

export const TURN = [
  started(1),
  tokensUsed(2, 10),
  iterated(3, "vibecoder", 1),
  tokensUsed(4, 5),
  iterated(5, "evaluator", 1),
  iterated(6, "vibecoder", 2),
  iterated(7, "evaluator", 2),
  completed(8, 15),
];

export function after(...events: VibewireEvent[]): ProjectState {
  return events.reduce(applyEvent, OPENED);
}
export function message(state: ProjectState): MessageState {
  return state.sessions.get("s")?.messages[0] as MessageState;
}
