"""Reading the conversation a model call carries: what is asked, about which code, and what came before."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from backend.local.rehearsal.reply import Json, content_text

REJECTED = "The reviewer rejected your patch:"
REFUSED = "Refused"


@dataclass(frozen=True)
class Conversation:
    """What VibeCoder's model call says.

    Attributes:
        request: The user's last message.
        code: The source to change, without line ends after its last line; None when it was not sent.
        focus: The node the session is about, if any.
        rejections: How often the reviewer rejected a patch for this request.
        refusals: How often the tool refused a patch in this run.
        accepted: Whether the tool took the last patch of this run.
        history: The items before the request.
    """

    request: str
    code: str | None = None
    focus: str | None = None
    rejections: int = 0
    refusals: int = 0
    accepted: bool = False
    history: Sequence[Json] = ()


def read_conversation(given: str | Sequence[Json]) -> Conversation:
    """Read the input of VibeCoder's model call, from its end.

    Args:
        given: A text, or the list of items.

    Returns:
        What it says.
    """
    if isinstance(given, str):
        return Conversation(given)
    outputs = _outputs_of_this_run(given)
    context, rejections, at = "", 0, len(given)
    request = ""
    while at > 0:
        at -= 1
        item = given[at]
        role = item.get("role")
        if role == "user":
            request = content_text(item.get("content"))
            break
        if role in ("developer", "system"):
            text = content_text(item.get("content"))
            rejections += text.lstrip().startswith(REJECTED)
            context = context or _if_context(text)
    before = range(at - 1, -1, -1)
    context = context or next(filter(None, (_context_of(given[index]) for index in before)), "")
    focus = re.search(r'^<focus node="([^"]*)">', context, re.MULTILINE)
    return Conversation(
        request=request,
        code=section(context, "code").rstrip("\r\n") if context else None,
        focus=focus.group(1) if focus else None,
        rejections=rejections,
        refusals=sum(output.startswith(REFUSED) for output in outputs),
        accepted=bool(outputs) and not outputs[-1].startswith(REFUSED),
        history=given[:at],
    )


def section(text: str, tag: str) -> str:
    """Read what is between a tag and its end, each on a line of its own.

    Args:
        text: The whole text.
        tag: Name of the tag.

    Returns:
        The lines from the first opening to the last closing tag; empty when there is no such section.
    """
    lines = [line.rstrip("\r") for line in text.split("\n")]
    if f"<{tag}>" not in lines or f"</{tag}>" not in lines:
        return ""
    start = lines.index(f"<{tag}>") + 1
    end = len(lines) - 1 - lines[::-1].index(f"</{tag}>")
    return "\n".join(lines[start:end])


def texts_newest_first(history: Sequence[Json]) -> Iterator[str]:
    """Tell what user and assistant wrote, the newest first. Context messages are left out.

    Args:
        history: Items of a conversation.

    Yields:
        Texts of messages, and the added lines of submitted patches.
    """
    for index in range(len(history) - 1, -1, -1):
        item = history[index]
        if item.get("role") in ("user", "assistant"):
            yield content_text(item.get("content"))
        elif item.get("type") == "function_call":
            lines = _diff_of(item).split("\n")
            yield "\n".join(line[1:] for line in lines if line.startswith("+"))


def _outputs_of_this_run(items: Sequence[Json]) -> list[str]:
    """Read what the patch tool answered since the last message, oldest first."""
    outputs, names = [], {}
    for index in range(len(items) - 1, -1, -1):
        item = items[index]
        if item.get("role") in ("user", "developer", "system"):
            break
        if item.get("type") == "function_call_output":
            outputs.append((item.get("call_id"), content_text(item.get("output")).lstrip()))
        elif item.get("type") == "function_call":
            names[item.get("call_id")] = item.get("name")
    return [text for call, text in reversed(outputs) if names.get(call, "submit_patch") == "submit_patch"]


def _diff_of(item: Json) -> str:
    try:
        arguments = json.loads(item.get("arguments") or "{}")
    except ValueError:
        return ""
    diff = arguments.get("diff") if isinstance(arguments, dict) else None
    return diff if isinstance(diff, str) else ""


def _context_of(item: Json) -> str:
    if item.get("role") not in ("developer", "system"):
        return ""
    return _if_context(content_text(item.get("content")))


def _if_context(text: str) -> str:
    return text if re.search(r"^<code>\r?$", text, re.MULTILINE) else ""
