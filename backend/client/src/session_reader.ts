/** Reads sessions from the API into the state: messages in pages, and the events that say how they came about. */

import type { ApiClient } from "./api.ts";
import { applyEvent } from "./apply_event.ts";
import type { Message, Session } from "./contract.ts";
import { nullIfCallFails } from "./http.ts";
import { mergeMessage } from "./merge.ts";
import type { StateStore } from "./state_store.ts";

const MESSAGES_PER_PAGE = 30;
// One page of the log: the events of about 25 turns.
const EVENTS_PER_PAGE = 200;

/** Where the part of a session begins that has not been read yet. */
interface Unread {
  /** The API's cursor of older messages; null: there are none. */
  messages: string | null;
  /** The `seq` up to which the events belong to older messages. */
  seq: number;
}

export class SessionReader {
  readonly #api: ApiClient;
  readonly #store: StateStore;
  readonly #unread = new Map<string, Unread>();

  constructor(api: ApiClient, store: StateStore) {
    this.#api = api;
    this.#store = store;
  }

  /** Read the newest messages and their events. Safe to repeat. */
  async load(sessionId: string): Promise<void> {
    await this.#whileLoading(sessionId, () => this.readNewest(sessionId));
  }

  /** Read the page of messages before those in the state, and their events. */
  async loadOlder(sessionId: string): Promise<void> {
    const unread = this.#unread.get(sessionId);
    if (!unread?.messages || this.#store.session(sessionId)?.isLoading) return;
    await this.#whileLoading(sessionId, async () => {
      const page = await this.#api.listMessages(sessionId, MESSAGES_PER_PAGE, unread.messages);
      await this.mergeMessages(sessionId, page.messages);
      unread.messages = page.next_cursor;
      this.#store.updateSession(sessionId, { loaded: page.next_cursor ? "newest" : "all" });
      unread.seq = await this.#readEventsBack(sessionId, unread.seq);
    });
  }

  async readNewest(sessionId: string): Promise<void> {
    const uncounted = this.#uncounted(sessionId);
    const page = await this.#api.listMessages(sessionId, MESSAGES_PER_PAGE);
    await this.mergeMessages(sessionId, page.messages);
    const session = await this.#api.getSession(sessionId);
    this.#setSession(session, uncounted);
    const lastSeq = session.last_seq;
    if (this.#unread.has(sessionId) && this.#store.session(sessionId)?.loaded !== "none") {
      await this.#readEvents(sessionId, Math.max(0, lastSeq - EVENTS_PER_PAGE), lastSeq);
      return;
    }
    const seq = await this.#readEventsBack(sessionId, lastSeq);
    this.#unread.set(sessionId, { messages: page.next_cursor, seq });
    this.#store.updateSession(sessionId, { loaded: page.next_cursor ? "newest" : "all" });
  }

  async mergeMessages(sessionId: string, messages: readonly Message[]): Promise<void> {
    this.#store.changeSession(sessionId, (session) => messages.reduce(mergeMessage, session));
    for (const message of messages) if (message.href) await this.readLongMessage(sessionId, message.message_id);
  }

  /** Read the fields of a message that are null in lists and events because of their size. */
  async readLongMessage(sessionId: string, messageId: string): Promise<void> {
    // If it fails, the message is read again after the next subscription.
    const response = await nullIfCallFails(this.#api.getMessage(messageId));
    if (response) this.#store.changeSession(sessionId, (session) => mergeMessage(session, response));
  }

  /** Read the session's token usage, which then includes the tokens of the messages that have ended. */
  async readUsage(sessionId: string): Promise<void> {
    const uncounted = this.#uncounted(sessionId);
    // If it fails, the tokens stay in `uncounted`, and the next message that ends tries again.
    const response = await nullIfCallFails(this.#api.getSession(sessionId));
    if (response) this.#setSession(response, uncounted);
  }

  #uncounted(sessionId: string): ReadonlyMap<string, unknown> {
    return this.#store.session(sessionId)?.uncounted ?? new Map();
  }

  /** Set a session that was read after the messages in `counted` had ended. */
  #setSession(response: Session, counted: ReadonlyMap<string, unknown>): void {
    this.#store.changeSession(response.session_id, (session) => ({
      ...session,
      session: response,
      uncounted: new Map([...session.uncounted].filter(([messageId]) => !counted.has(messageId))),
    }));
  }

  async #whileLoading(sessionId: string, read: () => Promise<void>): Promise<void> {
    this.#store.updateSession(sessionId, { isLoading: true });
    try {
      await read();
    } finally {
      this.#store.updateSession(sessionId, { isLoading: false });
    }
  }

  /**
   * Read the log backwards, from `newest` to the events of messages that are not in the state.
   * Returns the `seq` of the newest one of these; 0: there are none, or the log no longer has them.
   */
  async #readEventsBack(sessionId: string, newest: number): Promise<number> {
    let upTo = newest;
    while (upTo > 0) {
      const after = Math.max(0, upTo - EVENTS_PER_PAGE);
      const { count, older } = await this.#readEvents(sessionId, after, upTo);
      if (older > 0) return older;
      upTo = count > 0 ? after : 0;
    }
    return 0;
  }

  /** Apply the events of a range. `older`: the `seq` of the newest event of a message that is not in the state. */
  async #readEvents(sessionId: string, after: number, upTo: number): Promise<{ count: number; older: number }> {
    let [last, count, older] = [after, 0, 0];
    while (last < upTo) {
      const page = await this.#api.listEvents(sessionId, last, EVENTS_PER_PAGE);
      const known = new Set(this.#store.session(sessionId)?.messages.map((message) => message.messageId));
      // The events of older messages are applied when their page is read.
      const events = page.events.filter((event) => event.message_id === null || known.has(event.message_id));
      this.#store.set(events.reduce(applyEvent, this.#store.state));
      for (const event of page.events.filter(({ seq }) => seq <= upTo)) {
        count++;
        if (event.message_id !== null && !known.has(event.message_id)) older = event.seq;
      }
      const next = page.events.at(-1)?.seq;
      if (next === undefined || next <= last) break;
      last = next;
    }
    return { count, older };
  }
}
