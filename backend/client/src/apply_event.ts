/** How an event changes the state. Pure: the same event applied twice changes nothing the second time. */

import type { AgentIteration, AgentName, TextDelta, TokensUsed, VibewireEvent } from "./contract.ts";
import { isAccepted, isEnded, isOpen, type MessageState, type ProjectState } from "./project_state.ts";
import { newMessage, withAttempt, withMessage, withSession, withVersion } from "./state_updates.ts";
import { addPiece, NO_TEXT } from "./streamed_text.ts";
import { addTokens, NO_TOKENS } from "./token_usage.ts";

type EventOf<Type extends VibewireEvent["type"]> = Extract<VibewireEvent, { type: Type }>;
type MessageEvent = Exclude<VibewireEvent, { type: "code_changed" | "session_deleted" }>;

/** The state after an event. An event of a session that is not in the state changes nothing: list the sessions first. */
export function applyEvent(state: ProjectState, event: VibewireEvent): ProjectState {
  if (event.type === "code_changed") return withVersion(state, event.version);
  const session = state.sessions.get(event.session_id);
  if (!session) return state;
  if (event.type === "session_deleted") return withSession(state, { ...session, isDeleted: true });
  const before = session.messages.find((message) => message.messageId === event.message_id);
  const message = before ? withServerTime(before, event) : newMessage(event.message_id, event.created_at);
  const after = messageAfter(message, event);
  if (after === before) return state;
  let next = withMessage(session, after);
  if (isOpen(message) && !isOpen(after)) {
    next = { ...next, uncounted: new Map(next.uncounted).set(after.messageId, after.usage) };
  }
  const changed = withSession(state, next);
  return event.type === "vibecode_response" && event.patch !== "" ? withVersion(changed, event.version) : changed;
}

/** A message that was sent from here has this machine's time until the server has accepted it. */
function withServerTime(message: MessageState, event: MessageEvent): MessageState {
  return isAccepted(message) ? message : { ...message, createdAt: event.created_at };
}

function messageAfter(message: MessageState, event: MessageEvent): MessageState {
  switch (event.type) {
    case "message_queued":
      return queued(message, event);
    case "message_started":
      return started(message, event);
    case "token_usage":
      return withTokens(message, event);
    case "retry_scheduled":
      return withRetry(message, event);
    case "agent_iteration":
      return withIteration(message, event);
    case "text_delta":
      return withText(message, event);
    case "vibecode_response":
      return completed(message, event);
    case "message_failed":
    case "message_cancelled":
      return endedWithError(message, event);
    default:
      // The log may hold types of a newer server: clients ignore them.
      event satisfies never;
      return message;
  }
}

function queued(message: MessageState, event: EventOf<"message_queued">): MessageState {
  if (isAccepted(message) && message.prompt !== null) return message;
  const status = isAccepted(message) ? message.status : "queued";
  return { ...message, status, prompt: event.prompt ?? message.prompt };
}

function started(message: MessageState, event: EventOf<"message_started">): MessageState {
  const current = withAttempt(message, event.attempt);
  if (event.attempt < message.attempt || isEnded(message)) {
    return current.prompt === null && event.prompt !== null ? { ...current, prompt: event.prompt } : current;
  }
  return { ...current, status: "running", prompt: event.prompt ?? message.prompt };
}

function withTokens(message: MessageState, event: TokensUsed): MessageState {
  if (message.responses.has(event.response_id)) return message;
  const { prompt_tokens, completion_tokens, total_tokens, cached_tokens, reasoning_tokens } = event;
  const usage = { prompt_tokens, completion_tokens, total_tokens, cached_tokens, reasoning_tokens };
  const responses = new Map(message.responses).set(event.response_id, usage);
  const model = message.model ?? event.model;
  if (isEnded(message)) return { ...message, responses, model };
  const retry = event.attempt < message.attempt ? message.retry : null;
  const sum = [...responses.values()].reduce(addTokens, NO_TOKENS);
  return {
    ...message,
    responses,
    model,
    retry,
    usage: sum.total_tokens >= message.usage.total_tokens ? sum : message.usage,
  };
}

function withRetry(message: MessageState, event: EventOf<"retry_scheduled">): MessageState {
  if (event.attempt < message.attempt || isEnded(message)) return message;
  const retry = { code: event.code, detail: event.detail ?? "", at: event.retry_at };
  return { ...withAttempt(message, event.attempt), retry };
}

function withIteration(before: MessageState, event: AgentIteration): MessageState {
  if (event.attempt < before.attempt) return before;
  const message = withAttempt(before, event.attempt);
  const { agent, iteration, patch_preview: patchPreview, approved } = event;
  if (message.iterations.some((one) => one.agent === agent && one.iteration === iteration)) return message;
  const isStreamed = message.stream?.agent === agent && message.stream.iteration === iteration;
  // Content that is too long for an event was streamed.
  const content = event.content ?? (isStreamed ? (message.stream?.text ?? null) : null);
  const iterations = [...message.iterations, { agent, iteration, content, patchPreview, approved }];
  iterations.sort((one, other) => one.iteration - other.iteration || agentOrder(one.agent) - agentOrder(other.agent));
  const isStreamOver = message.stream?.agent === agent && message.stream.iteration <= iteration;
  return {
    ...message,
    iterations,
    iterationCount: Math.max(message.iterationCount, iteration),
    href: event.href ?? message.href,
    stream: isStreamOver ? null : message.stream,
    retry: null,
  };
}

function withText(message: MessageState, event: TextDelta): MessageState {
  const { agent, iteration } = event;
  if (isEnded(message) || event.attempt < message.attempt) return message;
  const current = withAttempt(message, event.attempt);
  const isOver = message.iterations.some((one) => one.agent === agent && one.iteration >= iteration);
  if (isOver && current === message) return message;
  const { stream } = current;
  const before = stream?.agent === agent && stream.iteration === iteration ? stream : NO_TEXT;
  const after = addPiece(before, event.offset, event.text);
  if (after === before) return current;
  return { ...current, status: "running", stream: { agent, iteration, text: after.text, end: after.end }, retry: null };
}

function completed(message: MessageState, event: EventOf<"vibecode_response">): MessageState {
  return {
    ...withAttempt(message, event.attempt),
    status: "completed",
    content: event.content ?? message.content,
    patch: event.patch ?? message.patch,
    baseVersion: event.base_version,
    version: event.version,
    iterationCount: event.iterations,
    href: event.href ?? null,
    error: null,
    ...endedBy(event),
  };
}

/** Keeps the attempt, and so the iterations: ending the message may have raised it without a further run. */
function endedWithError(message: MessageState, event: EventOf<"message_failed" | "message_cancelled">): MessageState {
  return {
    ...message,
    status: event.type === "message_failed" ? "failed" : "cancelled",
    error: { code: event.code, detail: event.detail ?? "" },
    ...endedBy(event),
  };
}

function endedBy(event: EventOf<"vibecode_response" | "message_failed" | "message_cancelled">) {
  return {
    usage: event.token_usage,
    completedAt: event.created_at,
    stream: null,
    retry: null,
    isCancelling: false,
  };
}

function agentOrder(agent: AgentName): number {
  return agent === "vibecoder" ? 0 : 1;
}
