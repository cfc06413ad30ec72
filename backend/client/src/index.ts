/** The client of Vibewire's HTTP API and events, without a user interface. See README.md. */

export * from "./api.ts";
export { applyEvent } from "./apply_event.ts";
export * from "./contract.ts";
export { EventClient, type Follower, type SubscribeResult } from "./event_client.ts";
export { type ApiOptions, RefusedError, type TokenSource, UnreachableError } from "./http.ts";
export { mergeMessage, mergeSession } from "./merge.ts";
export { ProjectFeed } from "./project_feed.ts";
export * from "./project_state.ts";
export type { ConnectionOptions, ConnectionState } from "./relay_connection.ts";
export { NO_TOKENS, sessionTokens } from "./token_usage.ts";
