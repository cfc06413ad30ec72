"""Model calls as VibeCoder and the Evaluator make them, for the tests of the demo model."""

from __future__ import annotations

import json
from collections.abc import Sequence

from agents.apply_diff import apply_diff

from backend.app.domain.turns.iteration_loop import REJECTED
from backend.app.programs.vibecoder.agent import submit_patch
from backend.app.programs.vibecoder.prompt_tags import (
    CODE,
    EARLIER_REVIEWS,
    FOCUS,
    NEW_CODE,
    PATCH,
    PATCH_TOOL,
    REQUEST,
    tagged,
)
from backend.local.demo_model.answer import answer
from backend.local.demo_model.response import Json

START = """from agents import Agent, Runner

assistant = Agent(
    name="Assistant",
    instructions="You are a helpful assistant.",
)
"""

TWO_AGENTS = '''"""Two agents."""

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
    "name": PATCH_TOOL,
    "strict": True,
    "parameters": submit_patch.params_json_schema,
}


def user(text: str) -> Json:
    return {"role": "user", "content": text}


def assistant(text: str) -> Json:
    part = {"type": "output_text", "text": text, "annotations": []}
    return {"type": "message", "role": "assistant", "content": [part]}


def context(code: str, focus: str | None = None) -> Json:
    lines = ['<project name="Support" version="3">', "A project.", "</project>", *tagged(CODE, code)]
    if focus is not None:
        lines += tagged(FOCUS, "The node.", node=focus)
    return {"role": "developer", "content": [{"type": "input_text", "text": "\n".join(lines)}]}


def rejection(reasoning: str) -> Json:
    return {"role": "developer", "content": f"{REJECTED} {reasoning}"}


def tool_call(diff: str, call_id: str = "call_1", name: str = PATCH_TOOL) -> Json:
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


def agents_in(code: str) -> list[str]:
    return [line.split(" =")[0] for line in code.split("\n") if " = Agent(" in line]


def diff_of(body: Json) -> str:
    reply = answer(body)
    assert reply.tool == PATCH_TOOL, reply
    diff = json.loads(reply.text)["diff"]
    assert isinstance(diff, str)
    return diff


def patched(body: Json, code: str = START) -> str:
    """The source after the patch, which must also run."""
    new = apply_diff(code, diff_of(body))
    exec(compile(new.removeprefix("\ufeff"), "workflow", "exec"), {"__name__": "workflow"})  # noqa: S102
    return new


def said(body: Json) -> str:
    reply = answer(body)
    assert reply.tool is None, reply
    return reply.text


def said_after(body: Json) -> str:
    """What the model says once its patch is accepted."""
    items = [tool_call(diff_of(body)), tool_output("Accepted.")]
    return said({**body, "input": [*body["input"], *items]})


def review_request(request: str, *, code: str = START, new_code: str = START, earlier: str | None = None) -> Json:
    sections = {REQUEST: request, CODE: code, PATCH: "@@\n+added\n", NEW_CODE: new_code}
    if earlier is not None:
        sections[EARLIER_REVIEWS] = earlier
    text = "\n".join(line for tag, content in sections.items() for line in tagged(tag, content))
    schema = {"type": "json_schema", "name": "review", "strict": True, "schema": {"type": "object"}}
    return {"model": "gpt-test", "text": {"format": schema}, "input": [user(text)]}
