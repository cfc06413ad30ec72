/** The contract's types (generated: ../contract) by the names that a front end uses. */

export type {
  FullMessageBody as FullMessage,
  MessageBody as Message,
  MessageStatus,
  NodeBody as WorkflowNode,
  ProjectBody as Project,
  ProjectEntryBody as ListedProject,
  ModelResponseBody as ModelResponse,
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

/** The names of all events of a project. `access_lost` is not one: it is about the listener. */
export const EVENT_NAMES = ALL_NAMES.filter((name) => name !== "access_lost");
