import type { MessageState } from "@vibewire/client";
import { useEffect, useReducer } from "preact/hooks";
import { clockWithSeconds, count } from "../format.ts";
import { AGENT_NAMES } from "./agent_names.ts";

/** The progress of the running turn. It has a fixed height, so that nothing moves while text is streamed. */
export function Activity({ message, onCancel }: { message: MessageState; onCancel: (messageId: string) => void }) {
  const [, tick] = useReducer((times: number) => times + 1, 0);
  useEffect(() => {
    const timer = setInterval(() => tick(undefined), 1_000);
    return () => clearInterval(timer);
  }, []);
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(message.createdAt)) / 1_000));
  return (
    <>
      <span class="working" aria-hidden="true" />
      <span class="doing">{doing(message)}</span>
      <span class="meter">{count(message.usage.total_tokens, "token")}</span>
      <span class="meter">{seconds} s</span>
      <span class="spring" />
      <button type="button" class="small" disabled={message.isCancelling} onClick={() => onCancel(message.messageId)}>
        {message.isCancelling ? "Cancelling…" : "Cancel"}
      </button>
    </>
  );
}

function doing(message: MessageState): string {
  if (message.isCancelling) return "Cancelling…";
  if (message.retry) return waiting(message.retry);
  if (message.stream) return `${AGENT_NAMES[message.stream.agent]} is writing`;
  const last = message.iterations.at(-1);
  if (last?.agent === "vibecoder") return "The Evaluator is reviewing";
  if (last?.approved) return "Approved; landing";
  return last ? "VibeCoder tries again" : "VibeCoder is thinking";
}

function waiting({ code, detail, at }: { code: string; detail: string; at: string }): string {
  const whom = code.startsWith("model_") ? "Waiting for the model's server" : "Waiting";
  return `${whom} until ${clockWithSeconds(at)}: ${detail}`;
}
