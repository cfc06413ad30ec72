import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { ApiClient, EventClient, ProjectFeed, RefusedError, type Session } from "../src/index.ts";
import { live, until } from "./recording_follower.ts";
import { VibewireProcess } from "./vibewire_process.ts";

const PROMPT = "Create a triage agent";
let server: VibewireProcess;
const closing: { close(): void }[] = [];

/** An API client whose calls named in `failing` fail, once for each entry. */
class FailingApi extends ApiClient {
  readonly failing: string[] = [];
  readonly calls: string[] = [];

  override async getProject(projectId: string, version?: number) {
    this.#failIfNamed("getProject");
    return super.getProject(projectId, version);
  }

  override async listSessions(projectId: string) {
    this.#failIfNamed("listSessions");
    return super.listSessions(projectId);
  }

  #failIfNamed(name: string): void {
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

async function newFeed() {
  const api = new FailingApi({ url: server.url });
  const { project_id: projectId } = await api.createProject("Customer support");
  const events = new EventClient({ url: server.url, maxRetryDelayMs: 500 });
  const feed = new ProjectFeed(api, events, projectId);
  closing.push(feed, events);
  return { api, events, feed };
}

function untilState(feed: ProjectFeed, condition: () => boolean, what: string): Promise<void> {
  return until(condition, (check) => feed.watch(check), what);
}

async function answered(feed: ProjectFeed, session: Session): Promise<void> {
  await feed.send(session.session_id, PROMPT);
  const messages = () => feed.state.sessions.get(session.session_id)?.messages ?? [];
  await untilState(feed, () => messages().at(-1)?.status === "completed", "the answer");
}

test("a feed and a connection that are opened, closed and opened again immediately are live", async () => {
  const { events, feed } = await newFeed();
  let notifications = 0;
  feed.watch(() => notifications++);
  for (const act of ["open", "close", "open"] as const) {
    feed[act]();
    events[act]();
  }
  await live(events);
  await answered(feed, await feed.startSession(null));
  expect(notifications).toBeGreaterThan(3);
});

test("a feed that is opened twice subscribes once, and a closed one receives nothing", async () => {
  const { api, events, feed } = await newFeed();
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
  await untilState(other, () => other.state.version === 3, "the new version");
  expect(feed.state.version).toBe(2);
});

test("a reopened feed catches up and continues", async () => {
  const { api, events, feed } = await newFeed();
  feed.open();
  await live(events);
  const session = await feed.startSession(null);
  feed.close();
  await api.sendMessage(session.session_id, crypto.randomUUID(), PROMPT);
  const messages = () => feed.state.sessions.get(session.session_id)?.messages ?? [];
  feed.open();
  await untilState(
    feed,
    () => messages()[0]?.status === "completed" && feed.state.project?.version === 2,
    "the answer",
  );
  await answered(feed, session);
  expect(messages()).toHaveLength(2);
});

test("a session that was loading when the feed was closed stops loading after it is reopened", async () => {
  const { events, feed } = await newFeed();
  feed.open();
  await live(events);
  const starting = feed.startSession(null);
  feed.close();
  feed.open();
  const session = await starting;
  await untilState(feed, () => feed.state.sessions.get(session.session_id)?.isLoading === false, "the end of loading");
});

test("a closed connection receives nothing, and a reopened one resumes after its last event", async () => {
  const { api, events, feed } = await newFeed();
  feed.open();
  await live(events);
  const session = await feed.startSession(null);
  events.close();
  await api.sendMessage(session.session_id, crypto.randomUUID(), PROMPT);
  expect(events.state).toBe("closed");
  events.open();
  const messages = () => feed.state.sessions.get(session.session_id)?.messages ?? [];
  await untilState(feed, () => messages()[0]?.status === "completed", "the answer");
  expect(messages()[0]?.iterations).toHaveLength(2);
});

test("an API that fails while the relay is connected is called again until the project is read", async () => {
  const { api, events, feed } = await newFeed();
  api.failing.push("getProject", "listSessions");
  feed.open();
  await live(events);
  await untilState(feed, () => feed.state.project !== null, "the project");
  await answered(feed, await feed.startSession(null));
});

test("a session that could not be listed on its first event is listed on the next one", async () => {
  const { api, events, feed } = await newFeed();
  feed.open();
  await live(events);
  api.failing.push("listSessions");
  const session = await api.startSession(feed.projectId, null);
  await api.sendMessage(session.session_id, crypto.randomUUID(), PROMPT);
  await untilState(feed, () => feed.state.sessions.has(session.session_id), "the session");
  await feed.loadSession(session.session_id);
  const messages = () => feed.state.sessions.get(session.session_id)?.messages ?? [];
  await untilState(feed, () => messages()[0]?.status === "completed", "the answer");
});

test("open and follow during a handshake do not start another one", async () => {
  const { project_id: projectId } = await new ApiClient({ url: server.url }).createProject("Customer support");
  let handshakes = 0;
  const events: EventClient = new EventClient({
    url: server.url,
    token: async () => {
      handshakes++;
      events.open();
      events.follow(projectId, { onEvent: () => {}, onSubscribed: () => {}, onAccessLost: () => {} });
      return null;
    },
  });
  closing.push(events);
  events.open();
  await live(events);
  expect(handshakes).toBe(1);
});
