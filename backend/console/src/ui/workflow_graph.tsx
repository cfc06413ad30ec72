import type { WorkflowNode } from "@vibewire/client";
import { memo } from "preact/compat";
import { useMemo } from "preact/hooks";
import { spelled } from "../hidden_characters.ts";
import { LINE, placeNodes, SHOWN_TOOLS, shortened } from "./graph_layout.ts";

interface Props {
  nodes: readonly WorkflowNode[];
  current: string | null;
  running: ReadonlySet<string | null>;
  onChoose: (nodeId: string) => void;
}

// Smaller text would not be readable: a larger graph scrolls instead.
const SMALLEST_SCALE = 0.72;

/** The workflow as a graph: agents with their tools, handoffs as arrows. An agent opens its own conversation. */
export const WorkflowGraph = memo(({ nodes, current, running, onChoose }: Props) => {
  const graph = useMemo(() => placeNodes(nodes), [nodes]);
  if (nodes.length === 0) return <p class="faint graph-empty">No agents in the code yet.</p>;
  return (
    <div class="graph">
      <svg
        viewBox={`0 0 ${graph.width} ${graph.height}`}
        width={graph.width}
        height={graph.height}
        style={{ minWidth: `${Math.round(graph.width * SMALLEST_SCALE)}px` }}
        role="group"
        aria-label="Agents"
      >
        <defs>
          <marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
            <path d="M0 0.5 L7.5 4 L0 7.5 Z" class="arrow-head" />
          </marker>
        </defs>
        {graph.edges.map((edge) => (
          <path
            key={`${edge.from} ${edge.kind} ${edge.to}`}
            class={`edge ${edge.kind}`}
            d={edge.path}
            transform={`translate(${edge.move})`}
            marker-end="url(#arrow)"
          >
            <title>
              {spelled(`${edge.from} ${edge.kind === "handoff" ? "hands off to" : "uses as a tool"} ${edge.to}`)}
            </title>
          </path>
        ))}
        {graph.nodes.map((node) => {
          const isRunning = running.has(node.name);
          const choose = () => onChoose(node.name);
          return (
            <g
              key={node.name}
              class={`node ${node.isUnknown ? "unknown" : ""} ${isRunning ? "running" : ""}`}
              transform={`translate(${node.left} ${node.top})`}
              role="button"
              tabindex={0}
              aria-label={spelled(describe(node, nodes, isRunning))}
              aria-pressed={node.name === current}
              onClick={choose}
              onKeyDown={(event) => {
                if (event.key !== "Enter" && event.key !== " ") return;
                event.preventDefault();
                choose();
              }}
            >
              <title>{spelled(node.name)}</title>
              <rect width={node.width} height={node.height} rx="9" />
              <circle cx="15" cy="16" r="4" class={`run-dot ${isRunning ? "on" : ""}`} />
              <text x="26" y="20.5" class="node-name">
                {shortened(spelled(node.name))}
              </text>
              {node.tools.slice(0, SHOWN_TOOLS).map((tool, at) => (
                <text key={tool} x="13" y={45 + at * LINE} class="node-tool">
                  {`⚙ ${shortened(spelled(tool))}`}
                </text>
              ))}
              {node.tools.length > SHOWN_TOOLS && (
                <text x="13" y={45 + SHOWN_TOOLS * LINE} class="node-tool">
                  {`and ${node.tools.length - SHOWN_TOOLS} more`}
                </text>
              )}
            </g>
          );
        })}
      </svg>
    </div>
  );
});

function describe(node: { name: string; tools: string[] }, nodes: readonly WorkflowNode[], isRunning: boolean): string {
  const one = nodes.find(({ name }) => name === node.name);
  const handoffs = one?.handoffs ?? [];
  return [
    `Agent ${node.name}`,
    handoffs.length > 0 && `hands off to ${handoffs.join(", ")}`,
    one?.handoffs_known === false && "hands off to agents that only the running code knows",
    node.tools.length > 0 && `tools ${node.tools.join(", ")}`,
    one?.tools_known === false && "tools that only the running code knows",
    isRunning && "a turn is running",
  ]
    .filter(Boolean)
    .join("; ");
}
