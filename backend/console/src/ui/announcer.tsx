import type { MessageState, SessionState } from "@vibewire/client";
import { useEffect, useRef, useState } from "preact/hooks";

/** Announces the steps of a conversation to screen readers, not each streamed word. */
export function Announcer({ session, version }: { session: SessionState | null; version: number }) {
  const [words, setWords] = useState("");
  const last = session?.messages.at(-1);
  const current = last ? sentence(last) : "";
  const before = useRef(current);
  useEffect(() => {
    if (current !== before.current) setWords(current);
    before.current = current;
  }, [current]);
  const known = useRef(version);
  useEffect(() => {
    if (known.current > 0 && version > known.current) setWords(`The code is now version ${version}.`);
    known.current = version;
  }, [version]);
  return (
    <p class="visually-hidden" role="status" aria-live="polite">
      {words}
    </p>
  );
}

function sentence(message: MessageState): string {
  const review = message.iterations.at(-1);
  switch (message.status) {
    case "completed":
      return `Answered: ${(message.content ?? "").slice(0, 300)}`;
    case "failed":
      return `The message failed. ${message.error?.detail ?? ""}`;
    case "cancelled":
      return "The message was cancelled.";
    case "running":
      if (review?.approved === false) return "The Evaluator rejected the change; VibeCoder tries again.";
      return review?.agent === "vibecoder" ? "The Evaluator reviews the change." : "VibeCoder is working.";
    case "unsent":
      return "The message was not sent yet.";
    case "sending":
    case "queued":
      return "";
    default:
      message.status satisfies never;
      return "";
  }
}
