"""Handles events that are not HTTP: notifications and schedules."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from functions.telemetry import Handler, Json, Telemetry

logger = logging.getLogger(__name__)

Flush = Callable[[], Awaitable[int]]
Work = Callable[[Json, Any], Awaitable[Json]]
Part = Callable[[], Awaitable[object]]


async def flush_events(flush: Flush, telemetry: Telemetry) -> None:
    """Wait for pending events. Events that cannot be published are logged and counted; relays read them from the log.

    Args:
        flush: returns how many events were dropped since the last call.
        telemetry: of the function.
    """
    try:
        dropped = await flush()
    except Exception:
        logger.exception("Events could not be published")
    else:
        if dropped:
            telemetry.count("EventDropped", dropped)


class PartsFailedError(Exception):
    """Parts of an invocation failed and were logged. Raised so that the invocation counts as failed."""


def event_handler(work: Work, flush: Flush, telemetry: Telemetry, runner: asyncio.Runner) -> Handler:
    """The handler that does the work for each event.

    Args:
        work: called with the event and the runtime's context; returns the function's result.
        flush: returns when the invocation has no more work; the process is frozen after that.
        telemetry: of this function.
        runner: runs all invocations in one loop, to which connections and locks belong.
    """

    async def answer(event: Json, context: Any) -> Json:
        try:
            return await work(event, context)
        finally:
            await flush_events(flush, telemetry)

    def handler(event: Json, context: Any) -> Json:
        began = time.perf_counter()
        telemetry.begin(context)
        try:
            return runner.run(answer(event, context))
        finally:
            telemetry.end((time.perf_counter() - began) * 1000)

    return handler


async def do_all_parts(parts: dict[str, Part], telemetry: Telemetry) -> Json:
    """Run every part, even if others fail; returns the results by name.

    Raises PartsFailedError after all parts were tried.
    """
    done: Json = {}
    failed = []
    for name, part in parts.items():
        try:
            done[name] = await part()
        except Exception:
            logger.exception("Failed: %s; it is retried by the next invocation", name)
            telemetry.count("PartFailed")
            failed.append(name)
    if failed:
        raise PartsFailedError(", ".join(failed))
    return done
