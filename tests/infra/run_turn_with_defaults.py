"""Runs one turn in run_turn with the template's environment, and prints the addresses of its model calls.

A process of its own: `python -m tests.infra.run_turn_with_defaults FOLDER`. AWS is moto; in place of the network the
transport of OpenAI's client records each request and answers that the key is invalid.
"""

import shared.empty_variables  # noqa: F401 - first, as in each function

import asyncio
import importlib
import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import boto3
import httpx2
from moto import mock_aws

from backend.app.domain.messages.message import Message
from backend.app.settings import AwsSettings
from backend.app.wiring import build_services
from backend.app.wiring_aws import AwsServices, build_aws_engine
from functions.telemetry import Handler
from shared import aws_service
from shared.environment import read_settings
from tests.functions.lambda_events import notification_event
from tests.template_stack import TemplateStack, create_stack


class RecordingTransport:
    """Records requests instead of sending them."""

    def __init__(self) -> None:
        self.requests: list[httpx2.Request] = []

    async def handle(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        return httpx2.Response(401, json={"error": {"message": "no such key", "code": "invalid_api_key"}})


async def queue_message(stack: TemplateStack, services: AwsServices) -> Message:
    """Store a message as send_message would."""
    settings = read_settings(AwsSettings, stack.environment_of("SendMessageFunction"))
    api = build_services(settings, build_aws_engine(settings, services))
    project = await api.projects.create_project("ann", "Support", None)
    session, _ = await api.sessions.start_session("ann", project.project_id, None)
    return await api.messages.send_message("ann", session.session_id, "Create a triage agent", wait_seconds=0)


def run(folder: Path) -> dict[str, Any]:
    with mock_aws(), mock.patch.object(aws_service, "_THREADS", 1):
        stack = create_stack(boto3.client)
        services = AwsServices.build()
        message = asyncio.run(queue_message(stack, services))
        # A test has no mounted file system.
        given = stack.environment_of("RunTurnFunction", Origins="") | {"VIBEWIRE_MEMORY_DIR": str(folder)}
        transport = RecordingTransport()
        with (
            mock.patch.dict(os.environ, given),
            mock.patch.object(AwsServices, "build", return_value=services),
            mock.patch.object(
                httpx2.AsyncHTTPTransport, "handle_async_request", lambda _, sent: transport.handle(sent)
            ),
        ):
            handler: Handler = importlib.import_module("functions.run_turn").handler
            context = SimpleNamespace(aws_request_id="request", get_remaining_time_in_millis=lambda: 60_000)
            answer = handler(notification_event(message.session_id, message.message_id, "none"), context)
            debug = importlib.import_module("agents._debug")
        return {
            "answer": answer,
            "given": given,
            "addresses": [str(request.url) for request in transport.requests],
            "headers": sorted({name for request in transport.requests for name in request.headers}),
            "logs_prompts": not debug.DONT_LOG_MODEL_DATA,
            "empty": [name for name, value in os.environ.items() if not value and not name.startswith("VIBEWIRE_")],
        }


if __name__ == "__main__":
    result = run(Path(sys.argv[1]))
    print(json.dumps(result))
