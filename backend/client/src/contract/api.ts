// Written by `make contracts` from the code of the backend. Do not edit.

/** Every `code` of a problem. */
export const PROBLEM_CODES = [
  "answer_too_large",
  "body_too_large",
  "code_too_large",
  "event_log_busy",
  "foreign_host",
  "foreign_origin",
  "internal_error",
  "invalid_code",
  "invalid_cursor",
  "invalid_input",
  "invalid_node_id",
  "invalid_request",
  "invalid_token",
  "keys_unavailable",
  "malformed_json",
  "message_id_conflict",
  "message_not_found",
  "method_not_allowed",
  "no_such_path",
  "out_of_memory",
  "owner_only",
  "project_not_found",
  "prompt_too_long",
  "response_not_found",
  "session_not_found",
  "stale_version",
  "storage_damaged",
  "storage_full",
  "storage_unavailable",
  "too_many_members",
  "too_many_queued_messages",
  "two_message_ids",
  "unsupported_media_type",
  "version_not_found",
] as const;

/** VibeCoder made an attempt, or the Evaluator reviewed one (then `approved` is true or false). */
export interface AgentIterationEvent {
  /** Unique. */
  event_id: string;
  project_id: string;
  session_id: string;
  created_at: string;
  /** The number in the session: 1, 2, 3 ... without gaps. */
  seq: number;
  /** How often the turn was started; text streamed by a lower attempt is void. */
  attempt: number;
  /** The API path to read a field that is null here because it is too large. */
  href: string | null;
  message_id: string;
  type: "agent_iteration";
  /** The agent that did it. */
  agent: "vibecoder" | "evaluator";
  /** 1 to 3: an attempt of VibeCoder and its review. */
  iteration: number;
  /** The agent's text. */
  content: string | null;
  /** The proposed patch, not applied yet. */
  patch_preview: string | null;
  /** The Evaluator's decision; null: this is an attempt of VibeCoder. */
  approved: boolean | null;
}

/** `current_code` is accepted as another name of `code`. */
export interface CreateProjectRequest {
  /** 1 to 200 characters, one of them visible; no control characters, and none that change the direction of text. */
  name: string;
  /** Defaults to a small starter workflow. */
  code?: string | null;
  /** The same as `code`. */
  current_code?: string | null;
}

/** The project was deleted. */
export interface DeletedProject {
  project_id: string;
  deleted: true;
}

/** The session was deleted. */
export interface DeletedSession {
  session_id: string;
  deleted: true;
}

/** Why a message failed or was cancelled; `code` is stable. */
export interface ErrorBody {
  code: string;
  detail: string;
}

/** A page of a session's event log. */
export interface EventList {
  session_id: string;
  events: (AgentIterationEvent | MessageCancelledEvent | MessageFailedEvent | MessageStartedEvent | RetryScheduledEvent | SessionDeletedEvent | TokenUsageEvent | VibecodeResponseEvent)[];
  /** The `seq` of the newest event. */
  last_seq: number;
  truncated: boolean;
}

/** All responses of the model to a message. */
export interface FullMessageBody {
  message_id: string;
  session_id: string;
  model: string | null;
  usage: TokenUsage;
  tool_calls: ToolCallBody[];
  openai_response: OpenAIResponseBody;
}

/** The API answers. */
export interface Health {
  status: "ok";
  version: string;
  engine: string;
}

/** A message; in a list a long field is null, and `href` is set. */
export interface MessageBody {
  message_id: string;
  session_id: string;
  project_id: string;
  /** The position in the session: 1, 2, 3 ... */
  number: number;
  prompt: string | null;
  status: MessageStatus;
  /** The agent's text. */
  content: string | null;
  /** A unified diff in git style; empty: no change. */
  patch: string | null;
  /** The version of the code that the patch applies to. */
  base_version: number | null;
  /** The version of the code that the message made. */
  version: number | null;
  /** Summed over all attempts. */
  token_usage: TokenUsage;
  model: string | null;
  /** The number of iterations. */
  iterations: number;
  /** How often the turn was started; text streamed by a lower attempt is void. */
  attempt: number;
  error: ErrorBody | null;
  created_at: string;
  completed_at: string | null;
  /** The API path to read a field that is null here because it is too large. */
  href: string | null;
}

