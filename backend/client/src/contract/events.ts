// Written by `make contracts` from the code of the backend. Do not edit.

import type {
  AgentIterationEvent,
  MessageCancelledEvent,
  MessageFailedEvent,
  MessageStartedEvent,
  RetryScheduledEvent,
  SessionDeletedEvent,
  TokenUsage,
  TokenUsageEvent,
  VibecodeResponseEvent,
} from "./api.ts";

export type {
  AgentIterationEvent,
  MessageCancelledEvent,
  MessageFailedEvent,
  MessageStartedEvent,
  RetryScheduledEvent,
  SessionDeletedEvent,
  TokenUsage,
  TokenUsageEvent,
  VibecodeResponseEvent,
};

/** Every event that the relay sends. */
export const EVENT_NAMES = [
  "message_started",
  "token_usage",
  "agent_iteration",
  "vibecode_response",
  "message_failed",
  "message_cancelled",
  "session_deleted",
  "retry_scheduled",
  "text_delta",
  "message_queued",
  "code_changed",
  "access_lost",
] as const;

/** The events that are logged: those with a `seq`. */
export const LOGGED_EVENT_NAMES = [
  "message_started",
  "token_usage",
  "agent_iteration",
  "vibecode_response",
  "message_failed",
  "message_cancelled",
  "session_deleted",
  "retry_scheduled",
] as const;

/** Sent to one client: it has lost its access to the project, and is unsubscribed. */
export interface AccessLost {
  project_id: string;
  /** `project_{project_id}`. */
  room: string;
}

/** Live only: the project's code has a new version, from a message or (message null) from a user's edit. */
export interface CodeChangedEvent {
  type: "code_changed";
  event_id: string;
  project_id: string;
  session_id: string | null;
  message_id: string | null;
  /** How often the turn was started; text streamed by a lower attempt is void. */
  attempt: number;
  created_at: string;
  /** The version of the project's code; it grows by one with each change. */
  version: number;
}

/** `auth` of the Socket.IO handshake. A socket is closed when its token expires. */
export interface ConnectAuth {
  /** The JWT that REST calls send as a bearer token; without identity settings null or left out. */
  token?: string | null;
}

/** `data` of the `connect_error` of a refused client. */
export interface ConnectErrorData {
  /** Stable. `invalid_token`: get a new one, then connect. `keys_unavailable`: the token was not checked, because the issuer's keys cannot be fetched; keep it, and connect again after a pause. `too_many_connections`: this user has the most connections that one user may have. After each of these the client does not reconnect by itself. */
  code: "invalid_token" | "keys_unavailable" | "too_many_connections";
}

/** Live only: a message was accepted and is queued. */
export interface MessageQueuedEvent {
  /** Unique. */
  event_id: string;
  project_id: string;
  session_id: string;
  created_at: string;
  type: "message_queued";
  message_id: string;
  /** How often the turn was started; text streamed by a lower attempt is void. */
  attempt: number;
  prompt: string | null;
  /** The API path to read a field that is null here because it is too large. */
  href: string | null;
}

/** The request was refused; nothing has changed. */
export interface Refusal {
  ok: false;
  /** Stable. `project_not_found`: it does not exist, or the client has no access. `invalid_subscription`: `detail` says why. `too_many_rooms`: unsubscribe from another project first. `too_many_requests`: wait for answers. `disconnected`: the connection was closed during the request. `internal_error`: an error of the server, which was logged: try again. `storage_unavailable`: the server's store cannot be used, `detail` says why: try again later. */
  code: "project_not_found" | "invalid_subscription" | "too_many_rooms" | "too_many_requests" | "disconnected" | "internal_error" | "storage_unavailable";
  /** For humans. */
  detail: string;
}

/** The acknowledgement of `subscribe`, after the replayed events and before all further ones. */
export interface Subscribed {
  ok: true;
  /** `project_{project_id}`. */
  room: string;
  /** The version of this contract. */
  version: number;
  /** By session: the `seq` of its last event. */
  last_seq: Record<string, number>;
  /** Sessions of `after` whose history is incomplete (older than seven days), or that are not of this project: read them by REST. */
  truncated: string[];
  /** Sessions of `after` that were deleted. Of sessions that the project does not have only 20 are checked; the rest is `truncated`. */
  deleted: string[];
}

/** The payload of `subscribe`: a project, and by session the number of the last event that the client has. */
export interface Subscription {
  project_id: string;
  /** By session: the `seq` of the newest event that the client has. */
  after?: Record<string, number>;
}

/** Live only: text that the model is writing. */
export interface TextDeltaEvent {
  /** Unique. */
  event_id: string;
  project_id: string;
  session_id: string;
  created_at: string;
  type: "text_delta";
  message_id: string;
  /** How often the turn was started; text streamed by a lower attempt is void. */
  attempt: number;
  /** The agent that did it. */
  agent: "vibecoder" | "evaluator";
  /** 1 to 3: an attempt of VibeCoder and its review. */
  iteration: number;
  /** Where `text` starts, in characters of this agent's text in this iteration. */
  offset: number;
  text: string;
}

/** The acknowledgement of `unsubscribe`, also without a subscription. */
export interface Unsubscribed {
  ok: true;
  /** `project_{project_id}`. */
  room: string;
}

/** The payload of `unsubscribe`. */
export interface Unsubscription {
  project_id: string;
}

/** The logged events, which are replayed. */
export type LoggedEvent =
  | MessageStartedEvent
  | TokenUsageEvent
  | AgentIterationEvent
  | VibecodeResponseEvent
  | MessageFailedEvent
  | MessageCancelledEvent
  | SessionDeletedEvent
  | RetryScheduledEvent;

/** The events of a project. */
export type SessionEvent =
  | MessageStartedEvent
  | TokenUsageEvent
  | AgentIterationEvent
  | VibecodeResponseEvent
  | MessageFailedEvent
  | MessageCancelledEvent
  | SessionDeletedEvent
  | RetryScheduledEvent
  | TextDeltaEvent
  | MessageQueuedEvent
  | CodeChangedEvent;

/** For socket.io-client's types. */
export interface ServerToClientEvents {
  message_started: (event: MessageStartedEvent) => void;
  token_usage: (event: TokenUsageEvent) => void;
  agent_iteration: (event: AgentIterationEvent) => void;
  vibecode_response: (event: VibecodeResponseEvent) => void;
  message_failed: (event: MessageFailedEvent) => void;
  message_cancelled: (event: MessageCancelledEvent) => void;
  session_deleted: (event: SessionDeletedEvent) => void;
  retry_scheduled: (event: RetryScheduledEvent) => void;
  text_delta: (event: TextDeltaEvent) => void;
  message_queued: (event: MessageQueuedEvent) => void;
  code_changed: (event: CodeChangedEvent) => void;
  access_lost: (event: AccessLost) => void;
}

/** For socket.io-client's types. */
export interface ClientToServerEvents {
  subscribe: (request: Subscription, acknowledge: (result: Subscribed | Refusal) => void) => void;
  unsubscribe: (request: Unsubscription, acknowledge: (result: Unsubscribed | Refusal) => void) => void;
}
