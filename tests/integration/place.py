"""Where a Vibewire runs, for tests of both engines."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.aws_stack.stack import start_stack


@dataclass(frozen=True)
class Place:
    """The addresses of a Vibewire, and the credentials of a caller."""

    api_url: str
    relay_url: str
    headers: dict[str, str] = field(default_factory=dict)
    auth: dict[str, str] = field(default_factory=dict)


@contextmanager
def aws_place(model_url: str) -> Iterator[Place]:
    """The AWS engine: every function and a relay as processes of their own."""
    with start_stack(model_url) as stack:
        token = stack.token()
        headers = {"Authorization": f"Bearer {token}"}
        yield Place(stack.api_url, stack.relays[0].url, headers, {"token": token})
        assert "Traceback" not in stack.functions.log.read_text()