/** The message was cancelled, or its session was deleted. */
export interface MessageCancelledEvent {
  /** Unique. */
  event_id: string;
  project_id: string;
  session_id: string;
  created_at: string;
  /** The number in the session: 1, 2, 3 ... without gaps. */
  seq: number;
  /** How often the turn was started; text streamed by a lower attempt is void. */
  attempt: number;
  /** The API path to read a field that is null here because it is too large. */
  href: string | null;
  message_id: string;
  code: string;
  detail: string | null;
  /** Summed over all attempts. */
  token_usage: TokenUsage;
  type: "message_cancelled";
}

/** The message failed; `code` is stable, `detail` is for people. */
export interface MessageFailedEvent {
  /** Unique. */
  event_id: string;
  project_id: string;
  session_id: string;
  created_at: string;
  /** The number in the session: 1, 2, 3 ... without gaps. */
  seq: number;
  /** How often the turn was started; text streamed by a lower attempt is void. */
  attempt: number;
  /** The API path to read a field that is null here because it is too large. */
  href: string | null;
  message_id: string;
  code: string;
  detail: string | null;
  /** Summed over all attempts. */
  token_usage: TokenUsage;
  type: "message_failed";
}

/** A page of a session's messages. */
export interface MessageList {
  session_id: string;
  messages: MessageBody[];
  /** The number of messages of the session. */
  count: number;
  /** Pass it as `cursor` to get the next page; null: the last page. */
  next_cursor: string | null;
}

/** A turn was started; text streamed by a lower `attempt` is void. */
export interface MessageStartedEvent {
  /** Unique. */
  event_id: string;
  project_id: string;
  session_id: string;
  created_at: string;
  /** The number in the session: 1, 2, 3 ... without gaps. */
  seq: number;
  /** How often the turn was started; text streamed by a lower attempt is void. */
  attempt: number;
  /** The API path to read a field that is null here because it is too large. */
  href: string | null;
  message_id: string;
  type: "message_started";
  prompt: string | null;
}

/** queued -> running -> completed, failed or cancelled, which are final. */
export type MessageStatus = "queued" | "running" | "completed" | "failed" | "cancelled";

/** A model call; `response` is its complete JSON, or null with an `href` if all together are too large. */
export interface ModelResponseBody {
  /** How often the turn was started; text streamed by a lower attempt is void. */
  attempt: number;
  /** The agent that did it. */
  agent: "vibecoder" | "evaluator";
  /** 1 to 3: an attempt of VibeCoder and its review. */
  iteration: number;
  /** The id of the model's response; its complete JSON is at `/messages/{id}/full`. */
  response_id: string;
  model: string;
  usage: TokenUsage;
  response: Record<string, unknown> | null;
  /** The API path to read a field that is null here because it is too large. */
  href: string | null;
}

/** An agent of the workflow; `handoffs_known` and `tools_known` are omitted if true. */
export interface NodeBody {
  name: string;
  /** The agents that this one hands over to. */
  handoffs: string[];
  /** The tools that the agent may call. */
  tools: string[];
  /** Whether the list is complete; false: the code computes it, or it was cut. */
  handoffs_known?: boolean;
  /** Whether the list is complete; false: the code computes it, or it was cut. */
  tools_known?: boolean;
}

/** All model calls of a message. */
export interface OpenAIResponseBody {
  responses: ModelResponseBody[];
}

