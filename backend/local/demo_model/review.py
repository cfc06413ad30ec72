"""The Evaluator's part: the review of a patch."""

import json
import re

from backend.app.domain.projects.source import InvalidSourceError
from backend.app.programs.vibecoder.prompt_tags import CODE, EARLIER_REVIEWS, NEW_CODE, REQUEST, section
from backend.local.demo_model.names import listed
from backend.local.demo_model.response import Json, text_in
from backend.local.demo_model.source import WorkflowSource

_REJECT_ONCE = re.compile(r"\breject (?:(?:it|this|that|the patch) )?(?:once|the first)\b", re.IGNORECASE)
_NEVER = re.compile(r"\bnever approve", re.IGNORECASE)
_MAX_TITLE = 72


def is_review(request: Json) -> bool:
    """Whether a model call is the Evaluator's: it asks for JSON of a schema."""
    return bool(((request.get("text") or {}).get("format") or {}).get("type") == "json_schema")


def review(request: Json) -> str:
    """The review as JSON: it approves, unless the request says `reject once` or `never approve`."""
    given = request["input"]
    items = [{"content": given}] if isinstance(given, str) else given
    text = "\n".join(map(text_in, items))
    asked = " ".join(section(text, REQUEST)[:2_000].split())
    before, after = _agents_in(section(text, CODE)), _agents_in(section(text, NEW_CODE))
    names = [name for name in {**after, **before} if before.get(name) != after.get(name)]
    where = listed(names) or "the code"
    if _NEVER.search(asked):
        return _verdict(f"I do not approve this change of {where}: the request says never to.")
    if _REJECT_ONCE.search(asked) and not section(text, EARLIER_REVIEWS).strip():
        return _verdict(f"The instructions in {where} are too thin: say what to do when a request is not clear.")
    return _verdict(f"The patch does what was asked in {where}.", _title(asked, names))


def _verdict(reasoning: str, title: str = "") -> str:
    return json.dumps({"approved": bool(title), "reasoning": reasoning, "commit_message": title}, ensure_ascii=False)


def _title(asked: str, names: list[str]) -> str:
    line = re.split(r"[.!?](?: |$)", re.sub("^please ", "", asked, flags=re.IGNORECASE))[0].strip(" ,;")
    missing = [name for name in names if name.removesuffix("_agent").replace("_", " ") not in line.lower()]
    title = (line[:1].upper() + line[1:] or "Change the workflow") + (f" ({listed(missing)})" if missing else "")
    return title if len(title) <= _MAX_TITLE else f"{title[: _MAX_TITLE - 3].rsplit(' ', 1)[0]}..."


def _agents_in(code: str) -> dict[str, str]:
    try:
        source = WorkflowSource(code)
    except InvalidSourceError:
        return {}
    return {agent.var: source.segment(agent.call) for agent in source.agents}
