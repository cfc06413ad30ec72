"""All functions in one process, on the template's stack in moto, with a recorder of their AWS calls."""

import asyncio
import importlib
import json
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import boto3
from moto import mock_aws

from backend.app import wiring_aws
from backend.app.settings import AwsSettings
from backend.app.wiring_aws import AwsEngine, AwsServices, build_aws_engine
from functions import telemetry
from shared import aws_service
from shared.environment import read_settings
from tests.aws_call_recorder import AwsCallRecorder
from tests.functions.lambda_events import Json, event_of, http_event, json_of, notification_event
from tests.identity.issuer import AUDIENCE, ISSUER, TokenIssuer
from tests.infra.template_files import REGION, functions
from tests.model_server.server import ModelServer
from tests.template_stack import TemplateStack, create_stack


class LaterClock:
    """The system clock, shifted forward."""

    def __init__(self) -> None:
        self._later = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._later

    def advance(self, **by: float) -> None:
        self._later += timedelta(**by)


class RecordedFunctions:
    """Every function of the template, as Lambda would call it; calls are recorded under its logical id."""

    def __init__(
        self, stack: TemplateStack, memory_dir: Path, recorder: AwsCallRecorder, issuer: TokenIssuer, answers: Json
    ) -> None:
        self.stack = stack
        self.memory_dir = memory_dir
        self.recorder = recorder
        self.clock = LaterClock()
        self._issuer = issuer
        self._answers = answers
        self._handlers: dict[str, Any] = {}
        self._loops: dict[str, asyncio.AbstractEventLoop] = {}
        self._services = AwsServices.build()
        self._sqs = boto3.client("sqs")

    def load(self) -> None:
        """Import all functions, each with the variables that the template gives it."""
        # Powertools has one logger for each process.
        shared = telemetry.build_telemetry("all")
        with (
            mock.patch.object(telemetry, "build_telemetry", return_value=shared),
            mock.patch.object(wiring_aws, "SystemClock", return_value=self.clock),
            mock.patch.object(AwsServices, "build", return_value=self._services),
        ):
            for logical_id, properties in functions().items():
                module = properties["Handler"].removesuffix(".handler")
                variables = self.stack.environment_of(logical_id, **self._answers)
                if "VIBEWIRE_MEMORY_DIR" in variables:
                    variables["VIBEWIRE_MEMORY_DIR"] = str(self.memory_dir)
                with mock.patch.dict(os.environ, variables):
                    self._handlers[logical_id] = importlib.import_module(module).handler
                self._loops[logical_id] = asyncio.get_event_loop_policy().get_event_loop()

    def token(self, user: str) -> str:
        """A token of that user."""
        return self._issuer.token(user)

    def relay_environment(self) -> dict[str, str]:
        """The variables of the relay, which trusts the same issuer."""
        return self.stack.relay_environment(**self._answers)

    def engine(self) -> AwsEngine:
        """The adapters, to simulate failures of functions. Not recorded."""
        variables = self.stack.environment_of("GetHealthFunction", **self._answers)
        return build_aws_engine(read_settings(AwsSettings, variables), self._services, self.clock)

    def invoke(self, logical_id: str, event: Json) -> Json:
        """Call a function."""
        # In Lambda each has its own process, and so its own current event loop.
        asyncio.set_event_loop(self._loops[logical_id])
        context = SimpleNamespace(aws_request_id="request", get_remaining_time_in_millis=lambda: 60_000)
        with self.recorder.acting_as(logical_id):
            answer: Json = self._handlers[logical_id](event, context)
        return answer

    def call(self, use_case: str, status: int, *, user: str = "ann", **values: Any) -> Json:
        """Call the API. `values` are those of http_event: ids, body, query."""
        logical_id = "".join(word.capitalize() for word in use_case.split("_")) + "Function"
        event = http_event(use_case, token=self._issuer.token(user), **values)
        return json_of(self.invoke(logical_id, event), status)

    def clean_up(self, use_case: str) -> Json:
        """Invoke a scheduled function."""
        logical_id = "".join(word.capitalize() for word in use_case.split("_")) + "Function"
        return self.invoke(logical_id, event_of(use_case))

    def handle_notification(
        self, session_id: str, message_id: str, receipt_handle: str = "none", group_id: str | None = None
    ) -> bool:
        """Hand a notification to the worker. Returns whether it is acknowledged."""
        event = notification_event(session_id, message_id, receipt_handle, group_id)
        return not self.invoke("RunTurnFunction", event)["batchItemFailures"]

    def lose_memories(self) -> None:
        """Lose the file system."""
        shutil.rmtree(self.memory_dir)
        self.memory_dir.mkdir()

    def handle_notifications(self) -> None:
        """Act as the event source mapping until the queue is empty."""
        url = self.stack.turn_queue_url
        while messages := self._sqs.receive_message(QueueUrl=url, AttributeNames=["MessageGroupId"]).get("Messages"):
            (message,) = messages
            group_id = message["Attributes"]["MessageGroupId"]
            if self.handle_notification(
                **json.loads(message["Body"]), receipt_handle=message["ReceiptHandle"], group_id=group_id
            ):
                self._sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


@contextmanager
def recorded_functions(memory_dir: Path) -> Iterator[RecordedFunctions]:
    """The functions, loaded; with a token issuer, a model and an account of their own."""
    account = {"ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test", "DEFAULT_REGION": REGION}
    with ExitStack() as opened:
        opened.enter_context(mock.patch.dict(os.environ, {f"AWS_{name}": value for name, value in account.items()}))
        # moto's models are not thread safe.
        opened.enter_context(mock.patch.object(aws_service, "_THREADS", 1))
        opened.enter_context(mock_aws())
        recorder = AwsCallRecorder()
        boto3.setup_default_session()
        assert boto3.DEFAULT_SESSION is not None
        recorder.attach(boto3.DEFAULT_SESSION.events)
        issuer = opened.enter_context(TokenIssuer())
        answers = {
            "JwksUrl": issuer.jwks_url,
            "JwtIssuer": ISSUER,
            "JwtAudience": AUDIENCE,
            "OpenAiBaseUrl": opened.enter_context(_model_server()),
        }
        made = RecordedFunctions(create_stack(boto3.client), memory_dir, recorder, issuer, answers)
        made.load()
        yield made


@contextmanager
def _model_server() -> Iterator[str]:
    """The base URL of a model that answers by rules."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = ModelServer()
    asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(10)
    try:
        yield server.base_url
    finally:
        asyncio.run_coroutine_threadsafe(server.__aexit__(None, None, None), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
