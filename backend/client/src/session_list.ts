/** Reads the list of a project's sessions, and of each new one whether it has open messages. */

import type { ApiClient } from "./api.ts";
import type { Session } from "./contract.ts";
import { nullIfCallFails } from "./http.ts";
import { mergeSession } from "./merge.ts";
import { isOpen } from "./project_state.ts";
import type { SessionReader } from "./session_reader.ts";
import type { StateStore } from "./state_store.ts";
import { withSession } from "./state_updates.ts";

const PREVIEW_MESSAGES = 5;
const PREVIEW_SESSIONS = 60;
const PREVIEW_CONCURRENCY = 4;

export class SessionList {
  readonly #api: ApiClient;
  readonly #store: StateStore;
  readonly #reader: SessionReader;
  #isReading = false;

  constructor(api: ApiClient, store: StateStore, reader: SessionReader) {
    this.#api = api;
    this.#store = store;
    this.#reader = reader;
  }

  /** Add the sessions that are new and mark those that were deleted. The previews stop when `isWanted` is false. */
  async read(projectId: string, isWanted: () => boolean): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      const listed = await this.#api.listSessions(projectId);
      const { sessions } = this.#store.state;
      const added = listed.filter((session) => !sessions.has(session.session_id));
      const ids = new Set(listed.map((session) => session.session_id));
      const deleted = [...sessions.values()].filter((one) => !ids.has(one.session.session_id));
      let state = added.reduce(mergeSession, this.#store.state);
      for (const session of deleted) state = withSession(state, { ...session, isDeleted: true });
      this.#store.set(state);
      // If a call fails, a session is not marked as running until its next event.
      void nullIfCallFails(this.#preview(added.slice(-PREVIEW_SESSIONS), isWanted));
    } finally {
      this.#isReading = false;
    }
  }

  /** Read the open messages of sessions that are not loaded, a few sessions at a time. */
  async #preview(sessions: Session[], isWanted: () => boolean): Promise<void> {
    const waiting = sessions.filter((session) => session.message_count > 0);
    const work = async () => {
      for (let session = waiting.pop(); session && isWanted(); session = waiting.pop()) {
        if (this.#store.session(session.session_id)?.loaded !== "none") continue;
        const page = await this.#api.listMessages(session.session_id, PREVIEW_MESSAGES);
        await this.#reader.mergeMessages(session.session_id, page.messages.filter(isOpen));
      }
    };
    await Promise.all(Array.from({ length: PREVIEW_CONCURRENCY }, work));
  }
}
