import type { MessageState, SessionState } from "@vibewire/client";

/** A change that an agent has proposed and that has not landed. */
export interface Proposal {
  messageId: string;
  patch: string;
  verdict: "review" | "rejected" | "approved";
}

/** The newest proposal of the running turn, if there is one. */
export function proposalOf(session: SessionState | null): Proposal | null {
  const running = session?.messages.find((message: MessageState) => message.status === "running");
  const proposed = running?.iterations.findLast((one) => one.agent === "vibecoder" && one.patchPreview);
  if (!running || !proposed?.patchPreview) return null;
  const review = running.iterations.find((one) => one.agent === "evaluator" && one.iteration === proposed.iteration);
  const verdict = review ? (review.approved ? "approved" : "rejected") : "review";
  return { messageId: running.messageId, patch: proposed.patchPreview, verdict };
}
