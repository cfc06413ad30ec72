"""Structured logs, metrics and, if the settings enable them, traces of a function."""

import logging
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TextIO

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from aws_lambda_powertools.metrics import EphemeralMetrics

Json = dict[str, Any]
Handler = Callable[[Any, Any], Any]

_SERVICE = "vibewire"
_NAMESPACE = "Vibewire"
# Overrides POWERTOOLS_SERVICE_NAME: one more dimension would make other metrics of them.
_NO_SERVICE = ""
# Libraries log from WARNING on: some would log each of their calls.
_OWN_LOGGERS = ("backend", "shared", "functions")


class DiscreetFormatter(LambdaPowertoolsFormatter):
    """Structured log lines in which no exception quotes a prompt, code or a token."""

    def formatException(  # noqa: N802 - the name in logging
        self, ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
    ) -> str:
        """The traceback with the types of the errors; a message only if it cannot contain user input."""
        return "\nthen:\n".join(reversed([_described(error) for error in _with_causes(ei[1])]))


def _with_causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _described(error: BaseException) -> str:
    kind = type(error)
    name = f"{kind.__module__}.{kind.__qualname__}"
    # Messages of AWS and of the operating system contain no user input.
    is_safe = isinstance(error, OSError) or kind.__module__ == "botocore.exceptions"
    return "".join([*traceback.format_tb(error.__traceback__), f"{name}: {error}" if is_safe else name])


@dataclass(frozen=True, slots=True)
class Telemetry:
    """The logger and the metrics of one function. `begin` and `end` enclose each invocation.

    Every metric has the dimension `stack`, so that stacks in one account share none.
    """

    function: str
    logger: Logger
    metrics: Metrics
    stack: str

    def begin(self, context: Any, **keys: Any) -> None:
        """Start an invocation: its log lines have the request's id and these keys."""
        self.logger.structure_logs(
            function=self.function,
            function_request_id=getattr(context, "aws_request_id", None),
            **keys,
        )

    def count(self, name: str, value: float = 1) -> None:
        """Add to a metric of the stack."""
        self.metrics.add_metric(name=name, unit="Count", value=value)

    def end(self, milliseconds: float) -> None:
        """Finish an invocation: flush its metrics, and its latency as a metric of the function."""
        if self.metrics.metric_set:
            self.metrics.add_dimension("stack", self.stack)
            self.metrics.flush_metrics()
        # Only latency is per function: each combination of dimensions is a metric that costs money.
        latency = EphemeralMetrics(namespace=_NAMESPACE, service=_NO_SERVICE)
        latency.add_metric(name="Latency", unit="Milliseconds", value=milliseconds)
        latency.add_dimension("stack", self.stack)
        latency.add_dimension("function", self.function)
        latency.flush_metrics()


def build_telemetry(function: str, stream: TextIO = sys.stdout, *, stack: str = "vibewire") -> Telemetry:
    """Configure the process's logging, and build the telemetry of the function of that name in that stack."""
    formatter = DiscreetFormatter(utc=True, use_rfc3339=True, serialize_stacktrace=False)
    everything = logging.StreamHandler(stream)
    everything.setFormatter(formatter)
    # Replaces the runtime's handler, which logs plain text.
    logging.basicConfig(handlers=[everything], level=logging.WARNING, force=True)
    logger = Logger(service=_SERVICE, logger_handler=logging.StreamHandler(stream), logger_formatter=formatter)
    for name in _OWN_LOGGERS:
        logging.getLogger(name).setLevel(logger.log_level)
    return Telemetry(function, logger, Metrics(namespace=_NAMESPACE, service=_NO_SERVICE), stack)


def traced(telemetry: Telemetry, handler: Handler) -> Handler:
    """The handler with its AWS calls traced in X-Ray. Loads the X-Ray SDK."""
    from aws_lambda_powertools import Tracer

    tracer = Tracer(service=f"{telemetry.stack}-{telemetry.function}")
    wrapped: Handler = tracer.capture_lambda_handler(handler, capture_response=False, capture_error=False)
    return wrapped
