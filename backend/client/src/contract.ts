/** The contract's types (generated: contract/) under the names of this package. */

export type {
  FullMessageBody as FullMessage,
  MessageBody as Message,
  MessageStatus,
  ModelResponseBody as ModelResponse,
  NodeBody as WorkflowNode,
  ProjectBody as Project,
  ProjectEntryBody as ListedProject,
  SessionBody as Session,
  TokenUsage,
  VersionBody as Version,
} from "./contract/api.ts";
export type {
  AccessLost,
  AgentIterationEvent as AgentIteration,
  LoggedEvent,
  SessionEvent as VibewireEvent,
  TextDeltaEvent as TextDelta,
  TokenUsageEvent as TokensUsed,
} from "./contract/events.ts";

import type {
  AgentIterationEvent,
  EventList,
  MessageList,
  ProjectList,
  ResponsePart,
  SessionList,
  VersionList,
} from "./contract/api.ts";
import { EVENT_NAMES as ALL_NAMES, type Refusal, type Subscribed } from "./contract/events.ts";

export type AgentName = AgentIterationEvent["agent"];
export type { EventList, MessageList, ProjectList, ResponsePart, SessionList, VersionList };

/** The relay's answer to `subscribe`. */
export type Acknowledgement = Subscribed | Refusal;

/** The names of a project's events, without `access_lost`, which concerns the client and not the project. */
export const EVENT_NAMES = ALL_NAMES.filter((name) => name !== "access_lost");
