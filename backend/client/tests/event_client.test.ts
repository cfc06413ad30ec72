import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { ApiClient, EventClient } from "../src/index.ts";
import { live, numbersTo, RecordingFollower, until } from "./recording_follower.ts";
import { TokenIssuer } from "./token_issuer.ts";
import { VibewireProcess } from "./vibewire_process.ts";

const PROMPT = "Create a triage agent";
const clients: EventClient[] = [];
let server: VibewireProcess;
let api: ApiClient;

beforeAll(async () => {
  server = await new VibewireProcess().start();
  api = new ApiClient({ url: server.url });
});
afterAll(async () => server.close());
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

function connect(url: string, token?: ConstructorParameters<typeof EventClient>[0]["token"]): EventClient {
  const client = new EventClient({ url, ...(token ? { token } : {}), maxRetryDelayMs: 500 });
  clients.push(client);
  return client;
}

async function newSession(from = api): Promise<{ projectId: string; sessionId: string }> {
  const { project_id: projectId } = await from.createProject("Customer support");
  const { session_id: sessionId } = await from.startSession(projectId, null);
  return { projectId, sessionId };
}

test("a follower receives each event of a turn once and in order", async () => {
  const { projectId, sessionId } = await newSession();
  const follower = new RecordingFollower();
  const client = connect(server.url);
  client.follow(projectId, follower);
  await live(client);
  await api.sendMessage(sessionId, crypto.randomUUID(), PROMPT);
  await follower.until((one) => one.last("code_changed") !== undefined, "the new code");
  expect(follower.seqs).toEqual(numbersTo(7));
  expect(new Set(follower.events.map((event) => event.type))).toEqual(
    new Set([
      ...["message_queued", "message_started", "text_delta", "token_usage"],
      ...["agent_iteration", "vibecode_response", "code_changed"],
    ]),
  );
});

test("a new subscriber gets the events after the seq that it names", async () => {
  const { projectId, sessionId } = await newSession();
  const first = new RecordingFollower();
  connect(server.url).follow(projectId, first);
  await first.until((one) => one.subscriptions.length === 1, "the first is subscribed");
  await api.sendMessage(sessionId, crypto.randomUUID(), PROMPT);
  await first.until((one) => one.last("vibecode_response") !== undefined, "the answer");
  const second = new RecordingFollower();
  connect(server.url).follow(projectId, second, { [sessionId]: 3 });
  await second.until((one) => one.subscriptions.length === 1, "the second is subscribed");
  expect(second.seqs).toEqual([4, 5, 6, 7]);
});

test("a session whose log is shorter than the client expects is truncated and followed from the log's end", async () => {
  const { projectId, sessionId } = await newSession();
  const follower = new RecordingFollower();
  connect(server.url).follow(projectId, follower, { [sessionId]: 1_000 });
  await follower.until((one) => one.subscriptions.length === 1, "subscribed");
  expect(follower.subscriptions[0]?.truncated).toEqual([sessionId]);
  await api.sendMessage(sessionId, crypto.randomUUID(), PROMPT);
  await follower.until((one) => one.last("vibecode_response") !== undefined, "the answer");
  expect(follower.seqs).toEqual(numbersTo(7));
});

test("a session that was deleted before the subscription is in `deleted`, a later one sends an event", async () => {
  const { projectId, sessionId } = await newSession();
  await api.deleteSession(sessionId);
  const { session_id: next } = await api.startSession(projectId, null);
  const follower = new RecordingFollower();
  connect(server.url).follow(projectId, follower, { [sessionId]: 0 });
  await follower.until((one) => one.subscriptions.length === 1, "subscribed");
  expect(follower.subscriptions[0]?.deleted).toEqual([sessionId]);
  await api.deleteSession(next);
  await follower.until((one) => one.last("session_deleted")?.session_id === next, "the deletion");
});

test("a project that does not exist is refused with project_not_found", async () => {
  const follower = new RecordingFollower();
  connect(server.url).follow(crypto.randomUUID(), follower);
  await follower.until((one) => one.accessLost === "project_not_found", "the refusal");
});

