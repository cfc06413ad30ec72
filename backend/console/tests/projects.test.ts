import { type ListedProject, RefusedError, UnreachableError } from "@vibewire/client";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ProjectsFeed } from "../src/projects.ts";

const LONGER_THAN_A_PAUSE_MS = 20_000;
const opened: ProjectsFeed[] = [];
const page = Object.assign(new EventTarget(), { visibilityState: "visible" });

/** An API with one list for everybody. */
function server(...names: string[]) {
  const told = { names, reads: 0, error: null as Error | null };
  const listProjects = async () => {
    told.reads++;
    const { names, error } = told;
    await Promise.resolve(); // a change from here on is not in this answer
    if (error) throw error;
    return names.map((name) => ({ project_id: name, name })) as ListedProject[];
  };
  return { told, listProjects };
}

function tab(api: { listProjects: () => Promise<ListedProject[]> }) {
  const feed = new ProjectsFeed(api);
  opened.push(feed);
  feed.open();
  return { feed, names: () => feed.state.projects?.map((project) => project.name) };
}

function turnTo(visibilityState: "visible" | "hidden"): void {
  page.visibilityState = visibilityState;
  page.dispatchEvent(new Event("visibilitychange"));
}

beforeEach(() => {
  vi.stubGlobal("document", page);
  page.visibilityState = "visible";
});
afterEach(() => {
  for (const feed of opened.splice(0)) feed.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("what one tab has changed is in the other tabs at once", async () => {
  const api = server("a");
  const [one, other] = [tab(api), tab(api)];
  await vi.waitFor(() => expect(other.names()).toEqual(["a"]));
  api.told.names = ["b", "a"];
  await one.feed.changed();
  expect(one.names()).toEqual(["b", "a"]);
  await vi.waitFor(() => expect(other.names()).toEqual(["b", "a"]));
});

test("what somebody else has changed is there after a pause, as long as the page is in sight", async () => {
  vi.useFakeTimers();
  const api = server("a");
  const one = tab(api);
  await vi.advanceTimersByTimeAsync(0);
  api.told.names = ["b"];
  await vi.advanceTimersByTimeAsync(LONGER_THAN_A_PAUSE_MS);
  expect(one.names()).toEqual(["b"]);

  turnTo("hidden");
  await vi.advanceTimersByTimeAsync(LONGER_THAN_A_PAUSE_MS);
  const { reads } = api.told;
  api.told.names = ["c"];
  await vi.advanceTimersByTimeAsync(100 * LONGER_THAN_A_PAUSE_MS);
  expect(api.told.reads).toBe(reads);
  turnTo("visible");
  await vi.advanceTimersByTimeAsync(0);
  expect(one.names()).toEqual(["c"]);
  api.told.names = ["d"];
  await vi.advanceTimersByTimeAsync(LONGER_THAN_A_PAUSE_MS);
  expect(one.names()).toEqual(["d"]);
});

test("a change is not answered by a list that was read before it", async () => {
  const api = server("a");
  const one = tab(api); // begins to read
  api.told.names = ["b"];
  await one.feed.changed();
  expect(one.names()).toEqual(["b"]);
});

test("a list that takes long to read is read less often", async () => {
  vi.useFakeTimers();
  let reads = 0;
  tab({
    listProjects: async () => {
      reads++;
      await new Promise((done) => setTimeout(done, 2_000));
      return [];
    },
  });
  await vi.advanceTimersByTimeAsync(4 * LONGER_THAN_A_PAUSE_MS);
  expect(reads).toBe(1);
});

test("watchers are told of changes only", async () => {
  const api = server("a");
  const one = tab(api);
  await one.feed.refresh();
  const told = vi.fn();
  one.feed.watch(told);
  await one.feed.refresh();
  expect(told).not.toHaveBeenCalled();
  api.told.names = [];
  await one.feed.refresh();
  expect(told).toHaveBeenCalledOnce();
});

test("a list that is there stays while nobody answers; a refusal is told", async () => {
  const api = server("a");
  api.told.error = new UnreachableError("away");
  const one = tab(api);
  await one.feed.refresh();
  expect(one.feed.state).toEqual({ projects: null, error: api.told.error });
  api.told.error = null;
  await one.feed.refresh();
  api.told.error = new UnreachableError("away again");
  await one.feed.refresh();
  expect(one.feed.state.error).toBeNull();
  api.told.error = new RefusedError(401, "invalid_token", "No.");
  await one.feed.refresh();
  expect(one.names()).toEqual(["a"]);
  expect(one.feed.state.error).toBe(api.told.error);
});

test("a list that was closed reads no more", async () => {
  vi.useFakeTimers();
  const api = server("a");
  const one = tab(api);
  await vi.advanceTimersByTimeAsync(0);
  one.feed.close();
  await vi.advanceTimersByTimeAsync(10 * LONGER_THAN_A_PAUSE_MS);
  turnTo("visible");
  expect(api.told.reads).toBe(1);
});