/** Problem details (RFC 9457): the body of every error. */
export interface Problem {
  /** `urn:vibewire:problem:` and the code. */
  type: string;
  /** The HTTP status as text. */
  title: string;
  /** What is wrong, for people to read. */
  detail: string;
  status: number;
  /** Stable: for programs. */
  code: "answer_too_large" | "body_too_large" | "code_too_large" | "event_log_busy" | "foreign_host" | "foreign_origin" | "internal_error" | "invalid_code" | "invalid_cursor" | "invalid_input" | "invalid_node_id" | "invalid_request" | "invalid_token" | "keys_unavailable" | "malformed_json" | "message_id_conflict" | "message_not_found" | "method_not_allowed" | "no_such_path" | "out_of_memory" | "owner_only" | "project_not_found" | "prompt_too_long" | "response_not_found" | "session_not_found" | "stale_version" | "storage_damaged" | "storage_full" | "storage_unavailable" | "too_many_members" | "too_many_queued_messages" | "two_message_ids" | "unsupported_media_type" | "version_not_found";
  /** Set if the error is about a session. */
  session_id?: string;
  /** With `invalid_request`: each invalid field and the reason. */
  errors?: ({ where: string; what: string; })[];
}

/** A project. */
export interface ProjectBody {
  project_id: string;
  name: string;
  owner: string;
  members: string[];
  code: string;
  /** The version of the project's code; it grows by one with each change. */
  version: number;
  nodes: NodeBody[];
  /** Whether `nodes` is cut, to 200 agents and 64 KB; names of agents are kept first. */
  nodes_truncated: boolean;
  created_at: string;
  updated_at: string;
}

/** A project in a list: its code and nodes are at `/projects/{project_id}`. */
export interface ProjectEntryBody {
  project_id: string;
  name: string;
  owner: string;
  members: string[];
  /** The version of the project's code; it grows by one with each change. */
  version: number;
  created_at: string;
  updated_at: string;
}

/** A page of projects. */
export interface ProjectList {
  projects: ProjectEntryBody[];
  /** Pass it as `cursor` to get the next page; null: the last page. */
  next_cursor: string | null;
}

/** A part of a model response over 4 MB: the `text`s of all parts, concatenated, are its JSON. */
export interface ResponsePart {
  message_id: string;
  session_id: string;
  /** The id of the model's response; its complete JSON is at `/messages/{id}/full`. */
  response_id: string;
  part: number;
  parts: number;
  text: string;
  /** The next part; null: this is the last one. */
  next_href: string | null;
}

/** A temporary failure; the model call, or (agent null) the turn, is retried at `retry_at`. */
export interface RetryScheduledEvent {
  /** Unique. */
  event_id: string;
  project_id: string;
  session_id: string;
  created_at: string;
  /** The number in the session: 1, 2, 3 ... without gaps. */
  seq: number;
  /** How often the turn was started; text streamed by a lower attempt is void. */
  attempt: number;
  /** The API path to read a field that is null here because it is too large. */
  href: string | null;
  message_id: string;
  type: "retry_scheduled";
  code: string;
  detail: string | null;
  /** When it is retried. */
  retry_at: string;
  /** The agent whose model call failed; null: the turn. */
  agent: "vibecoder" | "evaluator" | null;
  /** The iteration of that agent. */
  iteration: number | null;
}

/** A prompt; sent again with the same `message_id`, it does not run again. */
export interface SendMessageRequest {
  /** At least one visible character; at most 32,000 bytes of UTF-8 (a setting). */
  prompt: string;
  /** Not together with an `Idempotency-Key`. */
  message_id?: string | null;
}

/** A session. */
export interface SessionBody {
  session_id: string;
  project_id: string;
  session_type: "global" | "node";
  /** The agent that the session is about; null: the project. */
  node_id: string | null;
  /** Whether the project's current code has that agent; null: the session is about the project, or the code has more agents than are read. */
  node_exists: boolean | null;
  openai_session_key: string;
  message_count: number;
  /** The `seq` of the newest event. */
  last_seq: number;
  /** Summed over all attempts. */
  token_usage: TokenUsage;
  created_at: string;
}

