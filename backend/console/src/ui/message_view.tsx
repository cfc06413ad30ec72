import type { AgentName, Iteration, MessageState } from "@vibewire/client";
import { memo } from "preact/compat";
import { spelled } from "../hidden_characters.ts";
import { AGENT_NAMES } from "./agent_names.ts";
import { LongText } from "./long_text.tsx";
import { Markdown } from "./markdown.tsx";
import { MessageFoot, type MessageProps } from "./message_foot.tsx";

/** A prompt, the steps of its turn, and the result. */
export const MessageView = memo((props: MessageProps) => {
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
        <p class="note">Started again (attempt {message.attempt}): the earlier output is discarded.</p>
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
      <MessageFoot {...props} />
    </article>
  );
});

interface StepProps {
  agent: AgentName;
  iteration: number;
  text: string;
  approved: boolean | null;
  isWriting: boolean;
  /** Its patch was rejected. */
  isOver: boolean;
}

function stepsOf(message: MessageState): StepProps[] {
  const { iterations, stream, content } = message;
  const last = iterations.findLast((one) => one.agent === "vibecoder");
  const rejected = new Set(iterations.filter((one) => one.approved === false).map((one) => one.iteration));
  const steps = iterations.map((one: Iteration) => ({
    agent: one.agent,
    iteration: one.iteration,
    // Content that is too long for an event comes with the complete message.
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
        <span class="agent">{AGENT_NAMES[agent]}</span>
        {iteration > 1 && <span class="faint">try {iteration}</span>}
        {verdict && <span class={`verdict ${verdict}`}>{approved ? "✓ approved" : "✕ rejected"}</span>}
      </div>
      <div class={isWriting ? "writing" : ""}>
        <Markdown text={text} />
      </div>
    </li>
  );
});
