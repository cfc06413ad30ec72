"""Functions that a schedule calls: one part that fails stops no other, and does not stay unseen."""

import asyncio
from pathlib import Path

import pytest

from backend.app.domain.sessions.memory import MemoryRef
from backend.app.memory.memory_eraser import MemoryEraser
from backend.app.memory.memory_files import MemoryFiles
from functions.event_handler import PartsFailedError, do_all_parts, event_handler
from functions.telemetry import Telemetry
from tests.functions.conftest import Context, Printed

REF = MemoryRef("01a207ba-1a51-7211-abbd-ebd58bdabe72", "project_01a207ba-1a6f-7375-8ce3-973e75bb61ac")


async def one() -> int:
    return 1


async def nothing() -> int:
    return 0


async def broken() -> int:
    raise OSError("the disk was removed")


async def test_every_part_runs_even_if_others_fail(telemetry: Telemetry, printed: Printed) -> None:
    done = []

    async def last() -> int:
        done.append("last")
        return 2

    with pytest.raises(PartsFailedError, match="first, third"):
        await do_all_parts({"first": broken, "second": one, "third": broken, "last": last}, telemetry)
    assert done == ["last"]
    telemetry.end(1)
    assert printed.metrics == {"PartFailed": 2}
    assert [line["message"].split(";")[0] for line in printed.lines] == ["Failed: first", "Failed: third"]


async def test_the_result_of_each_part_is_returned(telemetry: Telemetry) -> None:
    assert await do_all_parts({"a": one, "b": one}, telemetry) == {"a": 1, "b": 1}


def test_an_invocation_that_failed_has_sent_its_metrics_and_events(
    telemetry: Telemetry, printed: Printed, runner: asyncio.Runner
) -> None:
    flushed = 0

    async def flush() -> int:
        nonlocal flushed
        flushed += 1
        return 3

    async def work(event: object, context: object) -> dict[str, object]:
        return await do_all_parts({"first": broken}, telemetry)

    handler = event_handler(work, flush, telemetry, runner)
    for _ in range(2):
        with pytest.raises(PartsFailedError):
            handler({}, Context())
    assert flushed == 2
    assert printed.metrics == {"PartFailed": 2, "EventDropped": 6}


def test_one_loop_serves_all_invocations(telemetry: Telemetry, runner: asyncio.Runner) -> None:
    async def work(event: object, context: object) -> dict[str, object]:
        return {"loop": id(asyncio.get_running_loop())}

    handler = event_handler(work, nothing, telemetry, runner)
    assert handler({}, Context()) == handler({}, Context())


def test_erasing_a_memory_removes_its_quarantined_files(tmp_path: Path) -> None:
    path = MemoryFiles(tmp_path).make_folder(REF)
    for name in (path.name, f"{path.name}-journal", f"{path.name}.corrupt-0"):
        path.with_name(name).write_text("x")
    eraser = MemoryEraser(tmp_path)
    asyncio.run(eraser.erase_memory(REF))
    asyncio.run(eraser.erase_memory(REF))
    assert list(tmp_path.iterdir()) == []


async def test_nothing_is_marked_as_erased_without_the_file_system(tmp_path: Path) -> None:
    """Else a session would expire while its conversation stays on a disk that was not mounted."""
    with pytest.raises(FileNotFoundError):
        await MemoryEraser(tmp_path / "nowhere").erase_memory(REF)
