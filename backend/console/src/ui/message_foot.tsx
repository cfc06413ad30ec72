import type { MessageState } from "@vibewire/client";
import type { ComponentChildren } from "preact";
import { messageError } from "../error_messages.ts";
import { clock, count } from "../format.ts";
import { Seen } from "./seen.tsx";
import type { Shown } from "./shown.ts";

export interface MessageProps {
  message: MessageState;
  /** How many open messages are before this one. */
  waitsFor: number;
  onCancel: (messageId: string) => void;
  onResend: (messageId: string) => void;
  onDiscard: (messageId: string) => void;
  onTryAgain: (prompt: string) => void;
  onShow: (shown: Shown) => void;
}

/** The status of a message, with what can be done about it. */
export function MessageFoot({ message, waitsFor, onCancel, onResend, onDiscard, onTryAgain, onShow }: MessageProps) {
  const { messageId, status, prompt } = message;
  const again = prompt !== null && (
    <button type="button" class="small" onClick={() => onTryAgain(prompt)}>
      Try again
    </button>
  );
  switch (status) {
    case "sending":
      return <p class="foot">Sending…</p>;
    case "queued":
      return (
        <p class="foot">
          <span class="chip">Waiting</span>
          <span>{waitsFor > 0 ? `after ${count(waitsFor, "other message")}` : "for a worker"}</span>
          <button type="button" class="small" disabled={message.isCancelling} onClick={() => onCancel(messageId)}>
            Cancel
          </button>
        </p>
      );
    case "unsent":
      return (
        <Failure message={message}>
          <button type="button" class="small" onClick={() => onResend(messageId)}>
            Send now
          </button>
          <button type="button" class="small" onClick={() => onDiscard(messageId)}>
            Discard
          </button>
        </Failure>
      );
    case "failed":
    case "cancelled":
      return (
        <Failure message={message}>
          {again}
          {message.usage.total_tokens > 0 && <Response messageId={messageId} onShow={onShow} />}
        </Failure>
      );
    case "running":
      return null;
    case "completed":
      return (
        <p class="foot">
          {message.patch ? (
            <button type="button" class="chip landed" onClick={() => onShow({ messageId, as: "change" })}>
              Version {message.version}
            </button>
          ) : (
            <span class="chip">No change</span>
          )}
          <span class="meter">{count(message.usage.total_tokens, "token")}</span>
          {message.completedAt && <Took {...message} completedAt={message.completedAt} />}
          <Response messageId={messageId} onShow={onShow} />
        </p>
      );
    default:
      status satisfies never;
      return null;
  }
}

function Failure({ message, children }: { message: MessageState; children: ComponentChildren }) {
  const { title, detail, advice } = messageError(message.error ?? { code: "", detail: "" });
  return (
    <div class={`failure ${message.status}`}>
      <p>
        <strong>{title}.</strong>{" "}
        {detail && (
          <span class="error-detail">
            <Seen text={detail} />
          </span>
        )}{" "}
        <span>{advice}</span>
      </p>
      <p class="foot">
        {children}
        {message.usage.total_tokens > 0 && <span class="meter">{count(message.usage.total_tokens, "token")}</span>}
      </p>
    </div>
  );
}

function Response({ messageId, onShow }: { messageId: string; onShow: (shown: Shown) => void }) {
  return (
    <button type="button" class="small quiet" onClick={() => onShow({ messageId, as: "response" })}>
      Full response
    </button>
  );
}

function Took({ createdAt, completedAt, model }: { createdAt: string; completedAt: string; model: string | null }) {
  const seconds = (Date.parse(completedAt) - Date.parse(createdAt)) / 1_000;
  return (
    <span class="took" title={model ?? ""}>
      {seconds.toFixed(1)} s<span class="if-room"> · {clock(completedAt)}</span>
    </span>
  );
}
