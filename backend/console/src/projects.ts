/**
 * The list of projects, kept up to date by polling: there are no events for it. It is read again after a change in any
 * tab of this browser, when the page becomes visible, and at intervals while it is visible.
 */

import { type ApiClient, type ListedProject, UnreachableError } from "@vibewire/client";

const MIN_INTERVAL_MS = 15_000;
// A slow list is read less often: the interval is at least so many times as long as the read.
const INTERVAL_PER_READ = 50;
const CHANNEL = "vibewire.projects";

export interface ProjectsState {
  /** Newest first; null until they have been read. */
  projects: readonly ListedProject[] | null;
  /** Why the last read failed; null: it did not. */
  error: unknown;
}

/** Keeps the list up to date from `open()` to `close()`; it can be opened again. */
export class ProjectsFeed {
  readonly #api: Pick<ApiClient, "listProjects">;
  readonly #watchers = new Set<() => void>();
  #state: ProjectsState = { projects: null, error: null };
  #tabs: BroadcastChannel | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #reading: Promise<void> | null = null;
  #mustReadAgain = false;

  constructor(api: Pick<ApiClient, "listProjects">) {
    this.#api = api;
  }

  /** A new object after every change, and only then. */
  get state(): ProjectsState {
    return this.#state;
  }

  /** Call back after each change. Returns a function that ends it. */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  open(): void {
    this.#tabs = new BroadcastChannel(CHANNEL);
    this.#tabs.addEventListener("message", () => void this.refresh());
    document.addEventListener("visibilitychange", this.#refreshIfVisible);
    void this.refresh();
  }

  close(): void {
    this.#tabs?.close();
    this.#tabs = null;
    document.removeEventListener("visibilitychange", this.#refreshIfVisible);
    clearTimeout(this.#timer);
  }

  /** Call this after this page has created, changed or deleted a project: notifies the other tabs and reads the list. */
  async changed(): Promise<void> {
    this.#tabs?.postMessage("changed");
    await this.refresh();
  }

  /** Read the list. Never rejects: see `state.error`. */
  refresh(): Promise<void> {
    // A read that has already started may return the list of before the change that this call is about.
    this.#mustReadAgain = true;
    this.#reading ??= this.#readUntilCurrent();
    return this.#reading;
  }

  readonly #refreshIfVisible = (): void => {
    if (document.visibilityState === "visible") void this.refresh();
  };

  async #readUntilCurrent(): Promise<void> {
    clearTimeout(this.#timer);
    const start = Date.now();
    while (this.#mustReadAgain) {
      this.#mustReadAgain = false;
      await this.#read();
    }
    this.#reading = null;
    if (!this.#tabs) return;
    // Randomized, so that open pages do not read in step.
    const interval = Math.max(MIN_INTERVAL_MS, INTERVAL_PER_READ * (Date.now() - start)) * (0.8 + 0.4 * Math.random());
    // A hidden page does not read, and so sets no further timer until it becomes visible.
    this.#timer = setTimeout(this.#refreshIfVisible, interval);
  }

  async #read(): Promise<void> {
    const { projects: known } = this.#state;
    try {
      const projects = await this.#api.listProjects();
      this.#set({ projects: isSame(known, projects) ? known : projects, error: null });
    } catch (error) {
      // The list stays and is read again soon. The header shows that there is no connection.
      if (known === null || !(error instanceof UnreachableError)) this.#set({ projects: known, error });
    }
  }

  #set(state: ProjectsState): void {
    if (state.projects === this.#state.projects && state.error === this.#state.error) return;
    this.#state = state;
    for (const watcher of this.#watchers) watcher();
  }
}

function isSame(known: readonly ListedProject[] | null, read: readonly ListedProject[]): boolean {
  return JSON.stringify(known) === JSON.stringify(read);
}
