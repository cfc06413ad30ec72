/**
 * The list of projects, kept up to date. Events tell only of a project that one follows: so the list is read again when
 * a tab of this browser has changed something, when the page comes into sight, and now and then while it is in sight.
 */

import { type ApiClient, type ListedProject, UnreachableError } from "@vibewire/client";

const PAUSE_MS = 15_000;
// A list that takes long to read is read less often: reading takes at most so much of the time.
const PAUSES_PER_READ = 50;
const CHANNEL = "vibewire.projects";

export interface ProjectsState {
  /** Newest first; null until they have been read. */
  projects: readonly ListedProject[] | null;
  /** Why they could not be read. */
  error: unknown;
}

/** Watches the list. `open()` begins, `close()` ends it; it may be opened again. */
export class ProjectsFeed {
  readonly #api: Pick<ApiClient, "listProjects">;
  readonly #watchers = new Set<() => void>();
  #state: ProjectsState = { projects: null, error: null };
  #tabs: BroadcastChannel | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #reading: Promise<void> | null = null;
  #isAskedAgain = false;

  constructor(api: Pick<ApiClient, "listProjects">) {
    this.#api = api;
  }

  /** What is known now. A new object whenever something has changed, and only then. */
  get state(): ProjectsState {
    return this.#state;
  }

  /** Be told after each change. Returns what ends it. */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  open(): void {
    this.#tabs = new BroadcastChannel(CHANNEL);
    this.#tabs.addEventListener("message", () => void this.refresh());
    document.addEventListener("visibilitychange", this.#look);
    void this.refresh();
  }

  close(): void {
    this.#tabs?.close();
    this.#tabs = null;
    document.removeEventListener("visibilitychange", this.#look);
    clearTimeout(this.#timer);
  }

  /** This page has created, changed or deleted a project: the other tabs are told, and the list is read. */
  async changed(): Promise<void> {
    this.#tabs?.postMessage("changed");
    await this.refresh();
  }

  /** Read the list. Never rejects: `state.error` has what went wrong. */
  refresh(): Promise<void> {
    // An answer that is already on its way may be older than the change that this call is about.
    this.#isAskedAgain = true;
    this.#reading ??= this.#readUntilFresh();
    return this.#reading;
  }

  readonly #look = (): void => {
    if (document.visibilityState === "visible") void this.refresh();
  };

  async #readUntilFresh(): Promise<void> {
    clearTimeout(this.#timer);
    const began = Date.now();
    while (this.#isAskedAgain) {
      this.#isAskedAgain = false;
      await this.#read();
    }
    this.#reading = null;
    if (!this.#tabs) return;
    // Not all pages at the same moment.
    const pause = Math.max(PAUSE_MS, PAUSES_PER_READ * (Date.now() - began)) * (0.8 + 0.4 * Math.random());
    // Out of sight nothing is read, and nothing is planned: coming into sight begins it again.
    this.#timer = setTimeout(this.#look, pause);
  }

  async #read(): Promise<void> {
    const { projects: known } = this.#state;
    try {
      const projects = await this.#api.listProjects();
      this.#set({ projects: isSame(known, projects) ? known : projects, error: null });
    } catch (error) {
      // A list that is there stays, and is read again soon; that there is no connection is said elsewhere.
      if (known === null || !(error instanceof UnreachableError)) this.#set({ projects: known, error });
    }
  }

  #set(state: ProjectsState): void {
    if (state.projects === this.#state.projects && state.error === this.#state.error) return;
    this.#state = state;
    for (const watcher of this.#watchers) watcher();
  }
}

function isSame(known: readonly ListedProject[] | null, told: readonly ListedProject[]): boolean {
  return JSON.stringify(known) === JSON.stringify(told);
}
