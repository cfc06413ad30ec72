import { expect, test } from "vitest";
import type { MessageState, SessionState } from "../src/index.ts";
import { isBefore } from "../src/message_order.ts";
import { newMessage, newSession, withMessage } from "../src/state_updates.ts";

const TIME = "2026-11-23T10:00:00";
const EARLY = `${TIME}.100000Z`;
const LATE = `${TIME}.200000Z`;

function message(id: string, what: Partial<MessageState>): MessageState {
  return { ...newMessage(id, EARLY), ...what };
}

type Case = [why: string, first: Partial<MessageState>, second: Partial<MessageState>];
const ACCEPTED = ["queued", "running", "completed", "failed", "cancelled"] as const;
const NOT_ACCEPTED = ["sending", "unsent"] as const;

/** Pairs of messages of which the first one comes before the second. */
const ORDERED: Case[] = [
  ["numbers decide, not times", { number: 1, createdAt: LATE }, { number: 2, createdAt: EARLY }],
  ["numbers decide, 10 after 9", { number: 9 }, { number: 10 }],
  ...ACCEPTED.flatMap((status): Case[] => [
    [`numbers decide, ${status}`, { number: 1, status, createdAt: LATE }, { number: 2, status: "running" }],
    [`time decides where the first has no number, ${status}`, { number: 2, status }, { status, createdAt: LATE }],
    [`time decides where the second has no number, ${status}`, { status }, { number: 1, status, createdAt: LATE }],
    [`time decides where both have none, ${status}`, { status }, { status, createdAt: LATE }],
    ...NOT_ACCEPTED.flatMap((away): Case[] => [
      [`${away} comes after ${status}, even with an earlier time`, { status, createdAt: LATE }, { status: away }],
      [`${away} comes after ${status} with a number`, { number: 7, status, createdAt: LATE }, { status: away }],
    ]),
  ]),
  ["time decides between unsent messages", { status: "unsent" }, { status: "sending", createdAt: LATE }],
  ["time decides between unsent messages", { status: "sending" }, { status: "unsent", createdAt: LATE }],
  ["running comes before queued", { status: "running", createdAt: LATE }, { status: "queued" }],
  ["running comes before queued", { status: "running", createdAt: LATE }, { number: 8, status: "queued" }],
  ["running comes before queued", { number: 7, status: "running", createdAt: LATE }, { status: "queued" }],
  [
    "an ended message may have been queued when it ended",
    { status: "running" },
    { status: "cancelled", createdAt: LATE },
  ],
  ["a time without a fraction comes first", { createdAt: `${TIME}Z` }, { createdAt: `${TIME}.000001Z` }],
  ["milliseconds and microseconds", { createdAt: `${TIME}.123Z` }, { createdAt: `${TIME}.123456Z` }],
  ["microseconds and milliseconds", { createdAt: `${TIME}.122999Z` }, { createdAt: `${TIME}.123Z` }],
];

test.each(ORDERED)("%s: %o, then %o", (_why, first, second) => {
  const [one, other] = [message("one", first), message("other", second)];
  expect(isBefore(one, other)).toBe(true);
  expect(isBefore(other, one)).toBe(false);
});

test("a message is not before itself or one with the same time", () => {
  for (const status of [...ACCEPTED, ...NOT_ACCEPTED]) {
    const one = message("one", { status });
    expect(isBefore(one, one)).toBe(false);
    expect(isBefore(one, message("other", { status }))).toBe(false);
  }
});

function conversation(...messages: MessageState[]): SessionState {
  return messages.reduce(withMessage, newSession({ session_id: "s" } as SessionState["session"]));
}
const ids = (session: SessionState) => session.messages.map((one) => one.messageId).join(" ");

test("messages are in order, whatever the order of insertion", () => {
  const all = [
    ...[message("a", { number: 1, status: "completed" }), message("b", { number: 2, status: "running" })],
    ...[message("c", { createdAt: LATE }), message("d", { status: "unsent" })],
    message("e", { status: "sending", createdAt: LATE }),
  ];
  for (let start = 0; start < all.length; start++) {
    const rotated = [...all.slice(start), ...all.slice(0, start)];
    expect(ids(conversation(...rotated))).toBe("a b c d e");
    expect(ids(conversation(...rotated.reverse()))).toBe("a b c d e");
  }
});

test("messages with the same time keep their positions when one of them changes", () => {
  const session = conversation(message("a", {}), message("b", {}), message("c", {}));
  for (const id of ["a", "b", "c", "a"]) {
    expect(ids(withMessage(session, message(id, { prompt: "new" })))).toBe("a b c");
  }
});

test("a message moves to the position of its number once it has one", () => {
  const session = conversation(message("a", { number: 1 }), message("b", { number: 3 }), message("c", {}));
  const added = withMessage(session, message("d", { createdAt: LATE }));
  expect(ids(added)).toBe("a b c d");
  expect(ids(withMessage(added, message("d", { number: 2, createdAt: LATE })))).toBe("a d b c");
});
