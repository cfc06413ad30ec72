import { spelled } from "../hidden_characters.ts";

interface Props {
  nodeId: string | null;
  onChoose: (prompt: string) => void;
}

/** Prompts to begin an empty conversation with. */
export function Suggestions({ nodeId, onChoose }: Props) {
  const prompts = nodeId
    ? [`What does ${nodeId} do?`, "Make it Spanish", "Make its answers shorter"]
    : ["Create a triage agent", "What agents are there?", "Create a refund agent, but reject once"];
  return (
    <div class="suggestions">
      <p>
        {nodeId
          ? `A conversation about ${spelled(nodeId)} alone, with a memory of its own.`
          : "What should the workflow do?"}
      </p>
      {prompts.map((prompt) => (
        <button key={prompt} type="button" class="small" onClick={() => onChoose(prompt)}>
          {prompt}
        </button>
      ))}
    </div>
  );
}
