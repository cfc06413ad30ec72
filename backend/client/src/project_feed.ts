/** The current state of one project: read from the API, kept up to date by its events. */

import type { ApiClient, ProjectChange } from "./api.ts";
import { applyEvent } from "./apply_event.ts";
import type { Project, Session, VibewireEvent } from "./contract.ts";
import type { EventClient, SubscribeResult } from "./event_client.ts";
import { isTransient, nullIfCallFails, RefusedError, rethrowUnlessCallFailed } from "./http.ts";
import { mergeMessage, mergeSession } from "./merge.ts";
import { Outbox } from "./outbox.ts";
import type { ProjectState } from "./project_state.ts";
import { SessionList } from "./session_list.ts";
import { SessionReader } from "./session_reader.ts";
import { StateStore } from "./state_store.ts";
import { withVersion } from "./state_updates.ts";

// The delay before the API is called again while the relay is connected: the first and the longest.
const RETRY_MS = [1_000, 30_000] as const;

/** Follows one project. Every method that calls the API rejects as ApiClient does. */
export class ProjectFeed {
  readonly #api: ApiClient;
  readonly #events: EventClient;
  readonly #store = new StateStore();
  readonly #reader: SessionReader;
  readonly #sessions: SessionList;
  readonly #outbox: Outbox;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #isOpen = false;
  #isReadingProject = false;
  #unwatch: (() => void) | undefined;

  constructor(
    api: ApiClient,
    events: EventClient,
    readonly projectId: string,
  ) {
    this.#api = api;
    this.#events = events;
    this.#reader = new SessionReader(api, this.#store);
    this.#sessions = new SessionList(api, this.#store, this.#reader);
    this.#outbox = new Outbox(api, this.#store);
  }

  /** A new object after every change, and only then. */
  get state(): ProjectState {
    return this.#store.state;
  }

  /** Call back after changes, once for those of one task. Returns a function that ends it. */
  watch(watcher: () => void): () => void {
    return this.#store.watch(watcher);
  }

