/** The `seq` of the newest event that was received, by session. */

// The relay's limit of sessions in `after`.
const MAX_AFTER = 200;

export class EventCursors {
  /** By session id; the sessions that received an event most recently are last. */
  readonly #lastSeq: Map<string, number>;

  constructor(after: Record<string, number>) {
    this.#lastSeq = new Map(Object.entries(after));
  }

  /** `after` of a subscription, and the least recent sessions, which do not fit in it and are truncated. */
  forSubscription(): { after: Record<string, number>; dropped: string[] } {
    const cursors = [...this.#lastSeq];
    return {
      after: Object.fromEntries(cursors.slice(-MAX_AFTER)),
      dropped: cursors.slice(0, -MAX_AFTER).map(([sessionId]) => sessionId),
    };
  }

  /** Move the cursor of a session to this event. Returns false if the event was received before. */
  accept(sessionId: string, seq: number): boolean {
    if (seq <= (this.#lastSeq.get(sessionId) ?? 0)) return false;
    this.#lastSeq.delete(sessionId); // inserted again as the most recent one
    this.#lastSeq.set(sessionId, seq);
    return true;
  }

  /** Remove the cursors of sessions that were deleted, or of which the log has fewer events than were received. */
  reset(sessionIds: Iterable<string>): void {
    for (const sessionId of sessionIds) this.#lastSeq.delete(sessionId);
  }

  advance(lastSeq: Record<string, number>): void {
    for (const [sessionId, seq] of Object.entries(lastSeq)) {
      this.#lastSeq.set(sessionId, Math.max(seq, this.#lastSeq.get(sessionId) ?? 0));
    }
  }
}
