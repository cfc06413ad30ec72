import type { ApiClient, FullMessage } from "@vibewire/client";
import { useCallback, useEffect, useState } from "preact/hooks";
import { type UserError, userError } from "../error_messages.ts";
import { count } from "../format.ts";
import { ErrorNotice } from "./error_notice.tsx";
import { JsonView } from "./json_view.tsx";

/** The model's complete responses for a message. */
export function ResponseView({ api, messageId }: { api: ApiClient; messageId: string }) {
  const [full, setFull] = useState<FullMessage | null>(null);
  const [problem, setProblem] = useState<UserError | null>(null);
  const load = useCallback(async () => {
    setProblem(null);
    try {
      setFull(await api.getFullMessage(messageId));
    } catch (error) {
      setProblem(userError(error));
    }
  }, [api, messageId]);
  useEffect(() => {
    setFull(null);
    void load();
  }, [load]);
  if (problem) return <ErrorNotice error={problem} actions={[["Try again", () => void load()]]} />;
  if (!full) return <p class="faint empty">Loading…</p>;
  const responses = full.openai_response.responses;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <div class="responses" tabIndex={0} role="region" aria-label="Full response">
      <p class="faint">
        {count(responses.length, "response")} · {count(full.usage.total_tokens, "token")} · {full.model}
      </p>
      {responses.map((one, at) => (
        <section key={one.response_id} class="response">
          <h3>
            {at + 1}. {one.agent === "vibecoder" ? "VibeCoder" : "Evaluator"}
            <span class="faint">
              {one.iteration > 1 && ` try ${one.iteration}`}
              {one.attempt > 1 && ` attempt ${one.attempt}`} · {count(one.usage.total_tokens, "token")}
            </span>
          </h3>
          <JsonView value={one.response} open={1} />
        </section>
      ))}
    </div>
  );
}
