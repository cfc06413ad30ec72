"""Erases the files and records of deleted sessions. Invoked on a schedule, or by hand."""

from functions.start import start_function

import asyncio
from typing import Any

from backend.app.domain.sessions.erasure_service import MemoryErasure
from backend.app.domain.sessions.memory import MemoryRef
from backend.app.memory.memory_eraser import MemoryEraser
from backend.app.settings import AwsSettings
from backend.app.wiring_aws import build_aws_engine
from backend.app.wiring_clean_up import build_clean_up_services
from functions.event_handler import PartsFailedError, do_all_parts, event_handler
from functions.telemetry import Handler, Json, Telemetry


class CountingEraser:
    """Counts memories that cannot be erased now. The service continues with the next, and retries them later."""

    def __init__(self, eraser: MemoryErasure, telemetry: Telemetry) -> None:
        self._eraser = eraser
        self._telemetry = telemetry
        self.failures = 0

    async def erase_memory(self, ref: MemoryRef) -> None:
        """See Memory."""
        try:
            await self._eraser.erase_memory(ref)
        except OSError:
            self.failures += 1
            self._telemetry.count("ErasureFailed")
            raise


def _build_handler(settings: AwsSettings, telemetry: Telemetry) -> Handler:
    engine = build_aws_engine(settings)
    eraser = CountingEraser(MemoryEraser(settings.memory_dir), telemetry)
    services = build_clean_up_services(settings, engine, eraser)

    async def erase(_event: Json, _context: Any) -> Json:
        eraser.failures = 0
        done = await do_all_parts({"erased_sessions": services.erasure.erase_deleted_sessions}, telemetry)
        telemetry.count("SessionErased", done["erased_sessions"])
        if eraser.failures:
            raise PartsFailedError(f"{eraser.failures} memories could not be erased")
        return done

    return event_handler(erase, engine.flush, telemetry, asyncio.Runner())


handler = start_function("erase_session", _build_handler)
