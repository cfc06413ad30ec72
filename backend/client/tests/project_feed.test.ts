import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { ApiClient, EventClient, isOpen, type MessageState, ProjectFeed, sessionTokens } from "../src/index.ts";
import { live, until } from "./recording_follower.ts";
import { VibewireProcess } from "./vibewire_process.ts";

let server: VibewireProcess;
const closing: { close(): void }[] = [];

beforeAll(async () => {
  server = await new VibewireProcess().start();
});
afterAll(async () => server.close());
afterEach(() => {
  for (const one of closing.splice(0)) one.close();
});

async function watchProject(projectId?: string): Promise<{ feed: ProjectFeed; events: EventClient; api: ApiClient }> {
  const api = new ApiClient({ url: server.url });
  const id = projectId ?? (await api.createProject("Customer support")).project_id;
  const events = new EventClient({ url: server.url, maxRetryDelayMs: 500 });
  const feed = new ProjectFeed(api, events, id);
  closing.push(feed, events);
  feed.open();
  await live(events);
  return { feed, events, api };
}

function messages(feed: ProjectFeed, sessionId: string): readonly MessageState[] {
  return feed.state.sessions.get(sessionId)?.messages ?? [];
}

function untilState(feed: ProjectFeed, condition: () => boolean, what: string): Promise<void> {
  return until(condition, (check) => feed.watch(check), what);
}

test("two users of a project see the same conversation, tokens, version and nodes", async () => {
  const { feed: mine } = await watchProject();
  const { feed: theirs } = await watchProject(mine.projectId);
  const { session_id: sessionId } = await mine.startSession(null);
  await mine.send(sessionId, "Create a triage agent");
  expect(mine.state.sessions.get(sessionId)?.messages).toHaveLength(1);
  for (const feed of [mine, theirs]) {
    await untilState(feed, () => feed.state.project?.version === 2, "version 2");
    await untilState(feed, () => messages(feed, sessionId)[0]?.status === "completed", "the answer");
  }
  await theirs.loadSession(sessionId);
  const total = (feed: ProjectFeed) => {
    const session = feed.state.sessions.get(sessionId);
    return session ? sessionTokens(session).total_tokens : 0;
  };
  await untilState(mine, () => total(mine) === total(theirs) && total(mine) > 0, "the same tokens");
  const [here, there] = [messages(mine, sessionId)[0], messages(theirs, sessionId)[0]];
  expect(there?.iterations).toEqual(here?.iterations);
  expect(there?.iterations).toHaveLength(2);
  expect(mine.state.project?.nodes.map((node) => node.name)).toContain("triage_agent");
});

test("a queued message is visible to every user, and any of them can cancel it", async () => {
  const { feed } = await watchProject();
  const { session_id: sessionId } = await feed.startSession(null);
  await Promise.all([feed.send(sessionId, "Create a triage agent"), feed.send(sessionId, "Make it Spanish")]);
  const { feed: other } = await watchProject(feed.projectId);
  await untilState(other, () => messages(other, sessionId).length > 0, "the open messages");
  await other.loadSession(sessionId);
  const waiting = messages(other, sessionId).find((one) => one.status === "queued");
  if (waiting) await other.cancel(sessionId, waiting.messageId);
  await untilState(feed, () => messages(feed, sessionId).every((one) => !isOpen(one)), "the end of both messages");
  expect(messages(feed, sessionId).map((one) => one.number)).toEqual([1, 2]);
  expect(messages(feed, sessionId)[0]?.status).toBe("completed");
});

test("a prompt that is sent while the server is down runs once after its restart", async () => {
  const killed = await new VibewireProcess().start();
  try {
    const api = new ApiClient({ url: killed.url });
    const { project_id: projectId } = await api.createProject("Customer support");
    const events = new EventClient({ url: killed.url, maxRetryDelayMs: 500 });
    const feed = new ProjectFeed(api, events, projectId);
    closing.push(feed, events);
    feed.open();
    await live(events);
    const { session_id: sessionId } = await feed.startSession(null);
    await killed.kill();
    await feed.send(sessionId, "Create a triage agent");
    expect(messages(feed, sessionId)[0]).toMatchObject({ status: "unsent", error: { code: "unreachable" } });
    await killed.start();
    await untilState(feed, () => messages(feed, sessionId)[0]?.status === "completed", "the answer");
    expect((await api.listMessages(sessionId, 10)).count).toBe(1);
  } finally {
    await killed.close();
  }
});

test("deleting a session and editing the code reach every client", async () => {
  const { feed } = await watchProject();
  const { feed: other } = await watchProject(feed.projectId);
  const { session_id: sessionId } = await feed.startSession(null);
  await feed.deleteSession(sessionId);
  await other.updateProject({ code: "answer = 42\n", base_version: 1 });
  await untilState(feed, () => feed.state.project?.code === "answer = 42\n", "the new code");
  await expect(feed.updateProject({ code: "answer = 43\n", base_version: 1 })).rejects.toMatchObject({
    code: "stale_version",
  });
  expect([...other.state.sessions.values()].every((session) => session.isDeleted)).toBe(true);
});
