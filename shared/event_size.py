"""Bounds the size of events."""

from typing import TypeVar

from pydantic import BaseModel

MAX_EVENT_BYTES = 200_000
# The only fields that can be long.
_LONG_FIELDS = ("prompt", "content", "patch", "patch_preview", "detail")

AnyEvent = TypeVar("AnyEvent", bound=BaseModel)


def fit_event(event: AnyEvent, href: str, limit: int = MAX_EVENT_BYTES) -> AnyEvent:
    """Bound an event's size.

    Args:
        event: to be logged or sent.
        href: the API path of what does not fit.
        limit: bytes of JSON.

    Returns:
        The same event if it fits; else a copy whose largest fields are `null`, with `href` set.
    """
    while len(event.model_dump_json().encode()) > limit:
        long = {name: value for name in _LONG_FIELDS if (value := getattr(event, name, None)) is not None}
        if not long:
            raise ValueError(f"A {type(event).__name__} of over {limit} bytes has no long field to leave out")
        largest = max(long, key=lambda name: len(long[name].encode()))
        event = event.model_copy(update={largest: None, "href": href})
    return event