  /** Subscribe to the project and read it, or catch up after `close()`. Safe to repeat. */
  open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    if (this.state.accessLost) this.#store.update({ accessLost: null });
    this.#unwatch = this.#events.watchState((state) => this.#store.pauseNotifications(state === "catching_up"));
    this.#events.follow(this.projectId, {
      onEvent: (event) => this.#apply(event),
      onSubscribed: (result) => this.#catchUp(result),
      onAccessLost: (code, detail) => this.#store.update({ accessLost: { code, detail } }),
    });
  }

  /** Unsubscribe from the project. Watchers stay, and are called again after `open()`. Safe to repeat. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#unwatch?.();
    clearTimeout(this.#retry);
    this.#store.pauseNotifications(false);
    this.#events.unfollow(this.projectId);
  }

  /** Start the session of the project or of a node, or retrieve the existing one, and load it. */
  async startSession(nodeId: string | null): Promise<Session> {
    const session = await this.#api.startSession(this.projectId, nodeId);
    this.#store.set(mergeSession(this.state, session));
    await this.loadSession(session.session_id);
    return session;
  }

  /** Read the newest messages of a session, and their events. Safe to repeat. */
  async loadSession(sessionId: string): Promise<void> {
    await this.#reader.load(sessionId);
  }

  /** Read the page of messages before those in the state. */
  async loadOlder(sessionId: string): Promise<void> {
    await this.#reader.loadOlder(sessionId);
  }

  /**
   * Send a prompt. It is in the state immediately. If the API cannot be reached it becomes `unsent` and is sent after
   * the next subscription, under the same message id, so that it runs once.
   */
  async send(sessionId: string, prompt: string): Promise<void> {
    await this.#outbox.send(sessionId, prompt);
  }

  /** Send an `unsent` message now. */
  async resend(sessionId: string, messageId: string): Promise<void> {
    await this.#outbox.resend(sessionId, messageId);
  }

  /** Remove an `unsent` message. */
  discard(sessionId: string, messageId: string): void {
    this.#outbox.discard(sessionId, messageId);
  }

  /** Request the cancellation of a message; an event confirms it. Safe to repeat. */
  async cancel(sessionId: string, messageId: string): Promise<void> {
    this.#store.updateMessage(sessionId, messageId, { isCancelling: true });
    try {
      const response = await this.#api.cancelMessage(messageId);
      this.#store.changeSession(sessionId, (session) => mergeMessage(session, response));
    } catch (error) {
      this.#store.updateMessage(sessionId, messageId, { isCancelling: false });
      throw error;
    }
  }

  /** Change the name, the members, or the code (with the `base_version` it was made from). */
  async updateProject(change: ProjectChange): Promise<Project> {
    const project = await this.#api.updateProject(this.projectId, change);
    this.#setProject(project);
    return project;
  }

  /** Delete a session. Another one may be started for the same node immediately. */
  async deleteSession(sessionId: string): Promise<void> {
    await this.#api.deleteSession(sessionId);
    this.#store.updateSession(sessionId, { isDeleted: true });
  }

  #apply(event: VibewireEvent): void {
    const before = this.state;
    this.#store.set(applyEvent(before, event));
    if (this.#isBehind()) void this.#readProject();
    if (event.session_id === null) return;
    // A session that was started by another client. If listing fails, the next event of the session repeats it.
    if (!before.sessions.has(event.session_id)) void nullIfCallFails(this.#readSessions());
    const session = this.#store.session(event.session_id);
    if (session !== before.sessions.get(event.session_id) && session?.uncounted.size) {
      void this.#reader.readUsage(event.session_id);
    }
    if (event.type !== "agent_iteration" && event.message_id !== null && "href" in event && event.href) {
      void this.#reader.readLongMessage(event.session_id, event.message_id);
    }
  }

  async #catchUp(result: SubscribeResult, retryMs: number = RETRY_MS[0]): Promise<void> {
    clearTimeout(this.#retry);
    for (const sessionId of result.deleted) this.#store.updateSession(sessionId, { isDeleted: true });
    try {
      const [project] = await Promise.all([this.#api.getProject(this.projectId), this.#readSessions()]);
      this.#setProject(project);
      // Not replayed: queued messages, truncated sessions, and what happened while the feed was closed.
      const stale = [...this.state.sessions.values()].filter((one) => !one.isDeleted && one.loaded !== "none");
      for (const { session } of stale) await this.#reader.readNewest(session.session_id);
    } catch (error) {
      rethrowUnlessCallFailed(error);
      if (error instanceof RefusedError && error.status === 404) {
        this.#store.update({ accessLost: { code: error.code, detail: error.detail } });
      } else if (isTransient(error)) {
        this.#catchUpLater(result, retryMs);
      }
    }
    this.#outbox.resendUnreached();
  }

  #catchUpLater(result: SubscribeResult, retryMs: number): void {
    if (!this.#isOpen) return;
    const next = Math.min(2 * retryMs, RETRY_MS[1]);
    this.#retry = setTimeout(() => void this.#catchUp(result, next), retryMs);
  }

  async #readSessions(): Promise<void> {
    await this.#sessions.read(this.projectId, () => this.#isOpen);
  }

  /** Whether an event has announced a newer version than the project in the state has. */
  #isBehind(): boolean {
    return this.state.version > (this.state.project?.version ?? 0);
  }

  async #readProject(): Promise<void> {
    if (this.#isReadingProject) return;
    this.#isReadingProject = true;
    try {
      for (let tries = 0; tries < 3 && this.#isBehind(); tries++) {
        // If it fails, the next event or subscription repeats it.
        const project = await nullIfCallFails(this.#api.getProject(this.projectId));
        if (!project) return;
        this.#setProject(project);
      }
    } finally {
      this.#isReadingProject = false;
    }
  }

  #setProject(project: Project): void {
    if (project.version < (this.state.project?.version ?? 0)) return;
    this.#store.set(withVersion({ ...this.state, project }, project.version));
  }
}
