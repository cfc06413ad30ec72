/** One project as it is now: read by REST, kept up to date by its events, told to whoever watches. */

import { type ApiClient, RefusedError, UnreachableError } from "./api.ts";
import type { Message, Project, Session, VibewireEvent } from "./contract.ts";
import type { EventClient, Subscribed } from "./event_client.ts";
import { EMPTY_PROJECT, isOpen, type MessageState, type ProjectState, type SessionState } from "./project_state.ts";
import { applyEvent, mergeMessage, mergeSession, newMessage, withMessage, withSession, withVersion } from "./state.ts";

const PAGE = 30;
// A session that nobody looks at: enough to know whether a turn runs in it.
const PEEKED_MESSAGES = 5;
const PEEKED_SESSIONS = 60;
const PEEKS_AT_ONCE = 4;
// As many as a page of the log has: about as many as 25 turns.
const EVENTS_BACK = 200;
// While what was missed is replayed, watchers are told once, at its end; but no later than this.
const LONGEST_HOLD_MS = 1_500;
// Pauses before the API is asked again while the relay is connected: from, and up to.
const RETRY_MS = [1_000, 30_000] as const;

/** Where that which is older begins. */
interface Cursor {
  messages: string | null;
  seq: number;
}

/** Watches one project. Every method that calls the API rejects as ApiClient does. */
export class ProjectFeed {
  readonly #api: ApiClient;
  readonly #events: EventClient;
  readonly #watchers = new Set<() => void>();
  readonly #cursors = new Map<string, Cursor>();
  readonly #prompts = new Map<string, string>();
  #state: ProjectState = EMPTY_PROJECT;
  #isTelling = false;
  #hold: ReturnType<typeof setTimeout> | undefined;
  #isHolding = false;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #isOpen = false;
  #isListing = false;
  #isLoadingCode = false;
  #unwatch: (() => void) | undefined;

  constructor(
    api: ApiClient,
    events: EventClient,
    readonly projectId: string,
  ) {
    this.#api = api;
    this.#events = events;
  }

  /** What is known now. A new object whenever something has changed, and only then. */
  get state(): ProjectState {
    return this.#state;
  }

