import { expect, test } from "vitest";
import type { ApiClient, EventClient, Message, MessageState, VibewireEvent } from "../src/index.ts";
import { NO_TOKENS, ProjectFeed } from "../src/index.ts";

const MESSAGES = 70;
const ITERATIONS = 6;
const EVENTS_PER_MESSAGE = 2 + ITERATIONS;
const TIME = "2026-11-23T10:00:00Z";
const SESSION = {
  ...{ session_id: "s", project_id: "p", session_type: "global", node_id: null, openai_session_key: "project_p" },
  ...{ message_count: MESSAGES, last_seq: MESSAGES * EVENTS_PER_MESSAGE, token_usage: NO_TOKENS, created_at: TIME },
};

/** An API with a long conversation whose log starts at `firstKept`. */
class LongConversation {
  eventPages = 0;

  constructor(readonly firstKept = 1) {}

  async startSession() {
    return SESSION;
  }

  async getSession() {
    return SESSION;
  }

  async listMessages(_sessionId: string, limit: number, cursor?: string | null) {
    const newest = cursor ? Number(cursor) : MESSAGES;
    const numbers = Array.from({ length: Math.min(limit, newest) }, (_, at) => newest - at);
    const left = newest - numbers.length;
    return { session_id: "s", messages: numbers.map(ended), count: MESSAGES, next_cursor: left ? String(left) : null };
  }

  async listEvents(_sessionId: string, after: number, limit: number) {
    this.eventPages++;
    const first = Math.max(after + 1, this.firstKept);
    const length = Math.max(0, Math.min(limit, SESSION.last_seq - first + 1));
    const events = Array.from({ length }, (_, at) => eventOf(first + at));
    return { session_id: "s", events, last_seq: SESSION.last_seq, truncated: after + 1 < this.firstKept };
  }
}

function ended(number: number): Message {
  return {
    ...{ message_id: `m${number}`, session_id: "s", project_id: "p", number, prompt: "Do it", status: "completed" },
    ...{ content: "Done", patch: "", base_version: 1, version: 1, token_usage: NO_TOKENS, model: "m" },
    ...{ iterations: 3, attempt: 1, error: null, created_at: TIME, completed_at: TIME, href: null },
  };
}

function eventOf(seq: number): VibewireEvent {
  const [turn, at] = [Math.floor((seq - 1) / EVENTS_PER_MESSAGE), (seq - 1) % EVENTS_PER_MESSAGE];
  const base = {
    ...{ event_id: `e${seq}`, seq, attempt: 1, session_id: "s", project_id: "p", message_id: `m${turn + 1}` },
    ...{ created_at: TIME, href: null },
  };
  if (at === 0) return { ...base, type: "message_started", prompt: "Do it" };
  if (at === EVENTS_PER_MESSAGE - 1) {
    const answer = {
      status: "completed" as const,
      content: "Done",
      patch: "",
      iterations: 3,
      base_version: 1,
      version: 1,
    };
    return { ...base, ...answer, type: "vibecode_response", token_usage: NO_TOKENS };
  }
  const agent = at % 2 ? "vibecoder" : "evaluator";
  const iteration = Math.ceil(at / 2);
  return { ...base, type: "agent_iteration", agent, iteration, content: "…", patch_preview: null, approved: null };
}

async function opened(api: LongConversation): Promise<ProjectFeed> {
  const feed = new ProjectFeed(api as unknown as ApiClient, {} as EventClient, "p");
  await feed.startSession(null);
  return feed;
}

function messages(feed: ProjectFeed): readonly MessageState[] {
  return feed.state.sessions.get("s")?.messages ?? [];
}

/** The number of iterations of each message in the state, newest first. */
function iterations(feed: ProjectFeed): number[] {
  return messages(feed)
    .map((message) => message.iterations.length)
    .reverse();
}

test("each page of messages is read with all of their iterations", async () => {
  const api = new LongConversation();
  const feed = await opened(api);
  expect(iterations(feed)).toEqual(Array(30).fill(ITERATIONS));
  await feed.loadOlder("s");
  expect(iterations(feed)).toEqual(Array(60).fill(ITERATIONS));
  await feed.loadOlder("s");
  expect(iterations(feed)).toEqual(Array(MESSAGES).fill(ITERATIONS));
  expect(feed.state.sessions.get("s")?.loaded).toBe("all");
  // Little more than one pass over the log.
  expect(api.eventPages).toBeLessThanOrEqual(6);
});

test("messages whose events have expired are read without them, and the log is not read repeatedly", async () => {
  const api = new LongConversation(SESSION.last_seq - 5 * EVENTS_PER_MESSAGE + 1);
  const feed = await opened(api);
  expect(iterations(feed)).toEqual([...Array(5).fill(ITERATIONS), ...Array(25).fill(0)]);
  await feed.loadOlder("s");
  expect(messages(feed).map((message) => message.content)).toEqual(Array(60).fill("Done"));
  expect(api.eventPages).toBeLessThanOrEqual(3);
});
