/** Delivers the events of projects, each once and in order. The Python client is backend/local/event_client.py. */

import { type AccessLost, type Acknowledgement, EVENT_NAMES, type VibewireEvent } from "./contract.ts";
import { EventCursors } from "./event_cursors.ts";
import { type ConnectionOptions, type ConnectionState, RelayConnection } from "./relay_connection.ts";

/** Receives the events of a project. */
export interface Follower {
  /** Called once for each event; the logged events of a session in the order of their `seq`. */
  onEvent(event: VibewireEvent): void;
  /**
   * Called after each subscription, the first and every later one. Read by HTTP what the log cannot replay: the
   * sessions in `truncated`, queued messages, and the project's code. Must not reject.
   */
  onSubscribed(subscription: SubscribeResult): void | Promise<void>;
  /** The project was deleted or is no longer shared (`access_lost`), or does not exist (`project_not_found`). */
  onAccessLost(code: string, detail: string): void;
}

export interface SubscribeResult {
  /** The newest `seq` by session id, deleted sessions left out. */
  lastSeq: Record<string, number>;
  /** Sessions whose missed events are no longer in the log. */
  truncated: string[];
  /** Sessions that were deleted since the last subscription. */
  deleted: string[];
}

interface Followed {
  follower: Follower;
  cursors: EventCursors;
}

const ACK_TIMEOUT_MS = 20_000;
// Other refusals may be temporary.
const FINAL_REFUSALS: ReadonlySet<string> = new Set(["project_not_found", "invalid_subscription", "too_many_rooms"]);

/** One connection to the relay, for any number of projects. */
export class EventClient {
  readonly #connection: RelayConnection;
  readonly #followed = new Map<string, Followed>();
  #subscriptions = 0;

  constructor(options: ConnectionOptions) {
    this.#connection = new RelayConnection(options);
    const { socket } = this.#connection;
    for (const type of EVENT_NAMES) {
      socket.on(type, (event: object) => this.#deliver({ ...event, type } as VibewireEvent));
    }
    socket.on("access_lost", ({ project_id }: AccessLost) => {
      this.#endWithoutAccess(project_id, "access_lost", "You may no longer use this project.");
    });
    socket.on("connect", () => void this.#subscribeAll());
  }

  get state(): ConnectionState {
    return this.#connection.state;
  }

  /** Call back after each change of `state`. Returns a function that ends it. */
  watchState(watcher: (state: ConnectionState) => void): () => void {
    return this.#connection.watchState(watcher);
  }

  /** Connect, or connect again after `close()` or `signed_out`. Safe to repeat. */
  open(): void {
    this.#connection.open();
  }

  /** Disconnect. `open()` connects again and resumes every followed project after its last event. */
  close(): void {
    this.#connection.close();
  }

  /** Subscribe to a project, after the given `seq` of each session, and keep subscribed. Once per project. */
  follow(projectId: string, follower: Follower, after: Record<string, number> = {}): void {
    this.#followed.set(projectId, { follower, cursors: new EventCursors(after) });
    this.open();
    if (this.#connection.socket.connected) void this.#subscribeAll([projectId]);
  }

  /** Unsubscribe from a project. Safe to repeat. */
  unfollow(projectId: string): void {
    if (this.#followed.delete(projectId) && this.#connection.socket.connected) {
      this.#connection.socket.emit("unsubscribe", { project_id: projectId });
    }
  }

  async #subscribeAll(projectIds: Iterable<string> = [...this.#followed.keys()]): Promise<void> {
    const current = ++this.#subscriptions;
    this.#connection.setState("catching_up");
    const acknowledged = await Promise.all(Array.from(projectIds, (projectId) => this.#subscribe(projectId)));
    if (!this.#connection.socket.connected) return;
    if (acknowledged.every(Boolean)) {
      this.#connection.resetRetryDelay();
      if (current === this.#subscriptions) this.#connection.setState("live");
    } else {
      // Whether the relay has subscribed this client is unknown: a new connection starts from a known state.
      this.#connection.reconnect();
    }
  }

  /** Returns whether the subscription was acknowledged, or is no longer wanted. */
  async #subscribe(projectId: string): Promise<boolean> {
    const followed = this.#followed.get(projectId);
    if (!followed) return true;
    const { after, dropped } = followed.cursors.forSubscription();
    let acknowledgement: Acknowledgement;
    try {
      const socket = this.#connection.socket.timeout(ACK_TIMEOUT_MS);
      acknowledgement = await socket.emitWithAck("subscribe", { project_id: projectId, after });
    } catch {
      return false; // no acknowledgement in time, or the connection was closed
    }
    if (this.#followed.get(projectId) !== followed) return true;
    if (!acknowledgement.ok) {
      if (!FINAL_REFUSALS.has(acknowledgement.code)) return false;
      this.#endWithoutAccess(projectId, acknowledgement.code, acknowledgement.detail);
      return true;
    }
    const { last_seq: lastSeq, deleted } = acknowledgement;
    const truncated = [...dropped, ...acknowledgement.truncated];
    followed.cursors.reset([...deleted, ...truncated]);
    followed.cursors.advance(lastSeq);
    await followed.follower.onSubscribed({ lastSeq, truncated, deleted });
    return true;
  }

  #deliver(event: VibewireEvent): void {
    const followed = this.#followed.get(event.project_id);
    if (!followed) return;
    if ("seq" in event && !followed.cursors.accept(event.session_id, event.seq)) return;
    followed.follower.onEvent(event);
  }

  #endWithoutAccess(projectId: string, code: string, detail: string): void {
    const followed = this.#followed.get(projectId);
    this.#followed.delete(projectId);
    followed?.follower.onAccessLost(code, detail);
  }
}
