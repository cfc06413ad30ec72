import { expect, test } from "vitest";
import type { MessageState, SessionState } from "../src/index.ts";
import { isBefore } from "../src/message_order.ts";
import { newMessage, newSession, withMessage } from "../src/state.ts";

const TIME = "2026-11-23T10:00:00";
const EARLY = `${TIME}.100000Z`;
const LATE = `${TIME}.200000Z`;

function message(id: string, what: Partial<MessageState>): MessageState {
  return { ...newMessage(id, EARLY), ...what };
}

type Case = [why: string, first: Partial<MessageState>, second: Partial<MessageState>];
const SENT = ["queued", "running", "completed", "failed", "cancelled"] as const;
const NOT_SENT = ["sending", "unsent"] as const;

/** Each says which of two messages is first, and is not second. */
const ORDERED: Case[] = [
  ["numbers tell, whatever the clocks say", { number: 1, createdAt: LATE }, { number: 2, createdAt: EARLY }],
  ["numbers tell, 10 after 9", { number: 9 }, { number: 10 }],
  ...SENT.flatMap((status): Case[] => [
    [`numbers tell, ${status}`, { number: 1, status, createdAt: LATE }, { number: 2, status: "running" }],
    [`time tells where one has no number, ${status}`, { number: 2, status }, { status, createdAt: LATE }],
    [`time tells where the other has no number, ${status}`, { status }, { number: 1, status, createdAt: LATE }],
    [`time tells where both have none, ${status}`, { status }, { status, createdAt: LATE }],
    ...NOT_SENT.flatMap((away): Case[] => [
      [`${away} comes after ${status}, whatever the clocks say`, { status, createdAt: LATE }, { status: away }],
      [`${away} comes after ${status} with a number`, { number: 7, status, createdAt: LATE }, { status: away }],
    ]),
  ]),
  ["of what is not sent time tells", { status: "unsent" }, { status: "sending", createdAt: LATE }],
  ["of what is not sent time tells", { status: "sending" }, { status: "unsent", createdAt: LATE }],
  ["what runs comes before what waits", { status: "running", createdAt: LATE }, { status: "queued" }],
  ["what runs comes before what waits", { status: "running", createdAt: LATE }, { number: 8, status: "queued" }],
  ["what runs comes before what waits", { number: 7, status: "running", createdAt: LATE }, { status: "queued" }],
  ["what has ended may have waited", { status: "running" }, { status: "cancelled", createdAt: LATE }],
  ["a whole second comes before its fractions", { createdAt: `${TIME}Z` }, { createdAt: `${TIME}.000001Z` }],
  ["milliseconds and microseconds", { createdAt: `${TIME}.123Z` }, { createdAt: `${TIME}.123456Z` }],
  ["microseconds and milliseconds", { createdAt: `${TIME}.122999Z` }, { createdAt: `${TIME}.123Z` }],
];

test.each(ORDERED)("%s: %o, then %o", (_why, first, second) => {
  const [one, other] = [message("one", first), message("other", second)];
  expect(isBefore(one, other)).toBe(true);
  expect(isBefore(other, one)).toBe(false);
});

test("a message is not before itself, nor before one of the same moment", () => {
  for (const status of [...SENT, ...NOT_SENT]) {
    const one = message("one", { status });
    expect(isBefore(one, one)).toBe(false);
    expect(isBefore(one, message("other", { status }))).toBe(false);
  }
});

function conversation(...messages: MessageState[]): SessionState {
  return messages.reduce(withMessage, newSession({ session_id: "s" } as SessionState["session"]));
}
const ids = (session: SessionState) => session.messages.map((one) => one.messageId).join(" ");

test("messages come in order, in whichever order they are put", () => {
  const all = [
    ...[message("a", { number: 1, status: "completed" }), message("b", { number: 2, status: "running" })],
    ...[message("c", { createdAt: LATE }), message("d", { status: "unsent" })],
    message("e", { status: "sending", createdAt: LATE }),
  ];
  for (let turn = 0; turn < all.length; turn++) {
    const turned = [...all.slice(turn), ...all.slice(0, turn)];
    expect(ids(conversation(...turned))).toBe("a b c d e");
    expect(ids(conversation(...turned.reverse()))).toBe("a b c d e");
  }
});

test("two messages of the same moment do not change places when one of them changes", () => {
  const session = conversation(message("a", {}), message("b", {}), message("c", {}));
  for (const id of ["a", "b", "c", "a"]) {
    expect(ids(withMessage(session, message(id, { prompt: "new" })))).toBe("a b c");
  }
});

test("a message goes where its number says once it has one", () => {
  const session = conversation(message("a", { number: 1 }), message("b", { number: 3 }), message("c", {}));
  const heard = withMessage(session, message("d", { createdAt: LATE }));
  expect(ids(heard)).toBe("a b c d");
  expect(ids(withMessage(heard, message("d", { number: 2, createdAt: LATE })))).toBe("a d b c");
});
