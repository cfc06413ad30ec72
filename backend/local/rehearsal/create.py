"""The rule for new agents: `Create a billing agent called Bills that answers questions about invoices`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from backend.local.rehearsal.links import HANDOFF
from backend.local.rehearsal.words import key_words, language_in, with_article, words_of

_VERB = r"\b(?:create|add|make|build|write|generate|introduce|set\s+up|need|want|have|include)\s+(?:me\s+|us\s+)?"
_ARTICLE = r"(?P<article>another|one\s+more|one|an?(?:\s+new)?|new)"
_KIND = r"(?P<kind>(?:[\w'-]+\s+){0,4}?)"
_ONE = re.compile(rf"{_ARTICLE}\s+{_KIND}agent\b", re.IGNORECASE)
_FIRST = re.compile(rf"{_VERB}(?={_ONE.pattern})", re.IGNORECASE)
_NEXT = re.compile(rf"(?:,\s*(?:and\s+)?|\band\s+)(?={_ONE.pattern})", re.IGNORECASE)
_MANY = r"(?:(?:two|three|four|five|\d+|some|a\s+few|several)\s+)?(?:new\s+)?"
_PLURAL = re.compile(
    rf"{_VERB}{_MANY}(?:(?P<kinds>[\w'-][\w',\s-]*?)\s+)?agents\b(?P<rest>.*)", re.IGNORECASE | re.DOTALL
)
_NAMED = re.compile(
    r"\s*\b(?i:called|named)\s+(?:[\"'](?P<quoted>[^\"']+)[\"']|(?P<plain>[\w-]+(?:\s+(?:[A-Z]\w*|agent\b))*))"
)
_NOT_A_KIND = frozenset(re.findall(r"\w+", "to from the of for in that with which it its this all agents"))
_NOT_A_TOPIC = frozenset(
    re.findall(
        r"\w+",
        "that which who to for with can should will is are be a an the and or it its my our your all "
        "any about questions question users user customers customer people handles handle answers "
        "answer deals deal does do helps help takes take care responsible agent only always",
    )
)


@dataclass(frozen=True)
class NewAgent:
    """An agent somebody asks for.

    Attributes:
        name: Its name.
        instructions: What it is told to do.
        another: Whether a second one of the same name is wanted.
        tail: The rest of what was said about it.
    """

    name: str
    instructions: str
    another: bool = False
    tail: str = ""


def new_agents_in(clause: str) -> list[NewAgent]:
    """Find the agents a request wants to have created.

    Args:
        clause: One part of a request.

    Returns:
        The agents; empty when it asks for none.
    """
    first = _FIRST.search(clause)
    if first is None or not _is_kind(_ONE.match(clause, first.end())):
        return _several(clause)
    starts = [first.end()] + [match.end() for match in _NEXT.finditer(clause, first.end())]
    found = []
    for index, start in enumerate(starts):
        item = _ONE.match(clause, start)
        if item is None or not _is_kind(item):
            continue
        end = starts[index + 1] if index + 1 < len(starts) else len(clause)
        tail = re.sub(r"[\s,]*(?:\band\s*)?$", "", clause[item.end() : end])
        another = item["article"].lower().startswith(("another", "one more"))
        found.append(_new_agent(item["kind"], tail, another=another))
    return found


def _several(clause: str) -> list[NewAgent]:
    match = _PLURAL.search(clause)
    if match is None or re.search(r"hand\s*-?\s*offs?\b", clause, re.IGNORECASE):
        return []
    kinds, rest = match["kinds"] or "", match["rest"]
    if re.fullmatch(r"(?:all|the|these|those|both|my|our|every|each)\b.*", kinds, re.IGNORECASE | re.DOTALL):
        return []
    if not kinds:
        listed = re.match(r"\s*(?:for|called|named|:)\s*(.+)", rest, re.IGNORECASE | re.DOTALL)
        kinds = listed.group(1) if listed else ""
    parts = re.split(r"\s*,\s*(?:and\s+)?|\s+and\s+", kinds.strip(" .!"))
    named = [" ".join(key_words(part)) for part in parts]
    return [_new_agent(kind, "", another=False) for kind in named if kind]


def _is_kind(item: re.Match[str] | None) -> bool:
    return item is not None and not _NOT_A_KIND & set(words_of(item["kind"]))


def _new_agent(kind: str, tail: str, *, another: bool) -> NewAgent:
    named = _NAMED.search(tail)
    if named is not None:
        tail = tail[: named.start()] + tail[named.end() :]
    purpose = re.sub(r"\s+", " ", tail).strip(" ,.;:!?\"'")
    kind = re.sub(r"\s+", " ", kind).strip()
    given = (named["quoted"] or named["plain"]) if named else ""
    about = HANDOFF.split(purpose, maxsplit=1)[0]
    topic = [word for word in words_of(about) if word not in _NOT_A_TOPIC][:2]
    wanted = given or kind or " ".join(topic) or "new"
    instructions = _instructions(wanted, kind, purpose, own=bool(given))
    return NewAgent(_display(wanted, own=bool(given)), instructions, another, purpose)


def _display(wanted: str, *, own: bool) -> str:
    text = wanted.replace("_", " ").strip()
    if not own and not text.lower().endswith("agent"):
        text += " agent"
    return text[:1].upper() + text[1:]


def _instructions(wanted: str, kind: str, purpose: str, *, own: bool) -> str:
    start = f"You are {with_article(f'{kind} agent'.strip())}"
    if own and not kind:
        start = f"You are {wanted.replace('_', ' ')}, an agent"
    task = re.fullmatch(r"to (.+)", purpose, re.IGNORECASE)
    if task:
        return f"{start.removesuffix(', an agent')}. Your task is to {task.group(1)}."
    if re.match(r"(?:that|which|who|for)\b", purpose, re.IGNORECASE):
        return f"{start} {purpose}."
    topic = " ".join(key_words(kind or wanted))
    help_with = f" with {topic} questions" if topic not in ("", "new") and not own and not language_in(kind) else ""
    return f"{start.removesuffix(', an agent')}. Help the user{help_with}."
