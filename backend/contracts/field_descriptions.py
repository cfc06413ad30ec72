"""Descriptions of fields that several bodies and events share; a field's own description takes precedence."""

from typing import Any

DESCRIPTIONS = {
    "after": "By session id: the `seq` of the newest event that the client has.",
    "agent": "The agent that the event is about.",
    "approved": "The decision of the Evaluator; null: an attempt of VibeCoder.",
    "attempt": "How often the turn was started; a higher attempt voids what the lower one streamed.",
    "base_version": "The version that the patch was made from.",
    "cached_tokens": "Prompt tokens that the model's server had cached.",
    "content": "The text of the agent.",
    "count": "The total number.",
    "event_id": "Unique. Two events never have the same id.",
    "handoffs": "The agents that this agent can hand off to.",
    "handoffs_known": "Whether `handoffs` is complete; false: the code computes them, or the list was truncated.",
    "tools_known": "Whether `tools` is complete; false: the code computes them, or the list was truncated.",
    "nodes_truncated": "Whether `nodes` was truncated: it holds at most 200 agents and 64 KB, names first.",
    "href": "The API path of the fields that are null here because of their size.",
    "iteration": "1 to 3: an attempt of VibeCoder and its review.",
    "iterations": "The number of iterations.",
    "last_seq": "The `seq` of the newest event.",
    "next_cursor": "The `cursor` of the next page; null: this is the last page.",
    "next_href": "The path of the next part; null: this is the last part.",
    "node_id": "The agent of the session; null: a session about the project.",
    "node_exists": "Whether the current code has the agent; null: a session about the project, or the code has more "
    "agents than are read.",
    "number": "The position in the session: 1, 2, 3 ...",
    "offset": "The position of `text`, in characters from the start of the agent's text in this iteration.",
    "patch": "A unified diff (git style); empty: no change.",
    "patch_preview": "The proposed patch, before its review.",
    "reasoning_tokens": "Completion tokens that the model used for reasoning.",
    "response_id": "The id of the model response; its complete JSON is at `/messages/{id}/full`.",
    "retry_at": "The time of the next attempt.",
    "room": "`project_{project_id}`.",
    "seq": "The number of the event in its session: 1, 2, 3 ... without gaps.",
    "token_usage": "The sums over all attempts.",
    "tools": "The tools of the agent.",
    "version": "A version of the project's code; every change adds 1.",
}


def add_descriptions(schema: dict[str, Any]) -> None:
    """Describe the schema's fields that have no description of their own. Idempotent."""
    for name, field in schema.get("properties", {}).items():
        # A field that is always null needs none.
        if name in DESCRIPTIONS and field.get("type") != "null" and "description" not in field:
            field["description"] = DESCRIPTIONS[name]
