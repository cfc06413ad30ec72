import type { AgentName } from "@vibewire/client";

export const AGENT_NAMES: Record<AgentName, string> = { vibecoder: "VibeCoder", evaluator: "Evaluator" };
