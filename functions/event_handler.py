"""Answers events that are not HTTP: notifications and schedules."""

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
    """Wait for what the invocation still sends. What cannot be sent is logged and counted: relays read it in the log.

    Args:
        flush: returns how many events were dropped since it was called last.
        telemetry: of the function.
    """
    try:
        dropped = await flush()
    except Exception:
        logger.exception("Events were left behind")
    else:
        if dropped:
            telemetry.count("EventDropped", dropped)


class PartsFailedError(Exception):
    """Parts of an invocation failed; the log has each. Raised so that the invocation counts as failed."""


def event_handler(work: Work, flush: Flush, telemetry: Telemetry, runner: asyncio.Runner) -> Handler:
    """The handler that does the work for each event.

    Args:
        work: is given the event and the runtime's context; its result is the function's.
        flush: returns when nothing of the invocation is left to do; the process is frozen after that.
        telemetry: of this function.
        runner: does the work of all invocations in its one loop; connections and locks belong to that.
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
    """Do every part, whatever becomes of the others: what each returned, by its name.

    Raises PartsFailedError, once all were tried.
    """
    done: Json = {}
    failed = []
    for name, part in parts.items():
        try:
            done[name] = await part()
        except Exception:
            logger.exception("Failed: %s; it is tried again the next time", name)
            telemetry.count("PartFailed")
            failed.append(name)
    if failed:
        raise PartsFailedError(", ".join(failed))
    return done
