"""Requests whose cost goes with a text: reading, patching, merging, comparing sources, large bodies and answers."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.bench.vibewire_client import Talk

KIB = 1024
SEED = 20261127
_LOOKS, _BETWEEN_LOOKS_SECONDS = 1_500, 0.02
_AGENT = """
agent_{number} = Agent(
    name="Agent {number}",
    instructions="Answer questions about orders. Be friendly, and say what you do not know.",
    tools=[],
)
"""


class Api:
    """The public door of a measured server."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http

    async def call(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
        """The status and the JSON of an answer."""
        async with self._http.request(method, path, json=body, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)

    async def get(self, path: str) -> Any:
        """The JSON of an answer that must be 200."""
        status, answer = await self.call("GET", path)
        if status != 200:
            raise RuntimeError(f"GET {path} answered {status}: {answer}")
        return answer

    async def create(self, code: str) -> str:
        """The id of a new project; empty where its code was refused."""
        status, answer = await self.call("POST", "/projects", {"name": "Cost", "code": code})
        if status not in (201, 422):
            raise RuntimeError(f"Creating a project answered {status}: {answer}")
        return str(answer["project_id"]) if status == 201 else ""

    async def post_refused(self, path: str, content: bytes) -> None:
        """Send a body that must be refused."""
        async with self._http.post(path, data=content, headers={"Content-Type": "application/json"}) as answer:
            if answer.status not in (400, 413, 422):
                raise RuntimeError(f"POST {path} answered {answer.status}: {await answer.text()}")

    async def turn_with_edit(self, code: str, edited: str) -> None:
        """A turn in a new project, whose code is edited by hand as soon as the turn runs; it may end in a conflict."""
        project_id = await self.create(code)
        _, session = await self.call("POST", f"/projects/{project_id}/sessions")
        path = f"/sessions/{session['session_id']}/messages"
        _, sent = await self.call("POST", path, {"prompt": "Create a triage agent"}, Prefer="respond-async")
        await self._while_it_is("queued", sent["message_id"])
        await self.call("PATCH", f"/projects/{project_id}", {"code": edited, "base_version": 1})
        await self._while_it_is("running", sent["message_id"])

    async def _while_it_is(self, status: str, message_id: str) -> None:
        for _ in range(_LOOKS):
            if (await self.get(f"/messages/{message_id}"))["status"] != status:
                return
            await asyncio.sleep(_BETWEEN_LOOKS_SECONDS)
        raise RuntimeError(f"Message {message_id} stays {status}")


Run = Callable[[Api, int], Awaitable[None]]


@dataclass(frozen=True)
class Case:
    """One kind of request at doubling sizes, the largest being the most that the API takes (or the limit of an answer).

    Attributes:
        unit: what `sizes` count.
        run: makes the requests for one size.
        most: how many times the CPU of half the size. Twice the size may cost a little more than twice, for allocation
            and caches; CPython 3.11 reads an f-string again for each brace, which `MAX_BRACE_WORK` bounds.
    """

    name: str
    unit: str
    sizes: Sequence[int]
    run: Run
    most: float = 3.0


def agents(size: int) -> str:
    """An honest source of about so many bytes."""
    blocks, length = ["from agents import Agent\n\nTOP = 1\n"], 0
    while length < size - 2 * len(_AGENT):
        blocks.append(_AGENT.format(number=len(blocks)))
        length += len(blocks[-1])
    return "".join(blocks)


def doubling(largest: int, count: int = 4) -> list[int]:
    """Sizes that double up to the largest."""
    return [largest >> shift for shift in range(count - 1, -1, -1)]


def _create(code: Callable[[int], str]) -> Run:
    async def run(api: Api, size: int) -> None:
        await api.create(code(size))

    return run


def _edit(code: Callable[[int], str], edited: Callable[[str], str]) -> Run:
    async def run(api: Api, size: int) -> None:
        base = code(size)
        await api.turn_with_edit(base, edited(base))

    return run


def _refused(content: Callable[[int], str]) -> Run:
    async def run(api: Api, size: int) -> None:
        await api.post_refused("/projects", content(size * KIB).encode())

    return run


def _empty_lists(size: int) -> str:
    return '{"name": [' + "[]," * (size // 3 - 5) + "1]}"


def _unknown_fields(size: int) -> str:
    return "{" + ",".join(f'"{number:06d}":1' for number in range(size // 11)) + "}"


def _quotes(size: int) -> str:
    return '{"name": "' + r"\"" * (size // 2 - 10) + '"}'


def _between(lines: str) -> str:
    """The lines, an honest end after them: there the model finds a place for what it adds."""
    return f"TOP = 1\n{lines}END = 1\n{agents(KIB)}"


def _flood(lines: int) -> str:
    return _between("\n" * lines)


def _two_kinds_of_lines(lines: int) -> str:
    dice = random.Random(SEED)
    return _between("".join(dice.choice(["\n", "TOP\n"]) for _ in range(lines)))


def _other_start(code: str) -> str:
    return code.replace("TOP = 1", "TOP = 2", 1)


def _mixed(code: str) -> str:
    head, end, tail = code.partition("END = 1\n")
    lines = head.splitlines(keepends=True)
    return "".join([lines[0], *random.Random(SEED + 1).sample(lines[1:], len(lines) - 1), end, tail])


# What the first turn and the first long text of a process cost is another matter: imports, and starting the child.
WARM_UP = Case("first turn", "KiB", [16], _edit(lambda kib: agents(kib * KIB), _other_start))

TEXT_CASES = (
    Case("code of agents, created", "KiB", doubling(256), _create(lambda kib: agents(kib * KIB))),
    Case("code of `a;`, created", "KiB", doubling(256), _create(lambda kib: "a;" * (kib * KIB // 2))),
    Case("code of `a;` that is just read", "KiB", doubling(112), _create(lambda kib: "a;" * (kib * KIB // 2))),
    Case(
        "f-string of fields, created",
        "KiB",
        doubling(48),
        _create(lambda kib: "f'" + "{a}" * (kib * KIB // 3) + "'"),
        4.5,
    ),
    Case("body of empty lists, refused", "KiB", doubling(1024), _refused(_empty_lists)),
    Case("body of unknown fields, refused", "KiB", doubling(1024), _refused(_unknown_fields)),
    Case("body of one text of quotes, refused", "KiB", doubling(1024), _refused(_quotes)),
    Case("turn with an edit: agents", "KiB", doubling(224), _edit(lambda kib: agents(kib * KIB), _other_start)),
    Case("turn with an edit: empty lines", "lines", doubling(28_000), _edit(_flood, _other_start)),
    Case("turn with an edit: two lines mixed", "lines", doubling(28_000), _edit(_two_kinds_of_lines, _mixed)),
)


def answer_cases(full: dict[int, Talk]) -> tuple[Case, ...]:
    """Requests for large answers.

    Args:
        full: by megabytes of model responses, a seeded session whose first message has them.
    """

    async def read_full(api: Api, megabytes: int) -> None:
        (message,) = (await api.get(f"/sessions/{full[megabytes].session_id}/messages"))["messages"]
        await api.get(f"/messages/{message['message_id']}/full")

    made = 0

    async def list_projects(api: Api, count: int) -> None:
        nonlocal made
        while made < count:
            await api.create(agents(30 * KIB))
            made += 1
        await api.get(f"/projects?limit={count}")

    return (
        Case("list of projects of 30 KiB", "projects", doubling(128), list_projects),
        Case("all that the model said", "MB", sorted(full), read_full),
    )
