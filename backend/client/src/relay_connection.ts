/** One Socket.IO connection to the relay: tokens, reconnects, and the state that a page shows. */

import { io, type Socket } from "socket.io-client";
import type { TokenSource } from "./http.ts";

/**
 * - `connecting`: not connected, for the first time or again
 * - `catching_up`: connected, missed events are being replayed
 * - `live`: every event is received as it is sent
 * - `signed_out`: the token was refused and the token source has no other
 * - `closed`: by `close()`
 */
export type ConnectionState = "connecting" | "catching_up" | "live" | "signed_out" | "closed";

export interface ConnectionOptions {
  /** The relay's URL; empty: the page's origin. */
  url: string;
  token?: TokenSource;
  /** The longest delay between two attempts to connect. */
  maxRetryDelayMs?: number;
}

const MIN_RETRY_DELAY_MS = 250;

export class RelayConnection {
  readonly socket: Socket;
  readonly #watchers = new Set<(state: ConnectionState) => void>();
  readonly #token: TokenSource;
  readonly #maxRetryDelayMs: number;
  #state: ConnectionState = "connecting";
  #retryDelayMs = MIN_RETRY_DELAY_MS;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #whyToken: "needed" | "refused" = "needed";

  constructor(options: ConnectionOptions) {
    this.#token = options.token ?? (async () => null);
    this.#maxRetryDelayMs = options.maxRetryDelayMs ?? 5_000;
    this.socket = io(options.url || undefined, {
      // One connection from the start: several relays need no sticky sessions then.
      transports: ["websocket"],
      auth: (callback) => void this.#authenticate(callback),
      reconnectionDelay: MIN_RETRY_DELAY_MS,
      reconnectionDelayMax: this.#maxRetryDelayMs,
      autoConnect: false,
      forceNew: true,
    });
    this.socket.on("disconnect", (reason) => this.#onDisconnect(reason));
    this.socket.on("connect_error", (error: Error & { data?: { code?: string } }) => this.#onRefused(error.data?.code));
  }

  get state(): ConnectionState {
    return this.#state;
  }

  setState(state: ConnectionState): void {
    if (this.#state === state) return;
    this.#state = state;
    for (const watcher of this.#watchers) watcher(state);
  }

  watchState(watcher: (state: ConnectionState) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  open(): void {
    // A second connect() while one is under way makes socket.io send two handshakes, and the relay refuses both.
    if (this.socket.active) return;
    clearTimeout(this.#retry);
    this.setState("connecting");
    this.socket.connect();
  }

  close(): void {
    clearTimeout(this.#retry);
    this.setState("closed");
    this.socket.disconnect();
  }

  /** Drop the connection and open a new one after a delay that grows with each failure. */
  reconnect(): void {
    this.socket.disconnect();
    this.setState("connecting");
    this.#connectLater("needed");
  }

  resetRetryDelay(): void {
    this.#retryDelayMs = MIN_RETRY_DELAY_MS;
  }

  #onDisconnect(reason: Socket.DisconnectReason): void {
    if (this.#state === "closed") return;
    // The relay disconnects when the token has expired or when it stops; socket.io does not reconnect then.
    if (reason === "io server disconnect") this.#connectLater("needed");
    this.setState("connecting");
  }

  #onRefused(code: string | undefined): void {
    if (this.socket.active || this.#state === "closed") return;
    this.#connectLater(code === "invalid_token" ? "refused" : "needed");
  }

  async #authenticate(callback: (auth: { token: string | null }) => void): Promise<void> {
    const why = this.#whyToken;
    this.#whyToken = "needed";
    let token: string | null = null;
    try {
      token = await this.#token(why);
    } catch {
      // The token source cannot answer right now: the next attempt calls it again.
      if (this.#state === "closed") return;
      this.socket.disconnect();
      this.#connectLater(why);
      return;
    }
    if (why === "refused" && token === null) {
      this.setState("signed_out");
      this.socket.disconnect();
      return;
    }
    callback({ token });
  }

  #connectLater(why: "needed" | "refused"): void {
    this.#whyToken = why;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.socket.connect(), this.#retryDelayMs * (0.5 + Math.random()));
    this.#retryDelayMs = Math.min(this.#retryDelayMs * 2, this.#maxRetryDelayMs);
  }
}
