import { type ListedProject, RefusedError, UnreachableError } from "@vibewire/client";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ProjectsFeed } from "../src/projects.ts";

const LONGER_THAN_AN_INTERVAL_MS = 20_000;
const opened: ProjectsFeed[] = [];
const page = Object.assign(new EventTarget(), { visibilityState: "visible" });

/** An API that returns one list of projects. */
function server(...names: string[]) {
  const answer = { names, reads: 0, error: null as Error | null };
  const listProjects = async () => {
    answer.reads++;
    const { names, error } = answer;
    await Promise.resolve(); // later changes are not in this response
    if (error) throw error;
    return names.map((name) => ({ project_id: name, name })) as ListedProject[];
  };
  return { answer, listProjects };
}

function tab(api: { listProjects: () => Promise<ListedProject[]> }) {
  const feed = new ProjectsFeed(api);
  opened.push(feed);
  feed.open();
  return { feed, names: () => feed.state.projects?.map((project) => project.name) };
}

function setVisibility(visibilityState: "visible" | "hidden"): void {
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

test("a change in one tab is shown in the other tabs immediately", async () => {
  const api = server("a");
  const [one, other] = [tab(api), tab(api)];
  await vi.waitFor(() => expect(other.names()).toEqual(["a"]));
  api.answer.names = ["b", "a"];
  await one.feed.changed();
  expect(one.names()).toEqual(["b", "a"]);
  await vi.waitFor(() => expect(other.names()).toEqual(["b", "a"]));
});

test("a change by another user is shown after an interval while the page is visible", async () => {
  vi.useFakeTimers();
  const api = server("a");
  const one = tab(api);
  await vi.advanceTimersByTimeAsync(0);
  api.answer.names = ["b"];
  await vi.advanceTimersByTimeAsync(LONGER_THAN_AN_INTERVAL_MS);
  expect(one.names()).toEqual(["b"]);

  setVisibility("hidden");
  await vi.advanceTimersByTimeAsync(LONGER_THAN_AN_INTERVAL_MS);
  const { reads } = api.answer;
  api.answer.names = ["c"];
  await vi.advanceTimersByTimeAsync(100 * LONGER_THAN_AN_INTERVAL_MS);
  expect(api.answer.reads).toBe(reads);
  setVisibility("visible");
  await vi.advanceTimersByTimeAsync(0);
  expect(one.names()).toEqual(["c"]);
  api.answer.names = ["d"];
  await vi.advanceTimersByTimeAsync(LONGER_THAN_AN_INTERVAL_MS);
  expect(one.names()).toEqual(["d"]);
});

test("a list that was read before a change is read again", async () => {
  const api = server("a");
  const one = tab(api); // starts to read
  api.answer.names = ["b"];
  await one.feed.changed();
  expect(one.names()).toEqual(["b"]);
});

test("a slow list is read less often", async () => {
  vi.useFakeTimers();
  let reads = 0;
  tab({
    listProjects: async () => {
      reads++;
      await new Promise((done) => setTimeout(done, 2_000));
      return [];
    },
  });
  await vi.advanceTimersByTimeAsync(4 * LONGER_THAN_AN_INTERVAL_MS);
  expect(reads).toBe(1);
});

test("watchers are called after changes only", async () => {
  const api = server("a");
  const one = tab(api);
  await one.feed.refresh();
  const watcher = vi.fn();
  one.feed.watch(watcher);
  await one.feed.refresh();
  expect(watcher).not.toHaveBeenCalled();
  api.answer.names = [];
  await one.feed.refresh();
  expect(watcher).toHaveBeenCalledOnce();
});

test("the list stays while the API is unreachable, and a refusal is shown", async () => {
  const api = server("a");
  api.answer.error = new UnreachableError("away");
  const one = tab(api);
  await one.feed.refresh();
  expect(one.feed.state).toEqual({ projects: null, error: api.answer.error });
  api.answer.error = null;
  await one.feed.refresh();
  api.answer.error = new UnreachableError("away again");
  await one.feed.refresh();
  expect(one.feed.state.error).toBeNull();
  api.answer.error = new RefusedError(401, "invalid_token", "No.");
  await one.feed.refresh();
  expect(one.names()).toEqual(["a"]);
  expect(one.feed.state.error).toBe(api.answer.error);
});

test("a closed list is not read", async () => {
  vi.useFakeTimers();
  const api = server("a");
  const one = tab(api);
  await vi.advanceTimersByTimeAsync(0);
  one.feed.close();
  await vi.advanceTimersByTimeAsync(10 * LONGER_THAN_AN_INTERVAL_MS);
  setVisibility("visible");
  expect(api.answer.reads).toBe(1);
});
