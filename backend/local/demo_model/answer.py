"""What the demo model answers to a model call. Pure functions: the same call gives the same answer."""

import json
import re
from itertools import islice

from backend.app.domain.projects.source import InvalidSourceError, parse_source
from backend.app.programs.vibecoder.prompt_tags import PATCH_TOOL, REFUSED
from backend.local.demo_model.context import RequestContext, read_context
from backend.local.demo_model.diff import v4a_diff
from backend.local.demo_model.edits import add_instruction
from backend.local.demo_model.intents import INTENTS, REQUEST_INTENTS
from backend.local.demo_model.new_agents import USUAL_NAMES
from backend.local.demo_model.response import Json, Reply
from backend.local.demo_model.review import is_review, review
from backend.local.demo_model.source import CannotEditError

# What is read of a request: no more than a person types, so that no request makes the expressions slow.
MAX_REQUEST_CHARACTERS, MAX_CLAUSES = 2_000, 20
_NEXT_CLAUSE = re.compile(
    r"[.!;] |(?:, (?:and )?(?:then )?|\band (?:then )?|\bthen |\balso )(?=(?:create|add|make|build|let|give|rename|"
    r"remove|delete|have|it should|hand) )",
    re.IGNORECASE,
)
_BETTER = ("Ask when a request is not clear.", "Say so when you do not know.", "Keep each answer short.")


def answer(request: Json) -> Reply:
    """Answer a model call, the body of a request."""
    if is_review(request):
        return Reply(review(request))
    if (context := read_context(request["input"])) is None:
        return Reply("I do not see the project's code in this conversation.")
    text, new_code = make_plan(context)
    refusals = sum(output.startswith(REFUSED) for output in context.outputs)
    if new_code is None or len(context.outputs) > refusals:
        return Reply(f"{text} I followed the review." if context.rejections else text)
    if refusals > 1:
        return Reply("I could not do that: my patch was refused twice.")
    return Reply(json.dumps({"diff": v4a_diff(context.code, new_code)}, ensure_ascii=False), tool=PATCH_TOOL)


def make_plan(context: RequestContext) -> tuple[str, str | None]:
    """What to say to a request, and the code to come to; None where nothing changes."""
    start, notes = context.code, []
    try:
        for number, clause in enumerate(clauses_of(context.request)):
            table = INTENTS if number else (*REQUEST_INTENTS, *INTENTS)
            found = ((act, match) for pattern, act in table if (match := pattern.search(clause)))
            for act, match in islice(found, 1):
                try:
                    context, note = act(clause, match, context)
                except CannotEditError as error:
                    note = str(error)
                notes.append(note)
        if context.code == start:
            return " ".join(notes) or _examples(context.variables), None
        code = _improved(context, context.rejections + len(context.outputs))
        parse_source(code)
    except InvalidSourceError as error:
        return f"I cannot read the code: {error}. Please correct it first, with Edit above the code.", None
    return " ".join(notes), code


def clauses_of(request: str) -> list[str]:
    """The parts of a request that may ask for something each."""
    straight = request[:MAX_REQUEST_CHARACTERS].translate({0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"'})
    text = ". ".join(" ".join(line.split()) for line in straight.splitlines() if line.strip())
    return [clause for clause in _NEXT_CLAUSE.split(text, MAX_CLAUSES - 1) if clause.strip()]


def _improved(context: RequestContext, times: int) -> str:
    """Change the patch after each rejection, so that the reviewer does not get the same one again."""
    code = context.code
    for var in dict.fromkeys(context.touched) if times else ():
        try:
            code = add_instruction(code, var, _BETTER[min(times, len(_BETTER)) - 1])
        except CannotEditError:
            continue
    return f"{code.rstrip()}\n\n# Revised after review ({times})." if times and code == context.code else code


def _examples(known: list[str]) -> str:
    new = next((name for name in USUAL_NAMES if f"{name}_agent" not in known), "second support")
    several = "Create three agents: triage, billing and refunds, with handoffs"
    linked = f"Let {known[0]} hand off to {known[1]}" if len(known) > 1 else several
    lines = "\n".join(f"- `{example}`" for example in (f"Create a {new} agent", linked, "What agents are there?"))
    return f"I am the demo model: fixed rules, no API key, and I did not understand that. Try one of these:\n\n{lines}"
