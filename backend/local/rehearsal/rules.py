"""What the rehearsal model answers to a model call. Pure functions: the same call gives the same answer."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace

from backend.local.rehearsal.changes import add_sentence
from backend.local.rehearsal.clauses import RULES, describe_rules
from backend.local.rehearsal.conversation import Conversation, read_conversation
from backend.local.rehearsal.diff import v4a_diff
from backend.local.rehearsal.edits import parses
from backend.local.rehearsal.outcome import Outcome
from backend.local.rehearsal.questions import answer_question, is_question
from backend.local.rehearsal.reply import CallTool, Json, Reply, Say
from backend.local.rehearsal.review import is_review, review
from backend.local.rehearsal.scene import Scene
from backend.local.rehearsal.source import CannotEditError
from backend.local.rehearsal.words import straight_quotes

PATCH_TOOL = "submit_patch"
_MAX_REFUSALS = 2
_TOO_HARD = "I could not make that change without breaking the code."
_NEXT_CLAUSE = re.compile(
    r"(?<=[.!;\n])\s+|\s*,?\s+(?:and(?:\s+then)?|then|also)\s+(?:also\s+)?"
    r"(?=(?:create|add|make|build|let|give|rename|remove|delete|have\s+it|hand)\b)",
    re.IGNORECASE,
)
_BETTER = (
    "Ask a short question when a request is not clear.",
    "Say so when you do not know the answer.",
    "Keep each answer short.",
)


@dataclass(frozen=True)
class Plan:
    """What to do about a request.

    Attributes:
        text: What to tell the user once it is done, or instead of doing anything.
        new_code: The source to come to; None when there is nothing to change.
    """

    text: str
    new_code: str | None = None


def answer(request: Json) -> Reply:
    """Answer a model call by the rules.

    Args:
        request: Body of the model call.

    Returns:
        A text, the JSON of a review, or a call of the patch tool.
    """
    if is_review(request):
        return Say(review(request))
    talk = read_conversation(request.get("input", ""))
    plan = make_plan(talk)
    if plan.new_code is None:
        return Say(plan.text)
    if not any(tool.get("name") == PATCH_TOOL for tool in request.get("tools") or ()):
        return Say("I have no tool to change the code with.")
    if talk.accepted:
        return Say(f"{plan.text} I followed the review." if talk.rejections else plan.text)
    if talk.refusals >= _MAX_REFUSALS:
        return Say("I could not do that: my patch was refused twice.")
    return submit(talk.code or "", plan.new_code)


def answer_json(request: bytes) -> Reply:
    """Answer a model call as it was sent; an Offloader may do it elsewhere.

    Args:
        request: Body of the model call, as JSON.

    Returns:
        As `answer` does.
    """
    return answer(json.loads(request))


def submit(code: str, new_code: str) -> CallTool:
    """Call the patch tool.

    Args:
        code: The source the patch is for.
        new_code: The source it leads to.

    Returns:
        The call.
    """
    return CallTool(PATCH_TOOL, json.dumps({"diff": v4a_diff(code, new_code)}, ensure_ascii=False))


def submit_again(request: Json) -> CallTool:
    """Call the patch tool whatever the tool answered before.

    Args:
        request: Body of VibeCoder's model call.

    Returns:
        The call; when the request asks for no change, its patch only adds a comment.
    """
    talk = read_conversation(request.get("input", ""))
    code = talk.code or ""
    return submit(code, make_plan(talk).new_code or f"{code}\n# Nothing to change.".lstrip("\n"))


def make_plan(talk: Conversation) -> Plan:
    """Decide what a request comes to. What the patch tool accepted does not change the plan.

    Args:
        talk: The conversation.

    Returns:
        The plan.
    """
    if talk.code is None:
        return Plan("I do not see the project's code in this conversation.")
    scene = Scene(talk.code.replace("\r\n", "\n"), talk.focus, talk.history)
    try:
        agents = scene.agents
    except SyntaxError as error:
        return Plan(f"I cannot read the code: {error.msg} (line {error.lineno or 1}). Please mend it first.")
    asked = straight_quotes(talk.request)
    if is_question(asked):
        return Plan(answer_question(asked, scene))
    try:
        outcome = _follow(asked, scene)
    except CannotEditError as error:
        return Plan(str(error))
    except SyntaxError:
        return Plan(_TOO_HARD)
    if outcome is None:
        known = f"\nThe code has {len(agents)} {'agent' if len(agents) == 1 else 'agents'}."
        return Plan(describe_rules() + known)
    if outcome.code == scene.code:
        return Plan(outcome.note)
    code = _improved(outcome, talk.rejections + talk.refusals)
    if not parses(code):
        return Plan(_TOO_HARD)
    return Plan(outcome.note, code)


def _follow(request: str, scene: Scene) -> Outcome | None:
    """Apply the first rule that fits to each part of the request, one after the other."""
    notes: list[str] = []
    touched: list[str] = []
    for clause in _NEXT_CLAUSE.split(request):
        found = (rule(clause, scene) for rule in RULES)
        outcome = next((outcome for outcome in found if outcome is not None), None)
        if outcome is None:
            continue
        notes.append(outcome.note)
        touched += outcome.touched
        last = outcome.touched[-1] if outcome.touched else scene.touched
        scene = replace(scene, code=outcome.code, touched=last)
    return Outcome(scene.code, " ".join(notes), tuple(dict.fromkeys(touched))) if notes else None


def _improved(outcome: Outcome, times: int) -> str:
    """Change the patch after each rejection, so that the reviewer does not see the same one again."""
    code = outcome.code
    for sentence in _BETTER[:times]:
        for var in outcome.touched:
            try:
                code = add_sentence(code, var, sentence)
            except CannotEditError:
                continue
    if times and code == outcome.code:
        code = f"{code.rstrip()}\n\n# Revised after review ({times})."
    return code
