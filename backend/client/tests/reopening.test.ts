import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { ApiClient, EventClient, ProjectFeed, RefusedError, type Session } from "../src/index.ts";
import { VibewireProcess } from "./vibewire_process.ts";
import { live, until } from "./watching.ts";

const PROMPT = "Create a triage agent";
let server: VibewireProcess;
const closing: { close(): void }[] = [];

/** An API that refuses what is named in `failing`, once for each time that it stands there. */
class FailingApi extends ApiClient {
  readonly failing: string[] = [];
  readonly calls: string[] = [];

  override async getProject(projectId: string, version?: number) {
    this.#pass("getProject");
    return super.getProject(projectId, version);
  }

  override async listSessions(projectId: string) {
    this.#pass("listSessions");
    return super.listSessions(projectId);
  }

  #pass(name: string): void {
    this.calls.push(name);
    const at = this.failing.indexOf(name);
    if (at < 0) return;
    this.failing.splice(at, 1);
    throw new RefusedError(503, "unavailable", "Not right now.");
  }
}

beforeAll(async () => {
  server = await new VibewireProcess().start();
});
afterAll(async () => server.close());
afterEach(() => {
  for (const one of closing.splice(0)) one.close();
});

async function unopened() {
  const api = new FailingApi({ url: server.url });
  const { project_id: projectId } = await api.createProject("Support desk");
  const events = new EventClient({ url: server.url, maxRetryDelayMs: 500 });
  const feed = new ProjectFeed(api, events, projectId);
  closing.push(feed, events);
  return { api, events, feed };
}

function reached(feed: ProjectFeed, condition: () => boolean, what: string): Promise<void> {
  return until(condition, (look) => feed.watch(look), what);
}

async function answered(feed: ProjectFeed, session: Session): Promise<void> {
  await feed.send(session.session_id, PROMPT);
  const messages = () => feed.state.sessions.get(session.session_id)?.messages ?? [];
  await reached(feed, () => messages().at(-1)?.status === "completed", "the answer");
}

test("a feed and a connection that are opened, closed and opened at once, as an effect that runs twice does, are live", async () => {
  const { events, feed } = await unopened();
  let told = 0;
  feed.watch(() => told++);
  for (const act of ["open", "close", "open"] as const) {
    feed[act]();
    events[act]();
  }
  await live(events);
  await answered(feed, await feed.startSession(null));
  expect(told).toBeGreaterThan(3);
});

test("a feed that is opened twice hears each event once, and one that is closed hears none", async () => {
  const { api, events, feed } = await unopened();
  feed.open();
  feed.open();
  await live(events);
  await answered(feed, await feed.startSession(null));
  expect(api.calls.filter((name) => name === "listSessions")).toHaveLength(1);
  feed.close();
  feed.close();
  await api.updateProject(feed.projectId, { code: "answer = 42\n", base_version: 2 });
  const other = new ProjectFeed(api, events, feed.projectId);
  closing.push(other);
  other.open();
  await reached(other, () => other.state.version === 3, "the new version");
  expect(feed.state.version).toBe(2);
});

test("a feed that is opened again reads what happened while it was closed, and goes on", async () => {
  const { api, events, feed } = await unopened();
  feed.open();
  await live(events);
  const session = await feed.startSession(null);
  feed.close();
  await api.sendMessage(session.session_id, crypto.randomUUID(), PROMPT);
  const messages = () => feed.state.sessions.get(session.session_id)?.messages ?? [];
  feed.open();
  await reached(feed, () => messages()[0]?.status === "completed" && feed.state.project?.version === 2, "the answer");
  await answered(feed, session);
  expect(messages()).toHaveLength(2);
});

test("what was being read when the feed was closed is not being read for ever after it is opened again", async () => {
  const { events, feed } = await unopened();
  feed.open();
  await live(events);
  const starting = feed.startSession(null);
  feed.close();
  feed.open();
  const session = await starting;
  await reached(feed, () => feed.state.sessions.get(session.session_id)?.isLoading === false, "the end of loading");
});

test("a connection that is closed hears nothing, and opened again it hears what it follows from where it was", async () => {
  const { api, events, feed } = await unopened();
  feed.open();
  await live(events);
  const session = await feed.startSession(null);
  events.close();
  await api.sendMessage(session.session_id, crypto.randomUUID(), PROMPT);
  expect(events.state).toBe("closed");
  events.open();
  const messages = () => feed.state.sessions.get(session.session_id)?.messages ?? [];
  await reached(feed, () => messages()[0]?.status === "completed", "the answer");
  expect(messages()[0]?.iterations).toHaveLength(2);
});

test("an API that fails while the relay is heard is asked again, until the project is there", async () => {
  const { api, events, feed } = await unopened();
  api.failing.push("getProject", "listSessions");
  feed.open();
  await live(events);
  await reached(feed, () => feed.state.project !== null, "the project");
  await answered(feed, await feed.startSession(null));
});

test("a session that could not be listed when it was first heard of is listed with its next event", async () => {
  const { api, events, feed } = await unopened();
  feed.open();
  await live(events);
  api.failing.push("listSessions");
  const session = await api.startSession(feed.projectId, null);
  await api.sendMessage(session.session_id, crypto.randomUUID(), PROMPT);
  await reached(feed, () => feed.state.sessions.has(session.session_id), "the session");
  await feed.loadSession(session.session_id);
  const messages = () => feed.state.sessions.get(session.session_id)?.messages ?? [];
  await reached(feed, () => messages()[0]?.status === "completed", "the answer");
});

test("who opens or follows while the connection is on its way does not knock twice", async () => {
  const { project_id: projectId } = await new ApiClient({ url: server.url }).createProject("Support desk");
  let asked = 0;
  const events: EventClient = new EventClient({
    url: server.url,
    token: async () => {
      asked++;
      events.open();
      events.follow(projectId, { onEvent: () => {}, onSubscribed: () => {}, onAccessLost: () => {} });
      return null;
    },
  });
  closing.push(events);
  events.open();
  await live(events);
  expect(asked).toBe(1);
});
