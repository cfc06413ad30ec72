/** Hears projects' events and misses none: subscribes, keeps cursors, reconnects, replays. The twin of event_client.py. */

import { io, type Socket } from "socket.io-client";
import type { TokenSource } from "./api.ts";
import { type AccessLost, type Acknowledgement, EVENT_NAMES, type VibewireEvent } from "./contract.ts";

/**
 * - `connecting`: on the way, for the first time or again
 * - `catching_up`: connected; what was missed is being replayed
 * - `live`: everything that happens arrives
 * - `signed_out`: the token was refused, and there is no other
 * - `closed`: by `close()`
 */
export type ConnectionState = "connecting" | "catching_up" | "live" | "signed_out" | "closed";

/** What a follower hears of its project. */
export interface Follower {
  /** An event that was not heard before; the logged ones of a session in order. */
  onEvent(event: VibewireEvent): void;
  /**
   * The project is heard from here on, after the first and each later subscription. What the log could not give is to
   * be read again by REST: all of the sessions in `truncated`, and what is live only (queued messages, the code).
   */
  onSubscribed(subscription: Subscribed): void | Promise<void>;
  /** The project is gone, or no longer yours (`access_lost`), or never was (`project_not_found`). It is left. */
  onAccessLost(code: string, detail: string): void;
}

export interface Subscribed {
  /** By session: the number of the newest event, the deleted ones left out. */
  lastSeq: Record<string, number>;
  /** Sessions of which events are missing for good. */
  truncated: string[];
  /** Sessions that were deleted meanwhile. */
  deleted: string[];
}

export interface EventClientOptions {
  /** Where the relay is; empty: where the page came from. */
  url: string;
  token?: TokenSource;
  /** Longest pause between two tries to connect. */
  maxRetryDelayMs?: number;
}

interface Followed {
  follower: Follower;
  /** By session: the number of the newest event that is here. */
  lastSeq: Map<string, number>;
}

const ACK_TIMEOUT_MS = 20_000;
const FIRST_RETRY_DELAY_MS = 250;
// Any other refusal may be gone the next time.
const FINAL_REFUSALS: ReadonlySet<string> = new Set(["project_not_found", "invalid_subscription", "too_many_rooms"]);
// The relay's own limit of `after`.
const MAX_AFTER = 200;

/** One connection to the relay, for any number of projects. */
export class EventClient {
  readonly #socket: Socket;
  readonly #followed = new Map<string, Followed>();
  readonly #watchers = new Set<(state: ConnectionState) => void>();
  readonly #token: TokenSource;
  readonly #maxRetryDelayMs: number;
  #state: ConnectionState = "connecting";
  #retryDelayMs = FIRST_RETRY_DELAY_MS;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #whyToken: "needed" | "refused" = "needed";
  #subscriptions = 0;

