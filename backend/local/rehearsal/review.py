"""The Evaluator's side: a review of a patch, as JSON."""

from __future__ import annotations

import json
import re

from backend.local.rehearsal.conversation import section
from backend.local.rehearsal.questions import agents_of
from backend.local.rehearsal.reply import Json, content_text
from backend.local.rehearsal.words import listed

_REJECT_ONCE = re.compile(r"\breject\s+(?:(?:it|this|that|the\s+patch)\s+)?(?:once|the\s+first)\b", re.IGNORECASE)
_NEVER = re.compile(r"\bnever\s+approve", re.IGNORECASE)
_POLITE = re.compile(
    r"^(?:please|hi|hello|hey|now|ok|(?:can|could|would|will)\s+you(?:\s+please)?)\b[\s,]*", re.IGNORECASE
)
_TITLE = 72  # characters of a commit message


def is_review(request: Json) -> bool:
    """Tell whether a model call comes from the Evaluator.

    Args:
        request: Body of the model call.

    Returns:
        True when it asks for JSON of a given schema.
    """
    wanted = (request.get("text") or {}).get("format") or {}
    return isinstance(wanted, dict) and wanted.get("type") == "json_schema"


def review(request: Json) -> str:
    """Review the patch of a model call.

    Args:
        request: Body of the model call.

    Returns:
        JSON with `approved`, `reasoning` and `commit_message`.
    """
    given = request.get("input", "")
    items = [{"content": given}] if isinstance(given, str) else given
    text = "\n".join(content_text(item.get("content")) for item in items)
    asked = section(text, "request").strip()
    names = _changed(section(text, "code"), section(text, "new_code"))
    where = listed(names) if names else "the code"
    if _NEVER.search(asked):
        return _verdict(f"I do not approve this change of {where}: the request says never to.", "", approved=False)
    if _REJECT_ONCE.search(asked) and not section(text, "earlier_reviews").strip():
        return _verdict(
            f"The instructions in {where} are too thin: say what to do when a request is not clear. "
            "Submit the patch again with that.",
            "",
            approved=False,
        )
    # The first three lines, the header, begin with '+' and '-' too.
    patch = section(text, "patch").split("\n")[3:]
    added = sum(line.startswith("+") for line in patch)
    removed = sum(line.startswith("-") for line in patch)
    counts = f"{added} {'line' if added == 1 else 'lines'} added, {removed} removed"
    return _verdict(f"The patch does what was asked in {where} ({counts}).", _title(asked, names), approved=True)


def _verdict(reasoning: str, commit_message: str, *, approved: bool) -> str:
    verdict = {"approved": approved, "reasoning": reasoning, "commit_message": commit_message}
    return json.dumps(verdict, ensure_ascii=False)


def _title(asked: str, names: list[str]) -> str:
    line = next((line.strip() for line in asked.split("\n") if line.strip()), "")
    line = re.split(r"(?<=[\w)])[.!?](?:\s|$)", _POLITE.sub("", line))[0].strip(" ,;")
    title = line[:1].upper() + line[1:] if line else "Change the workflow"
    missing = [name for name in names if name.removesuffix("_agent").replace("_", " ") not in title.lower()]
    title += f" ({listed(missing)})" if missing else ""
    return title if len(title) <= _TITLE else title[: _TITLE - 3].rsplit(" ", 1)[0] + "..."


def _changed(old: str, new: str) -> list[str]:
    before, after = agents_of(old), agents_of(new)
    return [name for name in {**after, **before} if before.get(name) != after.get(name)]
