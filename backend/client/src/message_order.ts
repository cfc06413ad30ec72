/** The order of a conversation's messages. */

import type { MessageState } from "./project_state.ts";

/** The messages with this one in its place; where nothing tells which of two is first they stay as they were. */
export function inOrder(messages: readonly MessageState[], message: MessageState): readonly MessageState[] {
  const was = messages.findIndex((other) => other.messageId === message.messageId);
  const others = messages.filter((other) => other.messageId !== message.messageId);
  const goesBefore = (other: MessageState, place: number) =>
    isBefore(message, other) || (was >= 0 && place >= was && !isBefore(other, message));
  // Numbers are never out of order, whatever stands between them.
  const next = others.findIndex((other) => isNumberedBefore(message, other));
  let at = next < 0 ? others.length : next;
  while (at > 0 && goesBefore(others[at - 1] as MessageState, at - 1)) at--;
  return [...others.slice(0, at), message, ...others.slice(at)];
}

/** Whether a message of a session comes before another one: by number, or else by time; what is not sent comes last. */
export function isBefore(one: MessageState, other: MessageState): boolean {
  if (one.number !== null && other.number !== null) return isNumberedBefore(one, other);
  // What was only heard of has no number yet, and may well be older than what was sent from here.
  if (isSent(one) !== isSent(other)) return isSent(one);
  // A session's turns run in order; what is heard of when it begins to run has the time of its begin.
  if (one.status === "running" && other.status === "queued") return true;
  if (one.status === "queued" && other.status === "running") return false;
  return timeKey(one) < timeKey(other);
}

function isNumberedBefore(one: MessageState, other: MessageState): boolean {
  return one.number !== null && other.number !== null && one.number < other.number;
}

/** Times in UTC compare as texts without their Z: some have no fraction of a second, and others a longer one. */
function timeKey({ createdAt }: MessageState): string {
  return createdAt.replace("Z", "");
}

function isSent({ status }: MessageState): boolean {
  return status !== "sending" && status !== "unsent";
}
