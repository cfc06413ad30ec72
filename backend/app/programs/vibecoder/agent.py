"""VibeCoder: the agent that edits the workflow, its instructions and its one tool."""

import json
from dataclasses import dataclass
from typing import Any

from agents import Agent, FunctionTool
from agents.items import TResponseInputItem
from agents.run_config import CallModelData, ModelInputData
from agents.tool_context import ToolContext

from backend.app.domain.ports import Offloader
from backend.app.domain.storable_text import read_json, storable_json
from backend.app.domain.turns.agent_port import Brief
from backend.app.programs.vibecoder.patching import apply_patch
from backend.app.programs.vibecoder.prompt_tags import CODE, FOCUS, PATCH_TOOL, REFUSED, tagged
from backend.app.programs.vibecoder.v4a import PatchRefusedError

INSTRUCTIONS = """\
You are VibeCoder. People edit an agent workflow by talking to you. The project is one Python file that defines
a workflow with the OpenAI Agents SDK: agents (`name = Agent(name=..., instructions=..., handoffs=[...], tools=[...])`),
their handoffs and their function tools. A node is one agent, named by the variable it is assigned to.

You are shown the current code in each request, in a developer message; it is always newer than anything in the
conversation. A `<focus>` section means that the person talks about that one node: "it" and "this agent" are that node.

When the person wants the workflow changed:
1. Call `submit_patch` once, with one diff for the complete change, always against the code that you are shown.
2. If it is refused, read why, and submit a corrected diff. A later submit replaces an earlier one.
3. Then say in one to three sentences what you changed, naming the agents. Do not repeat the code.
A reviewer checks every patch. If it is rejected you get the reason: submit a better patch for the same request.

When the person asks a question, or nothing needs to change, answer in text and do not call the tool.
If a request is unclear, choose the most likely meaning from the conversation and say which you chose.

How to write a diff (V4A, without any header):
- Lines begin with a space (context), `-` (removed) or `+` (added). Context and removed lines are copied from the code
  exactly, indentation included.
- Give about three lines of context before and after each change. Separate changes by a line `@@`, in file order.
  `@@ def build():` finds a place by the line that stands there.
- To append at the end, give the last lines of the file as context.

Example. To let the triage agent below hand off to a billing agent:
<code>
from agents import Agent

triage_agent = Agent(
    name="Triage agent",
    instructions="Find out what the customer needs.",
)
</code>
the diff is:
@@
 from agents import Agent

+billing_agent = Agent(
+    name="Billing agent",
+    instructions="Answer questions about invoices.",
+)
+
 triage_agent = Agent(
     name="Triage agent",
     instructions="Find out what the customer needs.",
+    handoffs=[billing_agent],
 )

Rules for the code: it must stay valid Python 3.11 and run from top to bottom (define an agent before another hands off
to it, or append to `handoffs` below both). Keep the style, comments and names that are there. Change nothing that was
not asked for. Instructions that you write for agents are concrete: who they are, what they do, when they hand off.
"""


# The refusal of invalid arguments has an example of valid ones, and quotes so many characters of what is wrong.
_EXPECTED = 'one JSON object: {"diff": "@@\\n context\\n-old line\\n+new line"}, line ends written as \\n'
_QUOTED_CHARACTERS = 40
_ASK_AGAIN = "Your last answer was empty. Answer the person in text, or submit a patch and say what it changes."


@dataclass
class PatchState:
    """The patches of one iteration of VibeCoder: each is applied to the base code and replaces the one before."""

    code: str
    max_code_bytes: int
    offloader: Offloader
    new_code: str | None = None

    async def submit(self, diff: str) -> None:
        """Apply a diff. Raises PatchRefusedError; then the patch submitted before is kept."""
        self.new_code = await self.offloader.run(apply_patch, self.code, diff, self.max_code_bytes)


class BadArgumentsError(Exception):
    """The model called the tool with invalid arguments. The message, for the model, says what was wrong."""