  /** Be told after changes, once for all that happen together. Returns what ends it. */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** Begin to read the project and to receive its events, also again after `close()`. Safe to repeat. */
  open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    if (this.#state.accessLost) this.#set({ ...this.#state, accessLost: null });
    this.#unwatch = this.#events.watchState((state) => this.#holdWhile(state === "catching_up"));
    this.#events.follow(this.projectId, {
      onEvent: (event) => this.#hear(event),
      onSubscribed: (subscribed) => this.#catchUp(subscribed),
      onAccessLost: (code, detail) => this.#set({ ...this.#state, accessLost: { code, detail } }),
    });
  }

  /** Stop reading and hearing it. Whoever watches goes on watching: `open()` begins again, and reads what was missed. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#unwatch?.();
    clearTimeout(this.#retry);
    this.#holdWhile(false);
    this.#events.unfollow(this.projectId);
  }

  /** Start the project's conversation, or that of a node; or retrieve the one that exists; and read it. */
  async startSession(nodeId: string | null): Promise<Session> {
    const session = await this.#api.startSession(this.projectId, nodeId);
    this.#set(mergeSession(this.#state, session));
    await this.loadSession(session.session_id);
    return session;
  }

  /** Read the newest messages of a session, and how they came about. Safe to repeat. */
  async loadSession(sessionId: string): Promise<void> {
    this.#change(sessionId, (session) => ({ ...session, isLoading: true }));
    try {
      await this.#readNewest(sessionId, PAGE);
    } finally {
      this.#change(sessionId, (session) => ({ ...session, isLoading: false }));
    }
  }

  /** Read the messages before those that are here. */
  async loadOlder(sessionId: string): Promise<void> {
    const cursor = this.#cursors.get(sessionId);
    if (!cursor?.messages || this.#state.sessions.get(sessionId)?.isLoading) return;
    this.#change(sessionId, (session) => ({ ...session, isLoading: true }));
    try {
      const page = await this.#api.listMessages(sessionId, PAGE, cursor.messages);
      await this.#mergeMessages(sessionId, page.messages);
      cursor.messages = page.next_cursor;
      this.#change(sessionId, (session) => ({ ...session, loaded: page.next_cursor ? "newest" : "all" }));
      cursor.seq = await this.#readEventsBack(sessionId, cursor.seq);
    } finally {
      this.#change(sessionId, (session) => ({ ...session, isLoading: false }));
    }
  }

  /**
   * Send a prompt. It is in the state at once; without a connection it waits there, `unsent`, and is sent when the
   * connection is back. It has an id of its own, so that it runs once, however often it is sent.
   */
  async send(sessionId: string, prompt: string): Promise<void> {
    const messageId = uuid();
    this.#change(sessionId, (session) =>
      withMessage(session, { ...newMessage(messageId, new Date().toISOString()), prompt, status: "sending" }),
    );
    this.#prompts.set(messageId, prompt);
    await this.#deliver(sessionId, messageId);
  }

  /** Send an unsent message now. */
  async resend(sessionId: string, messageId: string): Promise<void> {
    this.#changeMessage(sessionId, messageId, (message) => ({ ...message, status: "sending", error: null }));
    await this.#deliver(sessionId, messageId);
  }

  /** Forget an unsent message. */
  discard(sessionId: string, messageId: string): void {
    this.#prompts.delete(messageId);
    this.#change(sessionId, (session) => ({
      ...session,
      messages: session.messages.filter((message) => message.messageId !== messageId || message.status !== "unsent"),
    }));
  }

  /** Ask for the end of a message; its end comes as an event. Safe to repeat. */
  async cancel(sessionId: string, messageId: string): Promise<void> {
    this.#changeMessage(sessionId, messageId, (message) => ({ ...message, isCancelling: true }));
    try {
      const told = await this.#api.cancelMessage(messageId);
      this.#change(sessionId, (session) => mergeMessage(session, told));
    } catch (error) {
      this.#changeMessage(sessionId, messageId, (message) => ({ ...message, isCancelling: false }));
      throw error;
    }
  }

  /** Change name, members, or the code (with the `base_version` it was made from). */
  async updateProject(change: Parameters<ApiClient["updateProject"]>[1]): Promise<Project> {
    const project = await this.#api.updateProject(this.projectId, change);
    this.#setProject(project);
    return project;
  }

  /** Delete a session; its key may be started afresh at once. */
  async deleteSession(sessionId: string): Promise<void> {
    await this.#api.deleteSession(sessionId);
    this.#change(sessionId, (session) => ({ ...session, isDeleted: true }));
  }

  #hear(event: VibewireEvent): void {
    const before = this.#state;
    this.#set(applyEvent(before, event));
    if (event.session_id !== null && !before.sessions.has(event.session_id)) void this.#hearOfSession();
    if (this.#state.version > (this.#state.project?.version ?? 0)) void this.#loadCode();
    if (event.session_id === null) return;
    const session = this.#state.sessions.get(event.session_id);
    if (session !== before.sessions.get(event.session_id) && session?.uncounted.size)
      void this.#recount(event.session_id);
    if (event.type !== "agent_iteration" && event.message_id !== null && "href" in event && event.href) {
      void this.#readLongMessage(event.session_id, event.message_id);
    }
  }

  async #catchUp(subscribed: Subscribed, retryMs: number = RETRY_MS[0]): Promise<void> {
    clearTimeout(this.#retry);
    for (const sessionId of subscribed.deleted) this.#change(sessionId, (session) => ({ ...session, isDeleted: true }));
    try {
      const [project] = await Promise.all([this.#api.getProject(this.projectId), this.#listSessions()]);
      this.#setProject(project);
      // What waits is told live only, of a truncated session the log has not all, and while the feed was closed it heard nothing.
      const stale = [...this.#state.sessions.values()].filter((one) => !one.isDeleted && one.loaded !== "none");
      for (const { session } of stale) await this.#readNewest(session.session_id, PAGE);
    } catch (error) {
      if (error instanceof RefusedError && error.status === 404) {
        this.#set({ ...this.#state, accessLost: { code: error.code, detail: error.detail } });
      } else {
        throwUnlessCallFailed(error);
        if (isPassing(error)) this.#catchUpLater(subscribed, retryMs);
      }
    }
    this.#sendUnsent();
  }

  /** The relay sends events, the API gives nothing: so it is asked again, unless a new subscription comes first. */
  #catchUpLater(subscribed: Subscribed, retryMs: number): void {
    if (!this.#isOpen) return;
    const next = Math.min(2 * retryMs, RETRY_MS[1]);
    this.#retry = setTimeout(() => void this.#catchUp(subscribed, next), retryMs);
  }

  /** An event of a session that is not here: it came about meanwhile. */
  async #hearOfSession(): Promise<void> {
    try {
      await this.#listSessions();
    } catch (error) {
      // The next event of the session, or the next subscription, asks again.
      throwUnlessCallFailed(error);
    }
  }

  async #listSessions(): Promise<void> {
    if (this.#isListing) return;
    this.#isListing = true;
    try {
      const told = await this.#api.listSessions(this.projectId);
      const unknown = told.filter((session) => !this.#state.sessions.has(session.session_id));
      const alive = new Set(told.map((session) => session.session_id));
      const gone = [...this.#state.sessions.values()].filter((one) => !alive.has(one.session.session_id));
      let state = this.#state;
      for (const session of unknown) state = mergeSession(state, session);
      for (const session of gone) state = withSession(state, { ...session, isDeleted: true });
      this.#set(state);
      void this.#peek(unknown.slice(-PEEKED_SESSIONS));
    } finally {
      this.#isListing = false;
    }
  }

  async #peek(sessions: Session[]): Promise<void> {
    const waiting = sessions.filter((session) => session.message_count > 0);
    const work = async () => {
      for (let session = waiting.pop(); session && this.#isOpen; session = waiting.pop()) {
        if (this.#state.sessions.get(session.session_id)?.loaded !== "none") continue;
        const page = await this.#api.listMessages(session.session_id, PEEKED_MESSAGES);
        await this.#mergeMessages(session.session_id, page.messages.filter(isOpen));
      }
    };
    // A dot that does not show is no fault that a person should hear of.
    await Promise.allSettled(Array.from({ length: PEEKS_AT_ONCE }, work));
  }

  async #readNewest(sessionId: string, limit: number): Promise<void> {
    const counted = this.#state.sessions.get(sessionId)?.uncounted ?? new Map();
    const page = await this.#api.listMessages(sessionId, limit);
    await this.#mergeMessages(sessionId, page.messages);
    const told = await this.#api.getSession(sessionId);
    this.#counted(sessionId, told, counted);
    const isKnown = this.#cursors.has(sessionId) && this.#state.sessions.get(sessionId)?.loaded !== "none";
    if (isKnown) {
      await this.#readEvents(sessionId, Math.max(0, told.last_seq - EVENTS_BACK), told.last_seq);
      return;
    }
    const seq = await this.#readEventsBack(sessionId, told.last_seq);
    this.#cursors.set(sessionId, { messages: page.next_cursor, seq });
    this.#change(sessionId, (session) => ({ ...session, loaded: page.next_cursor ? "newest" : "all" }));
  }

  /** Read how the messages that are here came about. Returns the number where the events of older ones end. */
  async #readEventsBack(sessionId: string, newest: number): Promise<number> {
    let upTo = newest;
    while (upTo > 0) {
      const after = Math.max(0, upTo - EVENTS_BACK);
      const { count, older } = await this.#readEvents(sessionId, after, upTo);
      if (older > 0) return older;
      upTo = count > 0 ? after : 0; // nothing there: what is older is no longer kept
    }
    return 0;
  }

  /** Take in some of the log. `older`: the number of the newest event of a message that is not here. */
  async #readEvents(sessionId: string, after: number, upTo: number): Promise<{ count: number; older: number }> {
    let [last, count, older] = [after, 0, 0];
    while (last < upTo) {
      const page = await this.#api.listEvents(sessionId, last, EVENTS_BACK);
      const known = new Set(this.#state.sessions.get(sessionId)?.messages.map((message) => message.messageId));
      // Of messages on older pages only the API can tell the rest.
      const events = page.events.filter((event) => event.message_id === null || known.has(event.message_id));
      this.#set(events.reduce(applyEvent, this.#state));
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

  async #mergeMessages(sessionId: string, messages: readonly Message[]): Promise<void> {
    this.#change(sessionId, (session) => messages.reduce(mergeMessage, session));
    for (const message of messages) if (message.href) await this.#readLongMessage(sessionId, message.message_id);
  }

  async #readLongMessage(sessionId: string, messageId: string): Promise<void> {
    const told = await this.#api.getMessage(messageId).catch(() => null);
    if (told) this.#change(sessionId, (session) => mergeMessage(session, told));
  }

  async #recount(sessionId: string): Promise<void> {
    const counted = this.#state.sessions.get(sessionId)?.uncounted ?? new Map();
    const told = await this.#api.getSession(sessionId).catch(() => null);
    if (told) this.#counted(sessionId, told, counted);
  }

  #counted(sessionId: string, told: Session, counted: ReadonlyMap<string, unknown>): void {
    this.#change(sessionId, (session) => ({
      ...session,
      session: told,
      uncounted: new Map([...session.uncounted].filter(([messageId]) => !counted.has(messageId))),
    }));
  }

  async #loadCode(): Promise<void> {
    if (this.#isLoadingCode) return;
    this.#isLoadingCode = true;
    try {
      for (let tries = 0; tries < 3 && this.#state.version > (this.#state.project?.version ?? 0); tries++) {
        this.#setProject(await this.#api.getProject(this.projectId));
      }
    } catch (error) {
      // The next event, or the next subscription, asks again.
      throwUnlessCallFailed(error);
    } finally {
      this.#isLoadingCode = false;
    }
  }

  #setProject(project: Project): void {
    if (project.version < (this.#state.project?.version ?? 0)) return;
    this.#set(withVersion({ ...this.#state, project }, project.version));
  }

  async #deliver(sessionId: string, messageId: string): Promise<void> {
    const prompt = this.#prompts.get(messageId);
    if (prompt === undefined) return;
    try {
      const told = await this.#api.sendMessage(sessionId, messageId, prompt);
      this.#prompts.delete(messageId);
      this.#change(sessionId, (session) => mergeMessage(session, told));
    } catch (error) {
      throwUnlessCallFailed(error);
      const code = error instanceof RefusedError ? error.code : "unreachable";
      this.#changeMessage(sessionId, messageId, (message) =>
        message.status === "sending"
          ? { ...message, status: "unsent", error: { code, detail: error.message } }
          : message,
      );
    }
  }

  #sendUnsent(): void {
    for (const { session, messages } of this.#state.sessions.values()) {
      for (const message of messages) {
        if (message.status === "unsent" && message.error?.code === "unreachable") {
          void this.resend(session.session_id, message.messageId);
        }
      }
    }
  }

  #change(sessionId: string, change: (session: SessionState) => SessionState): void {
    const session = this.#state.sessions.get(sessionId);
    if (session) this.#set(withSession(this.#state, change(session)));
  }

  #changeMessage(sessionId: string, messageId: string, change: (message: MessageState) => MessageState): void {
    this.#change(sessionId, (session) => {
      const message = session.messages.find((one) => one.messageId === messageId);
      return message ? withMessage(session, change(message)) : session;
    });
  }

  #holdWhile(isCatchingUp: boolean): void {
    clearTimeout(this.#hold);
    this.#isHolding = isCatchingUp && this.#state.project !== null;
    if (this.#isHolding) this.#hold = setTimeout(() => this.#holdWhile(false), LONGEST_HOLD_MS);
    else this.#tell();
  }

  #set(state: ProjectState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#tell();
  }

  #tell(): void {
    if (this.#isTelling || this.#isHolding) return;
    this.#isTelling = true;
    queueMicrotask(() => {
      this.#isTelling = false;
      for (const watcher of this.#watchers) watcher();
    });
  }
}

/** That the API says no, or cannot be reached, is part of life; anything else is a fault of this page. */
function throwUnlessCallFailed(error: unknown): asserts error is RefusedError | UnreachableError {
  if (!(error instanceof RefusedError || error instanceof UnreachableError)) throw error;
}

/** Whether the same call may well work a little later. */
function isPassing(error: RefusedError | UnreachableError): boolean {
  return error instanceof UnreachableError || error.status === 429 || error.status >= 500;
}

/** A version 4 UUID; also where the page is not a secure context. */
function uuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
