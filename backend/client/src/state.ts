/**
 * What is known of a project, and how each event changes it. Pure functions: they return what they were given where
 * nothing changes, and may be fed the same event twice, or answers of the API that are older than an event.
 */

import type {
  AgentIteration,
  AgentName,
  Message,
  Session,
  TextDelta,
  TokensUsed,
  TokenUsage,
  VibewireEvent,
} from "./contract.ts";
import { inOrder } from "./message_order.ts";
import { isOpen, type MessageState, NO_TOKENS, type ProjectState, type SessionState } from "./project_state.ts";
import { addPiece, NO_TEXT } from "./streamed_text.ts";

/** All tokens of a conversation, those of its open messages included. */
export function sessionTokens(session: SessionState): TokenUsage {
  let sum = session.session.token_usage;
  for (const usage of session.uncounted.values()) sum = add(sum, usage);
  for (const message of session.messages) if (isOpen(message)) sum = add(sum, message.usage);
  return sum;
}

/** The state after an event. Events of sessions that are not in it change nothing: list the sessions first. */
export function applyEvent(state: ProjectState, event: VibewireEvent): ProjectState {
  if (event.type === "code_changed") return withVersion(state, event.version);
  const session = state.sessions.get(event.session_id);
  if (!session) return state;
  if (event.type === "session_deleted") return withSession(state, { ...session, isDeleted: true });
  const before = session.messages.find((message) => message.messageId === event.message_id);
  const message = before ? accepted(before, event.created_at) : newMessage(event.message_id, event.created_at);
  const after = messageAfter(message, event);
  if (after === before) return state;
  let next = withMessage(session, after);
  if (isOpen(message) && !isOpen(after)) {
    next = { ...next, uncounted: new Map(next.uncounted).set(after.messageId, after.usage) };
  }
  const changed = withSession(state, next);
  return event.type === "vibecode_response" && event.patch !== "" ? withVersion(changed, event.version) : changed;
}

/** A message as the API tells it, put to what the events told. */
export function mergeMessage(session: SessionState, told: Message): SessionState {
  const before = session.messages.find((message) => message.messageId === told.message_id);
  const known = before ?? newMessage(told.message_id, told.created_at);
  const fresh = { ...known, number: told.number, prompt: told.prompt ?? known.prompt, createdAt: told.created_at };
  // The answer may have been written before an event that is here already.
  if (rank(told.status) < rank(known.status) || (told.status === known.status && told.attempt < known.attempt)) {
    return withMessage(session, fresh);
  }
  const isEnded = rank(told.status) === 2;
  return withMessage(session, {
    ...(told.error ? fresh : atAttempt(fresh, told.attempt)),
    status: told.status,
    content: told.content ?? known.content,
    patch: told.patch ?? known.patch,
    baseVersion: told.base_version,
    version: told.version,
    model: told.model ?? known.model,
    iterationCount: Math.max(told.iterations, known.iterationCount),
    error: told.error,
    completedAt: told.completed_at,
    href: told.href ?? null,
    stream: isEnded ? null : known.stream,
    retry: isEnded ? null : known.retry,
    usage: isEnded || told.token_usage.total_tokens > known.usage.total_tokens ? told.token_usage : known.usage,
    isCancelling: isEnded ? false : known.isCancelling,
  });
}

/** A session as the API lists it, put to what is known of it. */
export function mergeSession(state: ProjectState, told: Session): ProjectState {
  const before = state.sessions.get(told.session_id);
  return withSession(state, before ? { ...before, session: told } : newSession(told));
}

export function newSession(session: Session): SessionState {
  return { session, messages: [], loaded: "none", isLoading: false, isDeleted: false, uncounted: new Map() };
}

export function withSession(state: ProjectState, session: SessionState): ProjectState {
  return { ...state, sessions: new Map(state.sessions).set(session.session.session_id, session) };
}

export function withVersion(state: ProjectState, version: number): ProjectState {
  return version > state.version ? { ...state, version } : state;
}

