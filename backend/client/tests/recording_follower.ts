/** A follower that records what it receives, and waiting for it with a deadline. */

import type { EventClient, Follower, SubscribeResult, VibewireEvent } from "../src/index.ts";

const DEADLINE_MS = 40_000;

/** Wait until the condition holds. `watch` calls back when it may have changed. */
export function until(condition: () => boolean, watch: (check: () => void) => () => void, what: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let stop = () => {};
    const done = (end: () => void) => {
      clearTimeout(deadline);
      stop();
      end();
    };
    const deadline = setTimeout(() => done(() => reject(new Error(`Timed out waiting for ${what}`))), DEADLINE_MS);
    const check = () => condition() && done(resolve);
    stop = watch(check);
    check();
  });
}

export class RecordingFollower implements Follower {
  readonly events: VibewireEvent[] = [];
  readonly subscriptions: SubscribeResult[] = [];
  accessLost: string | null = null;
  readonly #watchers = new Set<() => void>();

  onEvent(event: VibewireEvent): void {
    this.events.push(event);
    this.#notify();
  }

  onSubscribed(subscribed: SubscribeResult): void {
    this.subscriptions.push(subscribed);
    this.#notify();
  }

  onAccessLost(code: string): void {
    this.accessLost = code;
    this.#notify();
  }

  /** The `seq` of the logged events, in the order of delivery. */
  get seqs(): number[] {
    return this.events.flatMap((event) => ("seq" in event ? [event.seq] : []));
  }

  /** The newest event of a type. */
  last(type: VibewireEvent["type"]): VibewireEvent | undefined {
    return this.events.findLast((event) => event.type === type);
  }

  async until(condition: (follower: this) => boolean, what: string): Promise<void> {
    await until(
      () => condition(this),
      (check) => this.#watch(check),
      `${what}; received: ${this.events.map((one) => one.type)}`,
    );
  }

  #watch(check: () => void): () => void {
    this.#watchers.add(check);
    return () => this.#watchers.delete(check);
  }

  #notify(): void {
    for (const check of this.#watchers) check();
  }
}

export function live(events: EventClient): Promise<void> {
  return until(
    () => events.state === "live",
    (check) => events.watchState(check),
    "a live connection",
  );
}

/** 1, 2, 3 ... last */
export function numbersTo(last: number): number[] {
  return Array.from({ length: last }, (_, index) => index + 1);
}
