/** Copies of the state with one thing changed. */

import type { Session } from "./contract.ts";
import { inOrder } from "./message_order.ts";
import type { MessageState, ProjectState, SessionState } from "./project_state.ts";
import { NO_TOKENS } from "./token_usage.ts";

export function withVersion(state: ProjectState, version: number): ProjectState {
  return version > state.version ? { ...state, version } : state;
}

export function withSession(state: ProjectState, session: SessionState): ProjectState {
  return { ...state, sessions: new Map(state.sessions).set(session.session.session_id, session) };
}

/** The session with this message, added or replaced, in the order of the conversation. */
export function withMessage(session: SessionState, message: MessageState): SessionState {
  return { ...session, messages: inOrder(session.messages, message) };
}

/** The message in this attempt: a higher one voids what the lower one said, except its tokens, which were billed. */
export function withAttempt(message: MessageState, attempt: number): MessageState {
  if (attempt <= message.attempt) return message;
  const iterations = message.attempt === 0 ? message.iterations : [];
  return { ...message, attempt, iterations, stream: null, retry: null };
}

export function newSession(session: Session): SessionState {
  return { session, messages: [], loaded: "none", isLoading: false, isDeleted: false, uncounted: new Map() };
}

export function newMessage(messageId: string, createdAt: string): MessageState {
  return {
    messageId,
    number: null,
    prompt: null,
    status: "queued",
    content: null,
    patch: null,
    baseVersion: null,
    version: null,
    model: null,
    iterationCount: 0,
    attempt: 0,
    error: null,
    createdAt,
    completedAt: null,
    href: null,
    iterations: [],
    stream: null,
    retry: null,
    usage: NO_TOKENS,
    responses: new Map(),
    isCancelling: false,
  };
}