/** The session with this message in its place. */
export function withMessage(session: SessionState, message: MessageState): SessionState {
  return { ...session, messages: inOrder(session.messages, message) };
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

/** What was sent from here has the time of this machine's clock until the server's is known. */
function accepted(message: MessageState, createdAt: string): MessageState {
  return rank(message.status) < 0 ? { ...message, createdAt } : message;
}

type MessageEvent = Exclude<VibewireEvent, { type: "code_changed" | "session_deleted" }>;

function messageAfter(message: MessageState, event: MessageEvent): MessageState {
  switch (event.type) {
    case "message_queued":
      if (rank(message.status) >= 0 && message.prompt !== null) return message;
      return {
        ...message,
        status: rank(message.status) < 0 ? "queued" : message.status,
        prompt: event.prompt ?? message.prompt,
      };
    case "message_started":
      if (event.attempt < message.attempt || rank(message.status) === 2) {
        const begun = atAttempt(message, event.attempt);
        return begun.prompt === null && event.prompt !== null ? { ...begun, prompt: event.prompt } : begun;
      }
      return { ...atAttempt(message, event.attempt), status: "running", prompt: event.prompt ?? message.prompt };
    case "token_usage":
      return withTokens(message, event);
    case "retry_scheduled":
      if (event.attempt < message.attempt || rank(message.status) === 2) return message;
      return {
        ...atAttempt(message, event.attempt),
        retry: { code: event.code, detail: event.detail ?? "", at: event.retry_at },
      };
    case "agent_iteration":
      return event.attempt < message.attempt ? message : withIteration(atAttempt(message, event.attempt), event);
    case "text_delta":
      return withText(message, event);
    case "vibecode_response":
      return {
        ...atAttempt(message, event.attempt),
        status: "completed",
        content: event.content ?? message.content,
        patch: event.patch ?? message.patch,
        baseVersion: event.base_version,
        version: event.version,
        iterationCount: event.iterations,
        usage: event.token_usage,
        href: event.href ?? null,
        completedAt: event.created_at,
        stream: null,
        retry: null,
        error: null,
        isCancelling: false,
      };
    default:
      return {
        ...message,
        // Ending it may have counted one more attempt, in which nothing was said: what was said before stays.
        status: event.type === "message_failed" ? "failed" : "cancelled",
        error: { code: event.code, detail: event.detail ?? "" },
        usage: event.token_usage,
        completedAt: event.created_at,
        stream: null,
        retry: null,
        isCancelling: false,
      };
  }
}

/** A higher attempt voids what the lower one said; its tokens were billed all the same. */
function atAttempt(message: MessageState, attempt: number): MessageState {
  return attempt > message.attempt
    ? { ...message, attempt, iterations: message.attempt === 0 ? message.iterations : [], stream: null, retry: null }
    : message;
}

function withTokens(message: MessageState, event: TokensUsed): MessageState {
  if (message.responses.has(event.response_id)) return message;
  const { prompt_tokens, completion_tokens, total_tokens, cached_tokens, reasoning_tokens } = event;
  const responses = new Map(message.responses).set(event.response_id, {
    prompt_tokens,
    completion_tokens,
    total_tokens,
    cached_tokens,
    reasoning_tokens,
  });
  const model = message.model ?? event.model;
  if (rank(message.status) === 2) return { ...message, responses, model };
  const retry = event.attempt < message.attempt ? message.retry : null;
  const sum = [...responses.values()].reduce(add, NO_TOKENS);
  const usage = sum.total_tokens >= message.usage.total_tokens ? sum : message.usage;
  return { ...message, responses, model, retry, usage };
}

function withIteration(message: MessageState, event: AgentIteration): MessageState {
  const { agent, iteration, patch_preview: patchPreview, approved } = event;
  if (message.iterations.some((one) => one.agent === agent && one.iteration === iteration)) return message;
  const isStreamed = message.stream?.agent === agent && message.stream.iteration === iteration;
  // Too long for an event: what was streamed says it.
  const content = event.content ?? (isStreamed ? (message.stream?.text ?? null) : null);
  const iterations = [...message.iterations, { agent, iteration, content, patchPreview, approved }];
  iterations.sort((one, other) => one.iteration - other.iteration || order(one.agent) - order(other.agent));
  const isWhole = message.stream?.agent === agent && message.stream.iteration <= iteration;
  return {
    ...message,
    iterations,
    iterationCount: Math.max(message.iterationCount, iteration),
    href: event.href ?? message.href,
    stream: isWhole ? null : message.stream,
    retry: null,
  };
}

function withText(message: MessageState, event: TextDelta): MessageState {
  const { agent, iteration } = event;
  const isOver = message.iterations.some((one) => one.agent === agent && one.iteration >= iteration);
  if (rank(message.status) === 2 || event.attempt < message.attempt) return message;
  const current = atAttempt(message, event.attempt);
  if (isOver && current === message) return message;
  const { stream } = current;
  const before = stream?.agent === agent && stream.iteration === iteration ? stream : NO_TEXT;
  const after = addPiece(before, event.offset, event.text);
  if (after === before) return current;
  return { ...current, status: "running", stream: { agent, iteration, text: after.text, end: after.end }, retry: null };
}

function rank(status: MessageState["status"]): number {
  if (status === "sending" || status === "unsent") return -1;
  return status === "queued" ? 0 : status === "running" ? 1 : 2;
}

function order(agent: AgentName): number {
  return agent === "vibecoder" ? 0 : 1;
}

function add(one: TokenUsage, other: TokenUsage): TokenUsage {
  return {
    prompt_tokens: one.prompt_tokens + other.prompt_tokens,
    completion_tokens: one.completion_tokens + other.completion_tokens,
    total_tokens: one.total_tokens + other.total_tokens,
    // An event of before these were counted has none, and is kept for a week.
    cached_tokens: (one.cached_tokens ?? 0) + (other.cached_tokens ?? 0),
    reasoning_tokens: (one.reasoning_tokens ?? 0) + (other.reasoning_tokens ?? 0),
  };
}