test("a server that is killed in mid-turn and restarted loses no event and repeats none", async () => {
  const killed = await new VibewireProcess().start();
  try {
    const { projectId, sessionId } = await newSession(new ApiClient({ url: killed.url }));
    const follower = new RecordingFollower();
    const client = connect(killed.url);
    client.follow(projectId, follower);
    await live(client);
    await new ApiClient({ url: killed.url }).sendMessage(sessionId, crypto.randomUUID(), PROMPT);
    await follower.until((one) => one.last("token_usage") !== undefined, "the first response");
    await killed.kill();
    expect(follower.last("vibecode_response")).toBeUndefined();
    await killed.start();
    await follower.until((one) => one.last("vibecode_response") !== undefined, "the answer");
    expect(follower.last("vibecode_response")?.attempt).toBe(2);
    expect(follower.seqs).toEqual(numbersTo(follower.seqs.length));
    expect(follower.events.filter((event) => event.type === "vibecode_response")).toHaveLength(1);
    await live(client);
  } finally {
    await killed.close();
  }
});

test("an expired token is renewed during a conversation without a missed event", async () => {
  const issuer = await new TokenIssuer().start();
  const guarded = await new VibewireProcess(issuer.settings()).start();
  try {
    const owner = new ApiClient({ url: guarded.url, token: async () => issuer.token("ana") });
    const { projectId, sessionId } = await newSession(owner);
    const reasons: string[] = [];
    const client = connect(guarded.url, async (why) => {
      reasons.push(why);
      if (reasons.length === 2) return "expired"; // still cached by a page
      return issuer.token("ana", 3);
    });
    const follower = new RecordingFollower();
    client.follow(projectId, follower);
    await live(client);
    await follower.until((one) => one.subscriptions.length === 2, "subscribed again, with a new token");
    expect(reasons.slice(0, 3)).toEqual(["needed", "needed", "refused"]);
    await owner.sendMessage(sessionId, crypto.randomUUID(), PROMPT);
    await follower.until((one) => one.last("vibecode_response") !== undefined, "the answer");
    expect(follower.seqs).toEqual(numbersTo(7));
  } finally {
    await guarded.close();
    issuer.close();
  }
});

test("a client without a token is signed out, and a removed member loses access", async () => {
  const issuer = await new TokenIssuer().start();
  const guarded = await new VibewireProcess(issuer.settings()).start();
  try {
    const signedOut = connect(guarded.url, async () => null);
    signedOut.follow(crypto.randomUUID(), new RecordingFollower());
    await until(
      () => signedOut.state === "signed_out",
      (check) => signedOut.watchState(check),
      "signed out",
    );

    const owner = new ApiClient({ url: guarded.url, token: async () => issuer.token("ana") });
    const { projectId } = await newSession(owner);
    await owner.updateProject(projectId, { members: ["ben"] });
    const follower = new RecordingFollower();
    connect(guarded.url, async () => issuer.token("ben")).follow(projectId, follower);
    await follower.until((one) => one.subscriptions.length === 1, "subscribed");
    await owner.updateProject(projectId, { members: [] });
    await follower.until((one) => one.accessLost === "access_lost", "the loss of access");
  } finally {
    await guarded.close();
    issuer.close();
  }
});

test("while the issuer's keys cannot be fetched, a client keeps its token and reconnects", async () => {
  const issuer = await new TokenIssuer().start();
  issuer.fails = true;
  const guarded = await new VibewireProcess(issuer.settings()).start();
  try {
    const reasons: string[] = [];
    const client = connect(guarded.url, async (why) => {
      reasons.push(why);
      if (reasons.length === 4) issuer.fails = false;
      return issuer.token("ana");
    });
    const follower = new RecordingFollower();
    client.follow(crypto.randomUUID(), follower);
    await follower.until((one) => one.accessLost === "project_not_found", "an answer to its subscription");
    expect(new Set(reasons)).toEqual(new Set(["needed"]));
    expect(reasons.length).toBeGreaterThanOrEqual(4);
  } finally {
    await guarded.close();
    issuer.close();
  }
});