/** The session was deleted; this is its last event. */
export interface SessionDeletedEvent {
  /** Unique. */
  event_id: string;
  project_id: string;
  session_id: string;
  created_at: string;
  /** The number in the session: 1, 2, 3 ... without gaps. */
  seq: number;
  /** How often the turn was started; text streamed by a lower attempt is void. */
  attempt: number;
  /** The API path to read a field that is null here because it is too large. */
  href: string | null;
  type: "session_deleted";
  message_id: null;
}

/** The sessions of a project. */
export interface SessionList {
  project_id: string;
  sessions: SessionBody[];
  /** Pass it as `cursor` to get the next page; null: the last page. */
  next_cursor: string | null;
}

/** Without `node_id` the session is about the project. */
export interface StartSessionRequest {
  /** The name of an agent's variable: letters, digits, '_', '.' and '-', at most 200 bytes of UTF-8, starting with a letter, a digit or '_'. The code need not have the agent yet. */
  node_id?: string | null;
}

/** Billed tokens. Sums with `+`. */
export interface TokenUsage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  /** Prompt tokens that the model's server had cached. */
  cached_tokens: number;
  /** Completion tokens that the model used for reasoning. */
  reasoning_tokens: number;
}

/** A model response has ended; sent once per response, also in failed turns. */
export interface TokenUsageEvent {
  /** Unique. */
  event_id: string;
  project_id: string;
  session_id: string;
  created_at: string;
  /** The number in the session: 1, 2, 3 ... without gaps. */
  seq: number;
  /** How often the turn was started; text streamed by a lower attempt is void. */
  attempt: number;
  /** The API path to read a field that is null here because it is too large. */
  href: string | null;
  message_id: string;
  type: "token_usage";
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  /** Prompt tokens that the model's server had cached. */
  cached_tokens: number;
  /** Completion tokens that the model used for reasoning. */
  reasoning_tokens: number;
  model: string;
  /** The agent that did it. */
  agent: "vibecoder" | "evaluator";
  /** 1 to 3: an attempt of VibeCoder and its review. */
  iteration: number;
  /** The id of the model's response; its complete JSON is at `/messages/{id}/full`. */
  response_id: string;
}

/** A tool call of the model; `arguments` is the JSON text that it wrote. */
export interface ToolCallBody {
  /** How often the turn was started; text streamed by a lower attempt is void. */
  attempt: number;
  /** The agent that did it. */
  agent: "vibecoder" | "evaluator";
  /** 1 to 3: an attempt of VibeCoder and its review. */
  iteration: number;
  call_id: string;
  name: string;
  arguments: string;
}

/** The changes; `code` needs the `base_version` that it was edited from. */
export interface UpdateProjectRequest {
  name?: string | null;
  members?: string[] | null;
  code?: string | null;
  /** The version that `code` was edited from. */
  base_version?: number | null;
}

/** An entry of the version history. */
export interface VersionBody {
  /** The version of the project's code; it grows by one with each change. */
  version: number;
  message_id: string | null;
  commit_message: string;
  created_at: string;
}

/** A page of the version history. */
export interface VersionList {
  project_id: string;
  versions: VersionBody[];
  /** Pass it as `cursor` to get the next page; null: the last page. */
  next_cursor: string | null;
}

/** The answer; sent once per message. */
export interface VibecodeResponseEvent {
  /** Unique. */
  event_id: string;
  project_id: string;
  session_id: string;
  created_at: string;
  /** The number in the session: 1, 2, 3 ... without gaps. */
  seq: number;
  /** How often the turn was started; text streamed by a lower attempt is void. */
  attempt: number;
  /** The API path to read a field that is null here because it is too large. */
  href: string | null;
  message_id: string;
  type: "vibecode_response";
  status: "completed";
  /** The agent's text. */
  content: string | null;
  /** A unified diff in git style; empty: no change. */
  patch: string | null;
  /** Summed over all attempts. */
  token_usage: TokenUsage;
  /** The number of iterations. */
  iterations: number;
  /** The version of the code that the patch applies to. */
  base_version: number;
  /** The version of the project's code; it grows by one with each change. */
  version: number;
}
