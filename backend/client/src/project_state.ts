/** The state of a project, its sessions and their messages, as known from events and from the API. Immutable. */

import type { AgentName, MessageStatus, Project, Session, TokenUsage } from "./contract.ts";
import type { StreamedText } from "./streamed_text.ts";

/** What VibeCoder or the Evaluator said in one iteration; `approved` is null for VibeCoder. */
export interface Iteration {
  agent: AgentName;
  iteration: number;
  content: string | null;
  patchPreview: string | null;
  approved: boolean | null;
}

/** Text that an agent is streaming right now. */
export interface Stream extends StreamedText {
  agent: AgentName;
  iteration: number;
}

export interface MessageState {
  messageId: string;
  /** Null until it was read from the API. */
  number: number | null;
  prompt: string | null;
  /** `sending`: the call is under way; `unsent`: it failed (`error` says why). */
  status: MessageStatus | "sending" | "unsent";
  content: string | null;
  patch: string | null;
  baseVersion: number | null;
  version: number | null;
  model: string | null;
  iterationCount: number;
  /** The attempt that `iterations` and `stream` belong to. */
  attempt: number;
  error: { code: string; detail: string } | null;
  createdAt: string;
  completedAt: string | null;
  /** The API path of a field that is null because of its size. */
  href: string | null;
  iterations: readonly Iteration[];
  stream: Stream | null;
  /** The failure that is retried at the time `at`; null after the next event of the turn. */
  retry: { code: string; detail: string; at: string } | null;
  /** Tokens of all attempts; grows with every model response. */
  usage: TokenUsage;
  /** Tokens by response id, summed up in `usage` until the message has ended. */
  responses: ReadonlyMap<string, TokenUsage>;
  /** A cancel was requested and the worker has not confirmed it yet. */
  isCancelling: boolean;
}

export interface SessionState {
  session: Session;
  messages: readonly MessageState[];
  /** `none`: only what events brought; `newest`: the API has older ones; `all`. */
  loaded: "none" | "newest" | "all";
  isLoading: boolean;
  isDeleted: boolean;
  /** Tokens of ended messages, by message id, that `session.token_usage` does not include yet. */
  uncounted: ReadonlyMap<string, TokenUsage>;
}

export interface ProjectState {
  project: Project | null;
  /** The newest version known; `project` may still hold the code of the version before. */
  version: number;
  sessions: ReadonlyMap<string, SessionState>;
  /** Set when the project can no longer be read: `access_lost`, `project_not_found`. */
  accessLost: { code: string; detail: string } | null;
}

export const EMPTY_PROJECT: ProjectState = { project: null, version: 0, sessions: new Map(), accessLost: null };

/** Whether a message is queued or running, or on its way to the queue. */
export function isOpen({ status }: { status: MessageState["status"] }): boolean {
  return status === "queued" || status === "running" || status === "sending";
}

/** Whether a turn of the session is running. */
export function isRunning(session: SessionState): boolean {
  return session.messages.some((message) => message.status === "running");
}

/** Whether the server has the message, as far as is known here. */
export function isAccepted(message: { status: MessageState["status"] }): boolean {
  return progressOf(message) > 0;
}

export function isEnded(message: { status: MessageState["status"] }): boolean {
  return progressOf(message) === ENDED;
}

const ENDED = 3;

/** How far a message has got: a number that never decreases, by which an outdated response or event is recognized. */
export function progressOf({ status }: { status: MessageState["status"] }): number {
  switch (status) {
    case "sending":
    case "unsent":
      return 0;
    case "queued":
      return 1;
    case "running":
      return 2;
    case "completed":
    case "failed":
    case "cancelled":
      return ENDED;
    default:
      status satisfies never;
      return ENDED;
  }
}
