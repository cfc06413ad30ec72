"""The functions' handlers in this process, on moto, called as the Lambda runtime does."""

import asyncio
import io
import json
import logging
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from backend.app.api.application import ALL_ROUTES
from backend.app.api.services import Services
from backend.app.wiring import build_services
from backend.app.wiring_aws import AwsEngine, build_aws_engine
from functions.event_handler import Flush
from functions.http_handler import http_handler
from functions.telemetry import Handler, Telemetry, build_telemetry
from tests.functions.lambda_events import Json, http_event, json_of
from tests.identity.issuer import TokenIssuer
from tests.moto_aws import MotoAws, moto_in_process

_ROUTES = {route.name: route for route in ALL_ROUTES}
_LOGGERS = ("backend", "shared", "functions")


@dataclass
class Context:
    """The runtime's context of an invocation."""

    aws_request_id: str = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"
    seconds_left: float = 30.0

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds_left * 1000)


class Printed:
    """What a function printed: log lines and metrics."""

    def __init__(self, stream: io.StringIO, capsys: pytest.CaptureFixture[str]) -> None:
        self._stream = stream
        self._capsys = capsys
        self._metrics = ""

    @property
    def text(self) -> str:
        self._metrics += self._capsys.readouterr().out
        return self._stream.getvalue() + self._metrics

    @property
    def lines(self) -> list[Json]:
        return [json.loads(line) for line in self._stream.getvalue().splitlines()]

    @property
    def metrics(self) -> Json:
        """The sums of all metrics, latency apart."""
        self._metrics += self._capsys.readouterr().out
        sums: dict[str, float] = {}
        for line in self._metrics.splitlines():
            printed = json.loads(line)
            for metric in printed["_aws"]["CloudWatchMetrics"][0]["Metrics"]:
                sums[metric["Name"]] = sums.get(metric["Name"], 0) + sum(printed[metric["Name"]])
        sums.pop("Latency", None)
        return sums


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def printed(stream: io.StringIO, capsys: pytest.CaptureFixture[str]) -> Printed:
    return Printed(stream, capsys)


@pytest.fixture
def telemetry(stream: io.StringIO) -> Iterator[Telemetry]:
    """The telemetry of a function; the process's logging is restored afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    # Else the force in build_telemetry would close pytest's own handlers.
    root.handlers.clear()
    logging.Logger.manager.loggerDict.pop("vibewire", None)
    telemetry = build_telemetry("tested", stream)
    telemetry.metrics.provider.clear_metrics()  # Powertools keeps them for the process
    yield telemetry
    root.handlers[:] = handlers
    root.setLevel(level)
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.NOTSET)


@pytest.fixture
def moto() -> Iterator[MotoAws]:
    with moto_in_process() as moto:
        yield moto


@pytest.fixture
def engine(moto: MotoAws) -> AwsEngine:
    return build_aws_engine(moto.settings, moto.services)


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="session")
def issuer() -> Iterator[TokenIssuer]:
    with TokenIssuer() as issuer:
        yield issuer


@dataclass
class Functions:
    """Calls the functions of all routes."""

    services: Services
    flush: Flush
    telemetry: Telemetry
    runner: asyncio.Runner
    issuer: TokenIssuer

    def handler(self, name: str) -> Handler:
        telemetry = replace(self.telemetry, function=name)
        return http_handler(_ROUTES[name], self.services, self.flush, telemetry, self.runner.get_loop())

    def answer(self, name: str, **values: Any) -> Json:
        """What the function returns to the runtime."""
        answer: Json = self.handler(name)(http_event(name, **{"token": self.issuer.token(), **values}), Context())
        return answer

    def call(self, name: str, status: int = 200, **values: Any) -> Json:
        """The JSON that the caller gets."""
        return json_of(self.answer(name, **values), status)

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Do something in the functions' loop."""
        return self.runner.run(work)


@pytest.fixture
def functions(
    engine: AwsEngine, moto: MotoAws, telemetry: Telemetry, runner: asyncio.Runner, issuer: TokenIssuer
) -> Functions:
    settings = moto.settings.model_copy(update=issuer.settings)
    return Functions(build_services(settings, engine), engine.flush, telemetry, runner, issuer)


@pytest.fixture
def project_id(functions: Functions) -> str:
    return str(functions.call("create_project", 201)["project_id"])


@pytest.fixture
def session_id(functions: Functions, project_id: str) -> str:
    return str(functions.call("start_session", 201, project_id=project_id)["session_id"])


@pytest.fixture
def message_id(functions: Functions, session_id: str) -> str:
    return str(functions.call("send_message", 202, session_id=session_id)["message_id"])
