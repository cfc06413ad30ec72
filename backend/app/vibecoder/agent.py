"""VibeCoder: the agent that edits the workflow, its instructions and its one tool."""

from dataclasses import dataclass

from agents import Agent, RunContextWrapper, function_tool
from agents.items import TResponseInputItem
from agents.run_config import CallModelData, ModelInputData

from backend.app.domain.agent_port import Brief
from backend.app.domain.ports import Offloader
from backend.app.vibecoder.patching import apply_patch
from backend.app.vibecoder.v4a import PatchRefusedError

INSTRUCTIONS = """\
You are VibeCoder. People edit an agent workflow by talking to you. The project is one Python file that defines
a workflow with the OpenAI Agents SDK: agents (`name = Agent(name=..., instructions=..., handoffs=[...], tools=[...])`),
their handoffs and their function tools. A node is one agent, named by the variable it is assigned to.

You are shown the current code in each request, in a developer message; it is always newer than anything in the
conversation. A `<focus>` section means that the person talks about that one node: "it" and "this agent" are that node.

When the person wants the workflow changed:
1. Call `submit_patch` once, with one diff for the whole change, always against the code that you are shown.
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


@dataclass
class PatchDesk:
    """Where VibeCoder's patches land during one iteration: always applied to the base code, the last one counts."""

    code: str
    max_code_bytes: int
    offloader: Offloader
    new_code: str | None = None

    async def submit(self, diff: str) -> None:
        """Apply a diff. Raises PatchRefusedError; then what was submitted before stays in place."""
        self.new_code = await self.offloader.run(apply_patch, self.code, diff, self.max_code_bytes)


@function_tool
async def submit_patch(desk: RunContextWrapper[PatchDesk], diff: str) -> str:
    """Submit one diff that makes the whole change the person asked for.

    Args:
        diff: A V4A diff against the current code: lines that begin with ' ', '-' or '+', changes separated by '@@'.
    """
    replaced = desk.context.new_code is not None
    try:
        await desk.context.submit(diff)
    except PatchRefusedError as refused:
        kept = " The patch that you submitted before is still in place." if replaced else ""
        return f"Refused: {refused}{kept}"
    if replaced:
        return "Applied to the current code; it replaces the patch that you submitted before."
    return "Applied. Now tell the person in one to three sentences what you changed."


vibecoder: Agent[PatchDesk] = Agent(name="VibeCoder", instructions=INSTRUCTIONS, tools=[submit_patch])


def input_items(brief: Brief) -> list[TResponseInputItem]:
    """What one iteration adds to the conversation: the person's prompt, then each time why a patch was not taken."""
    if brief.feedback is None:
        return [{"role": "user", "content": brief.prompt}]
    return [{"role": "developer", "content": f"{brief.feedback}\nSubmit a better patch for the same request."}]


def show_code(brief: Brief, data: CallModelData[PatchDesk]) -> ModelInputData:
    """The model's input with the current code put before this iteration's request.

    It stands beside the conversation and is never stored in it: the history would otherwise repeat every version. It
    comes late so that what stands before it stays the same from call to call and is served from the prompt cache.
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
        "<code>",
        brief.code,
        "</code>",
    ]
    if brief.node_id is not None:
        source = brief.node_source or "The code has no agent of this name yet. If the person wants it, create it."
        parts += [f'<focus node="{brief.node_id}">', source, "</focus>"]
    return "\n".join(parts)
