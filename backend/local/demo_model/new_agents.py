"""The agents that a request wants to have created."""

import re
from itertools import pairwise

from backend.local.demo_model.source import CannotEditError

USUAL_NAMES = ("triage", "billing", "refunds", "orders", "shipping", "support")
_NUMBERS = ("two", "three", "four", "five", "six")
_MAX_AGENTS = 10
_AGENT = re.compile(r"\b(?:an?|another|one|new) (?:new )?((?:\S+ ){0,4}?)agent\b", re.I)
_AGENTS = re.compile(r"\b((?:[\w'-]+,? ){0,24}?)agents\b\W*(.*)", re.I)
_NO_KIND = re.compile(r"\b(?:to|from|of|for|in|that|which|with|it|this|the|all|my|our|every|tool)\b", re.I)
_NO_NAME = re.compile(rf"\b(?:{'|'.join(_NUMBERS)}|[2-9]|some|several|new|for|called|named|an?|agents?)\b", re.I)
_END_OF_LIST = re.compile(r"\b(?:with|without|that|which|who|where|but|so|each|all|both)\b|[(;]|$", re.I)
_NAMED = re.compile(r"\b(?i:called|named) (?:[\"']([^\"']+)[\"']|([\w-]+(?: [A-Z]\w*)*))")
_TASK = re.compile(r"\b(?:that|which|who) (\w[\w ,'-]*)", re.I)


def new_agents_in(text: str) -> tuple[list[str], str]:
    """The names of the agents to create, and the rest of the text. Raises CannotEditError where there are none."""
    single = [one for one in _AGENT.finditer(text) if not _NO_KIND.search(one[1])][:_MAX_AGENTS]
    if single:
        rests = [text[one.end() : two.start()] for one, two in pairwise(single)] + [text[single[-1].end() :]]
        return [_name(one[1].strip(), rest) for one, rest in zip(single, rests, strict=True)], rests[-1]
    plural = _AGENTS.search(text)
    if plural is None:
        raise CannotEditError('Say which agents to create, such as "Create three agents: triage, billing and refunds".')
    names, rest = [] if _NO_KIND.search(plural[1]) else _list_in(plural[1]), plural[2]
    if not names and (end := _END_OF_LIST.search(rest)):
        number = next((at for at, word in enumerate(_NUMBERS, 2) if re.search(rf"\b(?:{word}|{at})\b", text, re.I)), 2)
        names, rest = _list_in(rest[: end.start()]) or list(USUAL_NAMES[:number]), rest[end.start() :]
    return names[:_MAX_AGENTS], rest


def _name(kind: str, rest: str) -> str:
    named, task = _NAMED.search(rest), _TASK.search(rest)
    name: str = (named[1] or named[2]) if named else kind or (task[1].split()[-1] if task else "new")
    return re.sub(r" agent$", "", name, flags=re.I)


def _list_in(text: str) -> list[str]:
    items = re.split(r",|&|\band\b|\bor\b", _NO_NAME.sub(" ", text))
    return list(dict.fromkeys(name for item in items if (name := " ".join(re.findall(r"[\w'-]+", item)[:4]))))
