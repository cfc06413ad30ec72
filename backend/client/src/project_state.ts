/** The state of a project, its conversations and their messages, as events and the API have reported it so far. */

import type { AgentName, MessageStatus, Project, Session, TokenUsage } from "./contract.ts";
import type { StreamedText } from "./streamed_text.ts";

export const NO_TOKENS: TokenUsage = {
  prompt_tokens: 0,
  completion_tokens: 0,
  total_tokens: 0,
  cached_tokens: 0,
  reasoning_tokens: 0,
};

/** One word of VibeCoder or the Evaluator: `approved` is null for VibeCoder's. */
export interface Iteration {
  agent: AgentName;
  iteration: number;
  content: string | null;
  patchPreview: string | null;
  approved: boolean | null;
}

/** Text that an agent is writing right now. */
export interface Stream extends StreamedText {
  agent: AgentName;
  iteration: number;
}

/** A message and all that is known of its turn. */
export interface MessageState {
  messageId: string;
  /** Null until the API was asked. */
  number: number | null;
  prompt: string | null;
  /** `sending`: on its way to the server; `unsent`: it did not get there (`error` says why). */
  status: MessageStatus | "sending" | "unsent";
  content: string | null;
  patch: string | null;
  baseVersion: number | null;
  version: number | null;
  model: string | null;
  iterationCount: number;
  /** Which attempt what is here was said in. */
  attempt: number;
  error: { code: string; detail: string } | null;
  createdAt: string;
  completedAt: string | null;
  /** Where a field that is null for its size can be read. */
  href: string | null;
  iterations: readonly Iteration[];
  stream: Stream | null;
  /** What failed and is tried again at `at`; null once an event of the turn came since. */
  retry: { code: string; detail: string; at: string } | null;
  /** Tokens of all attempts; ticks with every response of the model. */
  usage: TokenUsage;
  /** By response: its tokens. What `usage` sums up until the message has ended. */
  responses: ReadonlyMap<string, TokenUsage>;
  /** A cancel was asked for, and its worker has not noticed yet. */
  isCancelling: boolean;
}

/** A conversation. */
export interface SessionState {
  session: Session;
  messages: readonly MessageState[];
  /** `none`: only what events told; `newest`: there is more in the API; `all`. */
  loaded: "none" | "newest" | "all";
  isLoading: boolean;
  isDeleted: boolean;
  /** By ended message: tokens that `session.token_usage` does not count yet. */
  uncounted: ReadonlyMap<string, TokenUsage>;
}

/** A project, its conversations, and whether it may still be heard. */
export interface ProjectState {
  project: Project | null;
  /** Grows when someone changes the code; the code itself may still be on its way. */
  version: number;
  sessions: ReadonlyMap<string, SessionState>;
  /** Set once the project can no longer be heard: `access_lost`, `project_not_found`. */
  accessLost: { code: string; detail: string } | null;
}

export const EMPTY_PROJECT: ProjectState = { project: null, version: 0, sessions: new Map(), accessLost: null };

/** Whether a message still waits or runs. */
export function isOpen(message: { status: MessageState["status"] }): boolean {
  return message.status === "queued" || message.status === "running" || message.status === "sending";
}

/** Whether a turn runs in the session right now. */
export function isRunning(session: SessionState): boolean {
  return session.messages.some((message) => message.status === "running");
}
