import type { AgentName, Iteration, MessageState } from "@vibewire/client";
import { messageError } from "../error_messages.ts";
import { clock, clockWithSeconds, count } from "../format.ts";
import { spelled } from "../hidden_characters.ts";
import { memo, useTick } from "./hooks.ts";
import { LongText } from "./long_text.tsx";
import { Markdown } from "./markdown.tsx";
import { Seen } from "./seen.tsx";
import type { Shown } from "./shown.ts";

interface Props {
  message: MessageState;
  /** How many open messages are before this one. */
  waitsFor: number;
  onCancel: (messageId: string) => void;
  onResend: (messageId: string) => void;
  onDiscard: (messageId: string) => void;
  onTryAgain: (prompt: string) => void;
  onShow: (shown: Shown) => void;
}

const NAMES: Record<AgentName, string> = { vibecoder: "VibeCoder", evaluator: "Evaluator" };

/** A prompt and all that came of it. */
export const MessageView = memo((props: Props) => {
  const { message } = props;
  const steps = stepsOf(message);
  const isSaid =
    message.content === null || steps.findLast((step) => step.agent === "vibecoder")?.text === message.content;
  return (
    <article
      class={`message ${message.status}`}
      aria-label={`Message: ${spelled((message.prompt ?? "").slice(0, 80))}`}
    >
      <div class="prompt">
        <LongText text={message.prompt ?? "…"} />
      </div>
      {message.attempt > 1 && message.status !== "cancelled" && (
        <p class="note">Begun again (attempt {message.attempt}): what was said before does not count.</p>
      )}
      {steps.length > 0 && (
        <ol class="steps">
          {steps.map((step) => (
            <Step key={`${step.agent} ${step.iteration}`} {...step} />
          ))}
        </ol>
      )}
      {!isSaid && message.status === "completed" && (
        <div class="answer">
          <Markdown text={message.content ?? ""} />
        </div>
      )}
      <Foot {...props} />
    </article>
  );
});

interface StepProps {
  agent: AgentName;
  iteration: number;
  text: string;
  approved: boolean | null;
  isWriting: boolean;
  /** Its patch was rejected: what it says did not come to be. */
  isOver: boolean;
}

function stepsOf(message: MessageState): StepProps[] {
  const { iterations, stream, content } = message;
  const last = iterations.findLast((one) => one.agent === "vibecoder");
  const rejected = new Set(iterations.filter((one) => one.approved === false).map((one) => one.iteration));
  const steps = iterations.map((one: Iteration) => ({
    agent: one.agent,
    iteration: one.iteration,
    // What is too long for an event comes with the whole message.
    text: (one === last ? content : null) ?? one.content ?? "(too long to be shown here: see the full response)",
    approved: one.approved,
    isWriting: false,
    isOver: one.agent === "vibecoder" && rejected.has(one.iteration),
  }));
  if (stream) {
    const { agent, iteration, text } = stream;
    steps.push({ agent, iteration, text, approved: null, isWriting: true, isOver: false });
  }
  return steps;
}

const Step = memo(({ agent, iteration, text, approved, isWriting, isOver }: StepProps) => {
  const verdict = approved === null ? "" : approved ? "approved" : "rejected";
  return (
    <li class={`step ${agent} ${verdict} ${isOver ? "over" : ""}`}>
      <div class="step-head">
        <span class="agent">{NAMES[agent]}</span>
        {iteration > 1 && <span class="faint">try {iteration}</span>}
        {verdict && <span class={`verdict ${verdict}`}>{approved ? "✓ approved" : "✕ rejected"}</span>}
      </div>
      <div class={isWriting ? "writing" : ""}>
        <Markdown text={text} />
      </div>
    </li>
  );
});

function Foot({ message, waitsFor, onCancel, onResend, onDiscard, onTryAgain, onShow }: Props) {
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
    default:
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
  }
}

/** What goes on right now: in a place of its own, so that nothing moves while text comes in. */
export function Activity({ message, onCancel }: { message: MessageState; onCancel: (messageId: string) => void }) {
  useTick(true, 1_000);
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
  if (message.stream) return `${NAMES[message.stream.agent]} is writing`;
  const last = message.iterations.at(-1);
  if (last?.agent === "vibecoder") return "The Evaluator is reviewing";
  if (last?.approved) return "Approved; landing";
  return last ? "VibeCoder tries again" : "VibeCoder is thinking";
}

function waiting({ code, detail, at }: { code: string; detail: string; at: string }): string {
  const whom = code.startsWith("model_") ? "Waiting for the model's server" : "Waiting";
  return `${whom} until ${clockWithSeconds(at)}: ${detail}`;
}

function Failure({ message, children }: { message: MessageState; children: preact.ComponentChildren }) {
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
