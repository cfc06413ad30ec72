/** Responses of the API, merged into a state that events may have changed since the response was written. */

import type { Message, Session } from "./contract.ts";
import { isEnded, type ProjectState, progressOf, type SessionState } from "./project_state.ts";
import { newMessage, newSession, withAttempt, withMessage, withSession } from "./state_updates.ts";

export function mergeSession(state: ProjectState, response: Session): ProjectState {
  const before = state.sessions.get(response.session_id);
  return withSession(state, before ? { ...before, session: response } : newSession(response));
}

export function mergeMessage(session: SessionState, response: Message): SessionState {
  const before = session.messages.find((message) => message.messageId === response.message_id);
  const known = before ?? newMessage(response.message_id, response.created_at);
  const { number, created_at: createdAt } = response;
  const fresh = { ...known, number, prompt: response.prompt ?? known.prompt, createdAt };
  const isOlder =
    progressOf(response) < progressOf(known) || (response.status === known.status && response.attempt < known.attempt);
  if (isOlder) return withMessage(session, fresh);
  const hasEnded = isEnded(response);
  const hasMoreTokens = response.token_usage.total_tokens > known.usage.total_tokens;
  return withMessage(session, {
    ...(response.error ? fresh : withAttempt(fresh, response.attempt)),
    status: response.status,
    content: response.content ?? known.content,
    patch: response.patch ?? known.patch,
    baseVersion: response.base_version,
    version: response.version,
    model: response.model ?? known.model,
    iterationCount: Math.max(response.iterations, known.iterationCount),
    error: response.error,
    completedAt: response.completed_at,
    href: response.href ?? null,
    stream: hasEnded ? null : known.stream,
    retry: hasEnded ? null : known.retry,
    usage: hasEnded || hasMoreTokens ? response.token_usage : known.usage,
    isCancelling: hasEnded ? false : known.isCancelling,
  });
}
