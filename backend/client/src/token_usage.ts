/** Sums of token usage. */

import type { TokenUsage } from "./contract.ts";
import { isOpen, type SessionState } from "./project_state.ts";

export const NO_TOKENS: TokenUsage = {
  prompt_tokens: 0,
  completion_tokens: 0,
  total_tokens: 0,
  cached_tokens: 0,
  reasoning_tokens: 0,
};

/** The tokens of a session, including those of its open messages. */
export function sessionTokens(session: SessionState): TokenUsage {
  const open = session.messages.filter(isOpen).map((message) => message.usage);
  return [...session.uncounted.values(), ...open].reduce(addTokens, session.session.token_usage);
}

export function addTokens(one: TokenUsage, other: TokenUsage): TokenUsage {
  return {
    prompt_tokens: one.prompt_tokens + other.prompt_tokens,
    completion_tokens: one.completion_tokens + other.completion_tokens,
    total_tokens: one.total_tokens + other.total_tokens,
    // Events of earlier releases, kept for a week, do not have these.
    cached_tokens: (one.cached_tokens ?? 0) + (other.cached_tokens ?? 0),
    reasoning_tokens: (one.reasoning_tokens ?? 0) + (other.reasoning_tokens ?? 0),
  };
}
