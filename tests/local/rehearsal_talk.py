"""What the tests of the rehearsal model say to it."""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence

from agents.apply_diff import apply_diff

from backend.local.rehearsal.reply import CallTool, Json, Say
from backend.local.rehearsal.rules import answer

START = """from agents import Agent, Runner

assistant = Agent(
    name="Assistant",
    instructions="You are a helpful assistant.",
)
"""

DESK = '''"""The desk."""

from agents import Agent, Runner

triage_agent = Agent(
    name="Triage agent",
    instructions="Send the user on.",
)

billing_agent = Agent(name="Billing agent", instructions="You help with bills.")


def main() -> None:
    Runner.run_sync(triage_agent, "hi")


if __name__ == "__main__":
    main()
'''

SUBMIT_PATCH: Json = {
    "type": "function",
    "name": "submit_patch",
    "strict": True,
    "parameters": {
        "type": "object",
        "properties": {"diff": {"type": "string"}},
        "required": ["diff"],
        "additionalProperties": False,
    },
}


def user(text: str) -> Json:
    return {"role": "user", "content": text}


def assistant(text: str) -> Json:
    part = {"type": "output_text", "text": text, "annotations": []}
    return {"type": "message", "role": "assistant", "content": [part]}


def context(code: str, focus: str | None = None) -> Json:
    text = f'<project name="Support desk" version="3">\nA project.\n</project>\n<code>\n{code}</code>\n'
    if focus is not None:
        text += f'<focus node="{focus}">\nThe node.\n</focus>\n'
    return {"role": "developer", "content": [{"type": "input_text", "text": text}]}


def rejection(reasoning: str) -> Json:
    return {"role": "developer", "content": f"The reviewer rejected your patch: {reasoning}"}


def tool_call(diff: str, call_id: str = "call_1", name: str = "submit_patch") -> Json:
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": json.dumps({"diff": diff})}


def tool_output(text: str, call_id: str = "call_1") -> Json:
    return {"type": "function_call_output", "call_id": call_id, "output": text}


def asked(*items: Json) -> Json:
    return {"model": "gpt-test", "tools": [SUBMIT_PATCH], "input": list(items)}


def turn(
    request: str,
    code: str = START,
    *,
    history: Sequence[Json] = (),
    focus: str | None = None,
    after: Sequence[Json] = (),
) -> Json:
    return asked(*history, context(code, focus), user(request), *after)


def diff_of(body: Json) -> str:
    reply = answer(body)
    assert isinstance(reply, CallTool), reply
    assert reply.name == "submit_patch"
    diff = json.loads(reply.arguments)["diff"]
    assert isinstance(diff, str)
    return diff


def patched(body: Json, code: str = START) -> str:
    """The source after the patch, which must also run."""
    new = apply_diff(code, diff_of(body))
    ast.parse(new)
    exec(compile(new, "workflow", "exec"), {"__name__": "workflow"})  # noqa: S102
    return new


def said(body: Json) -> str:
    reply = answer(body)
    assert isinstance(reply, Say), reply
    return reply.text


def told_after(body: Json) -> str:
    """What the model says once its patch is accepted."""
    items = [tool_call(diff_of(body)), tool_output("Accepted.")]
    return said({**body, "input": [*body["input"], *items]})


def review_request(request: str, *, code: str = START, new_code: str = START, earlier: str | None = None) -> Json:
    sections = {"request": request, "code": code, "patch": "@@\n+added\n", "new_code": new_code}
    if earlier is not None:
        sections["earlier_reviews"] = earlier
    text = "\n".join(f"<{name}>\n{body}\n</{name}>" for name, body in sections.items())
    schema = {"type": "json_schema", "name": "review", "strict": True, "schema": {"type": "object"}}
    return {"model": "gpt-test", "text": {"format": schema}, "input": [user(text)]}
