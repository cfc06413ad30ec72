"""What the fields that many bodies and events share mean, in words; a field's own description goes before."""

from typing import Any

MEANINGS = {
    "after": "By session: the `seq` of the newest event that the client has.",
    "agent": "Who did it.",
    "approved": "What the Evaluator decided; null: it was VibeCoder's own attempt.",
    "attempt": "How often the turn was begun; a higher one voids what the lower one streamed.",
    "base_version": "The version of the code that the patch was made from.",
    "cached_tokens": "Of the prompt's tokens, those that the model's server had in its cache.",
    "content": "What the agent says.",
    "count": "How many there are in all.",
    "event_id": "Unique; the same event never comes with another.",
    "handoffs": "Agents that this one hands over to.",
    "handoffs_known": "Whether `handoffs` has all of them; false: the code computes them, or some were cut.",
    "tools_known": "Whether `tools` has all of them; false: the code computes them, or some were cut.",
    "nodes_truncated": "Whether `nodes` is cut: it holds at most 200 agents and 64 KB, the names of agents first.",
    "href": "Where to read what is null here for its size; a path of the API.",
    "iteration": "1 to 3: which try of VibeCoder and its review.",
    "iterations": "How many tries it took.",
    "last_seq": "The `seq` of the newest event.",
    "next_cursor": "Hand it in as `cursor` for the next page; null: there is none.",
    "next_href": "The next part; null: this is the last one.",
    "node_id": "The agent that the session is about; null: the whole project.",
    "node_exists": "Whether the project's code has that agent now; null: the session is about the whole project, or "
    "the code has more agents than are read.",
    "number": "Its place in the session: 1, 2, 3 ...",
    "offset": "Where `text` begins, in characters from the start of this agent's text in this iteration.",
    "patch": "A unified diff, as git writes it; empty: no change.",
    "patch_preview": "The patch that is proposed, not landed yet.",
    "reasoning_tokens": "Of the completion's tokens, those that the model thought with.",
    "response_id": "The model's response; its whole JSON is at `/messages/{id}/full`.",
    "retry_at": "When it is tried again.",
    "room": "`project_{project_id}`.",
    "seq": "Its number in the session: 1, 2, 3 ... without holes.",
    "token_usage": "Sums over all attempts.",
    "tools": "Tools that the agent may call.",
    "version": "A version of the project's code; it grows by one with each change.",
}


def add_meanings(schema: dict[str, Any]) -> None:
    """Describe the schema's fields that say nothing of themselves. Safe to repeat."""
    for name, field in schema.get("properties", {}).items():
        # A null that is always null says enough.
        if name in MEANINGS and field.get("type") != "null" and "description" not in field:
            field["description"] = MEANINGS[name]
