/** Waiting for what the client tells, with a deadline. */

import type { EventClient, Follower, Subscribed, VibewireEvent } from "../src/index.ts";

const DEADLINE_MS = 40_000;

/** Wait until the condition holds; `watch` calls back whenever it is worth to look again. */
export function until(condition: () => boolean, watch: (look: () => void) => () => void, what: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let stop = () => {};
    const done = (end: () => void) => {
      clearTimeout(deadline);
      stop();
      end();
    };
    const deadline = setTimeout(() => done(() => reject(new Error(`Not in time: ${what}`))), DEADLINE_MS);
    const look = () => condition() && done(resolve);
    stop = watch(look);
    look();
  });
}

/** Follows a project and notes all that it hears. */
export class NotingFollower implements Follower {
  readonly events: VibewireEvent[] = [];
  readonly subscriptions: Subscribed[] = [];
  accessLost: string | null = null;
  readonly #looks = new Set<() => void>();

  onEvent(event: VibewireEvent): void {
    this.events.push(event);
    this.#look();
  }

  onSubscribed(subscribed: Subscribed): void {
    this.subscriptions.push(subscribed);
    this.#look();
  }

  onAccessLost(code: string): void {
    this.accessLost = code;
    this.#look();
  }

  /** The numbers of the logged events, as heard. */
  get seqs(): number[] {
    return this.events.flatMap((event) => ("seq" in event ? [event.seq] : []));
  }

  heard(type: VibewireEvent["type"]): VibewireEvent | undefined {
    return this.events.findLast((event) => event.type === type);
  }

  async until(condition: (follower: this) => boolean, what: string): Promise<void> {
    await until(
      () => condition(this),
      (look) => this.#watch(look),
      `${what}; heard: ${this.events.map((one) => one.type)}`,
    );
  }

  #watch(look: () => void): () => void {
    this.#looks.add(look);
    return () => this.#looks.delete(look);
  }

  #look(): void {
    for (const look of this.#looks) look();
  }
}

export function live(events: EventClient): Promise<void> {
  return until(
    () => events.state === "live",
    (look) => events.watchState(look),
    "live",
  );
}

/** 1, 2, 3 ... */
export function numbersTo(last: number): number[] {
  return Array.from({ length: last }, (_, index) => index + 1);
}