  constructor(options: EventClientOptions) {
    this.#token = options.token ?? (async () => null);
    this.#maxRetryDelayMs = options.maxRetryDelayMs ?? 5_000;
    this.#socket = io(options.url || undefined, {
      // One connection from the start: needs no sticky sessions in front of several relays.
      transports: ["websocket"],
      auth: (give) => void this.#authenticate(give),
      reconnectionDelay: FIRST_RETRY_DELAY_MS,
      reconnectionDelayMax: this.#maxRetryDelayMs,
      autoConnect: false,
      forceNew: true,
    });
    for (const name of EVENT_NAMES)
      this.#socket.on(name, (event: object) => this.#take({ ...event, type: name } as VibewireEvent));
    this.#socket.on("access_lost", (lost: AccessLost) => {
      this.#lose(lost.project_id, "access_lost", "You may no longer use this project.");
    });
    this.#socket.on("connect", () => void this.#subscribeAll());
    this.#socket.on("disconnect", (reason) => {
      if (this.#state === "closed") return;
      // The relay hangs up when the token has run out, and when it stops; only this client can connect again then.
      if (reason === "io server disconnect") this.#connectLater("needed");
      this.#setState("connecting");
    });
    this.#socket.on("connect_error", (error: Error & { data?: { code?: string } }) => {
      if (this.#socket.active || this.#state === "closed") return;
      this.#connectLater(error.data?.code === "invalid_token" ? "refused" : "needed");
    });
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Hear each change of the connection's state. Returns what ends it. */
  watchState(watcher: (state: ConnectionState) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** Connect, also after `close()`. Safe to repeat; after `signed_out` it tries again with what the token source gives then. */
  open(): void {
    // On its way already: socket.io would knock twice at the relay, which then refuses both.
    if (this.#socket.active) return;
    clearTimeout(this.#retry);
    this.#setState("connecting");
    this.#socket.connect();
  }

  /** Disconnect. `open()` connects again, and receives what is followed from where it was. */
  close(): void {
    clearTimeout(this.#retry);
    this.#setState("closed");
    this.#socket.disconnect();
  }

  /** Hear a project, from the given event numbers on. Once per project. */
  follow(projectId: string, follower: Follower, after: Record<string, number> = {}): void {
    this.#followed.set(projectId, { follower, lastSeq: new Map(Object.entries(after)) });
    this.open();
    if (this.#socket.connected) void this.#subscribeAll([projectId]);
  }

  /** Stop hearing a project. Safe to repeat. */
  unfollow(projectId: string): void {
    if (this.#followed.delete(projectId) && this.#socket.connected) {
      this.#socket.emit("unsubscribe", { project_id: projectId });
    }
  }

  async #authenticate(give: (auth: { token: string | null }) => void): Promise<void> {
    const why = this.#whyToken;
    this.#whyToken = "needed";
    let token: string | null = null;
    try {
      token = await this.#token(why);
    } catch {
      if (this.#state === "closed") return;
      // No telling right now whether there is a token: asked again with the next try.
      this.#socket.disconnect();
      this.#connectLater(why);
      return;
    }
    if (why === "refused" && token === null) {
      this.#setState("signed_out");
      this.#socket.disconnect();
      return;
    }
    give({ token });
  }

  #connectLater(why: "needed" | "refused"): void {
    this.#whyToken = why;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#socket.connect(), this.#retryDelayMs * (0.5 + Math.random()));
    this.#retryDelayMs = Math.min(this.#retryDelayMs * 2, this.#maxRetryDelayMs);
  }

  async #subscribeAll(projectIds: Iterable<string> = [...this.#followed.keys()]): Promise<void> {
    const turn = ++this.#subscriptions;
    this.#setState("catching_up");
    const done = await Promise.all(Array.from(projectIds, (projectId) => this.#subscribe(projectId)));
    if (!this.#socket.connected) return;
    if (done.every(Boolean)) {
      this.#retryDelayMs = FIRST_RETRY_DELAY_MS;
      if (turn === this.#subscriptions) this.#setState("live");
    } else {
      // An acknowledgement did not come: a fresh connection is the one way to know where we stand.
      this.#socket.disconnect();
      this.#setState("connecting");
      this.#connectLater("needed");
    }
  }

  async #subscribe(projectId: string): Promise<boolean> {
    const followed = this.#followed.get(projectId);
    if (!followed) return true;
    // The relay takes so many cursors: the sessions heard last are replayed, the others are given up as truncated.
    const cursors = [...followed.lastSeq];
    const givenUp = cursors.slice(0, -MAX_AFTER).map(([sessionId]) => sessionId);
    let ack: Acknowledgement;
    try {
      const after = Object.fromEntries(cursors.slice(-MAX_AFTER));
      ack = await this.#socket.timeout(ACK_TIMEOUT_MS).emitWithAck("subscribe", { project_id: projectId, after });
    } catch {
      return false;
    }
    if (this.#followed.get(projectId) !== followed) return true;
    if (!ack.ok) {
      if (!FINAL_REFUSALS.has(ack.code)) return false;
      this.#lose(projectId, ack.code, ack.detail);
      return true;
    }
    const truncated = [...givenUp, ...ack.truncated];
    // Of these the log has not what is here, or less of it: what is here counts for nothing.
    for (const sessionId of [...ack.deleted, ...truncated]) followed.lastSeq.delete(sessionId);
    for (const [sessionId, seq] of Object.entries(ack.last_seq)) {
      followed.lastSeq.set(sessionId, Math.max(seq, followed.lastSeq.get(sessionId) ?? 0));
    }
    await followed.follower.onSubscribed({ lastSeq: ack.last_seq, truncated, deleted: ack.deleted });
    return true;
  }

  #take(event: VibewireEvent): void {
    const followed = this.#followed.get(event.project_id);
    if (!followed) return;
    if ("seq" in event) {
      if (event.seq <= (followed.lastSeq.get(event.session_id) ?? 0)) return;
      // Set anew, so that the sessions heard last are the last ones.
      followed.lastSeq.delete(event.session_id);
      followed.lastSeq.set(event.session_id, event.seq);
    }
    followed.follower.onEvent(event);
  }

  #lose(projectId: string, code: string, detail: string): void {
    const followed = this.#followed.get(projectId);
    this.#followed.delete(projectId);
    followed?.follower.onAccessLost(code, detail);
  }

  #setState(state: ConnectionState): void {
    if (this.#state === state) return;
    this.#state = state;
    for (const watcher of this.#watchers) watcher(state);
  }
}
