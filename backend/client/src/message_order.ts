/** The order of a conversation's messages. */

import { isAccepted, type MessageState } from "./project_state.ts";

/** The messages with this one added or replaced; two messages that are not ordered by `isBefore` keep their positions. */
export function inOrder(messages: readonly MessageState[], message: MessageState): readonly MessageState[] {
  const position = messages.findIndex((other) => other.messageId === message.messageId);
  const others = messages.filter((other) => other.messageId !== message.messageId);
  const goesBefore = (other: MessageState, at: number) =>
    isBefore(message, other) || (position >= 0 && at >= position && !isBefore(other, message));
  // Numbers are never out of order, even where messages without one are between them.
  const next = others.findIndex((other) => isNumberedBefore(message, other));
  let at = next < 0 ? others.length : next;
  while (at > 0 && goesBefore(others[at - 1] as MessageState, at - 1)) at--;
  return [...others.slice(0, at), message, ...others.slice(at)];
}

/** Whether a message comes before another of its session: by number, else by time; those not yet accepted come last. */
export function isBefore(one: MessageState, other: MessageState): boolean {
  if (one.number !== null && other.number !== null) return isNumberedBefore(one, other);
  // A message known from events alone has no number yet, and may be older than one that was sent from here.
  if (isAccepted(one) !== isAccepted(other)) return isAccepted(one);
  // Turns run in order; a message known only since it started has the time of its start.
  if (one.status === "running" && other.status === "queued") return true;
  if (one.status === "queued" && other.status === "running") return false;
  return timeKey(one) < timeKey(other);
}

function isNumberedBefore(one: MessageState, other: MessageState): boolean {
  return one.number !== null && other.number !== null && one.number < other.number;
}

/** Times in UTC sort as text once the Z is removed: they have no fraction of a second, or fractions of any length. */
function timeKey({ createdAt }: MessageState): string {
  return createdAt.replace("Z", "");
}
