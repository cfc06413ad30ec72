/** Holds the state of a project and notifies watchers of changes. */

import { EMPTY_PROJECT, type MessageState, type ProjectState, type SessionState } from "./project_state.ts";
import { withMessage, withSession } from "./state_updates.ts";

// While missed events are replayed, watchers are notified once, at its end, or after this time.
const MAX_PAUSE_MS = 1_500;

export class StateStore {
  readonly #watchers = new Set<() => void>();
  #state: ProjectState = EMPTY_PROJECT;
  #isNotifying = false;
  #isPaused = false;
  #pauseEnd: ReturnType<typeof setTimeout> | undefined;

  get state(): ProjectState {
    return this.#state;
  }

  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  set(state: ProjectState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#notify();
  }

  /** Set some fields of the project's state. */
  update(change: Partial<ProjectState>): void {
    this.set({ ...this.#state, ...change });
  }

  session(sessionId: string): SessionState | undefined {
    return this.#state.sessions.get(sessionId);
  }

  /** Change a session. Does nothing if it is not in the state. */
  changeSession(sessionId: string, change: (session: SessionState) => SessionState): void {
    const session = this.session(sessionId);
    if (session) this.set(withSession(this.#state, change(session)));
  }

  updateSession(sessionId: string, change: Partial<SessionState>): void {
    this.changeSession(sessionId, (session) => ({ ...session, ...change }));
  }

  /** Set some fields of a message. Does nothing if it is not in the state. */
  updateMessage(sessionId: string, messageId: string, change: Partial<MessageState>): void {
    this.changeSession(sessionId, (session) => {
      const message = session.messages.find((one) => one.messageId === messageId);
      return message ? withMessage(session, { ...message, ...change }) : session;
    });
  }

  /** Hold notifications back until this is called with false, so that a replay does not flicker. */
  pauseNotifications(isPaused: boolean): void {
    clearTimeout(this.#pauseEnd);
    this.#isPaused = isPaused && this.#state.project !== null;
    if (this.#isPaused) this.#pauseEnd = setTimeout(() => this.pauseNotifications(false), MAX_PAUSE_MS);
    else this.#notify();
  }

  #notify(): void {
    if (this.#isNotifying || this.#isPaused) return;
    this.#isNotifying = true;
    queueMicrotask(() => {
      this.#isNotifying = false;
      for (const watcher of this.#watchers) watcher();
    });
  }
}