def _diff_in(arguments: str) -> str:
    """The diff in a call's arguments. Raises BadArgumentsError."""
    try:
        given = storable_json(read_json(arguments))
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno} of {len(arguments)} characters"
        near = arguments[max(0, error.pos - _QUOTED_CHARACTERS) : error.pos + _QUOTED_CHARACTERS]
        raise BadArgumentsError(f"they are not JSON: {error.msg} ({where}, near {near!r})") from error
    except ValueError as error:
        raise BadArgumentsError(f"they cannot be read: {error}") from error
    if not isinstance(given, dict):
        raise BadArgumentsError(f"they are {_kind_of(given)}, not an object")
    if "diff" not in given:
        named = ", ".join(repr(name[:_QUOTED_CHARACTERS]) for name in list(given)[:5])
        raise BadArgumentsError(f"the key 'diff' is missing; there is {named or 'no key at all'}")
    diff = given["diff"]
    if not isinstance(diff, str):
        raise BadArgumentsError(f"'diff' is {_kind_of(diff)}, not a text")
    return diff


def _kind_of(value: Any) -> str:
    if value is None:
        return "null"
    kinds = {bool: "true or false", str: "a text", list: "a list", dict: "an object"}
    return kinds.get(type(value), "a number")


async def _submit_patch(context: ToolContext[Any], arguments: str) -> str:
    state: PatchState = context.context
    replaced = state.new_code is not None
    kept = " The patch that you submitted before is still in place." if replaced else ""
    try:
        await state.submit(_diff_in(arguments))
    except BadArgumentsError as bad:
        return f"{REFUSED}: the arguments of {PATCH_TOOL} cannot be used: {bad}. Call it with {_EXPECTED}.{kept}"
    except PatchRefusedError as refused:
        return f"{REFUSED}: {refused}{kept}"
    if replaced:
        return "Applied to the current code; it replaces the patch that you submitted before."
    return "Applied. Now say in one to three sentences what you changed."


# The arguments are parsed here and not by the SDK, which answers all invalid ones with the same message.
submit_patch = FunctionTool(
    name=PATCH_TOOL,
    description="Submit one diff that makes the complete change the person asked for.",
    params_json_schema={
        "type": "object",
        "title": "submit_patch_args",
        "properties": {
            "diff": {
                "type": "string",
                "title": "Diff",
                "description": (
                    "A V4A diff against the current code: lines that begin with ' ', '-' or '+', "
                    "changes separated by '@@'."
                ),
            }
        },
        "required": ["diff"],
        "additionalProperties": False,
    },
    on_invoke_tool=_submit_patch,
)

vibecoder: Agent[PatchState] = Agent(name="VibeCoder", instructions=INSTRUCTIONS, tools=[submit_patch])


def input_items(brief: Brief) -> list[TResponseInputItem]:
    """The items that an iteration adds to the conversation: the prompt, or why the last patch was not accepted."""
    if brief.feedback is None:
        return [{"role": "user", "content": brief.prompt}]
    return [{"role": "developer", "content": f"{brief.feedback}\nSubmit a better patch for the same request."}]


def ask_again() -> list[TResponseInputItem]:
    """The items sent to the model after an empty answer."""
    return [{"role": "developer", "content": _ASK_AGAIN}]


def show_code(brief: Brief, data: CallModelData[PatchState]) -> ModelInputData:
    """Insert the current code into the model's input, before this iteration's request.

    It is never stored in the conversation, which would otherwise repeat every version. It comes late, so that the
    input before it is the same in each call and is served from the prompt cache.
    """
    items = data.model_data.input
    place = max((at for at, item in enumerate(items) if item.get("role") in ("user", "developer")), default=0)
    shown: TResponseInputItem = {"role": "developer", "content": _context_text(brief)}
    return ModelInputData(input=[*items[:place], shown, *items[place:]], instructions=data.model_data.instructions)


def _context_text(brief: Brief) -> str:
    parts = [
        f'<project name="{brief.project_name}" version="{brief.version}">',
        "The current code of the project's one file, workflow.py:",
        "</project>",
        *tagged(CODE, brief.code),
    ]
    if brief.node_id is not None:
        source = brief.node_source or "The code has no agent of this name yet. If the person wants it, create it."
        parts += tagged(FOCUS, source, node=brief.node_id)
    return "\n".join(parts)
