"""Runs turns: handles the notifications in the turn queue. The only function that loads the Agents SDK."""

from functions.start import start_function

import asyncio
import logging
import os
from pathlib import Path
from typing import Any

from backend.app.domain.turns.deadline import DeadlineExceededError, deadline, seconds_from_now
from backend.app.memory.memory_files import MemoryFiles
from backend.app.memory.sqlite_memory import SQLiteMemory
from backend.app.settings import AwsSettings
from backend.app.wiring_agent import build_worker_services
from backend.app.wiring_aws import build_aws_engine
from functions.event_handler import event_handler
from functions.model_key import ModelKey
from functions.telemetry import Handler, Json, Telemetry
from functions.turn_notifications import CountingBus, NotificationHandler, with_bus
from shared.aws_service import build_service
from shared.environment import InvalidSettingsError

logger = logging.getLogger(__name__)

_CHECK_SECONDS = 5.0


def _file_system_error(folder: Path) -> str | None:
    """Why memories cannot be stored in the folder; None where no problem is found."""
    try:
        found = os.statvfs(folder)
    except OSError as failed:
        return str(failed.strerror)
    if found.f_flag & os.ST_RDONLY:
        return "it is read-only"
    return None if found.f_bavail and found.f_favail else "it is full"


async def _log_file_system_error(folder: Path) -> None:
    try:
        async with deadline(seconds_from_now(_CHECK_SECONDS)):
            error = await asyncio.to_thread(_file_system_error, folder)
    except DeadlineExceededError:
        error = "it does not respond"
    if error is not None:
        logger.error("The file system of the memories (%s) cannot be used: %s", folder, error)


def _build_handler(settings: AwsSettings, telemetry: Telemetry) -> Handler:
    if settings.openai_secret_arn is None:
        raise InvalidSettingsError("VIBEWIRE_OPENAI_SECRET_ARN: run_turn needs the key of the model's server")
    engine = build_aws_engine(settings)
    key = ModelKey(build_service("secretsmanager"), settings.openai_secret_arn)
    memory = SQLiteMemory(MemoryFiles(settings.memory_dir))
    counted = with_bus(engine, CountingBus(engine.bus, telemetry))
    worker = build_worker_services(settings, counted, memory, key, max_turns=settings.max_turns)
    notifications = NotificationHandler(worker.turns, engine.queue, settings.lease_seconds, telemetry)

    async def run_turns(event: Json, context: Any) -> Json:
        response = await notifications.handle_all(event, context)
        if response["batchItemFailures"]:
            await _log_file_system_error(settings.memory_dir)
        return response

    return event_handler(run_turns, engine.flush, telemetry, asyncio.Runner())


handler = start_function("run_turn", _build_handler)
