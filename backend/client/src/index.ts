/** The event client: everything that a front end needs of Vibewire, without a user interface. See README.md. */

export * from "./api.ts";
export * from "./contract.ts";
export * from "./event_client.ts";
export * from "./project_feed.ts";
export * from "./project_state.ts";
export * from "./state.ts";
