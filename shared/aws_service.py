"""An AWS service: a boto3 client with timeouts, called without blocking the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import cached_property, partial
from typing import Any, Self

import boto3
from botocore.client import BaseClient
from botocore.config import Config

# A call succeeds or fails within seconds, retries included: a handler that hangs on a call costs more than a new
# invocation.
_CONNECT_SECONDS = 2.0
_READ_SECONDS = 10.0
_ATTEMPTS = 6
_THREADS = 16


class AwsService:
    """A service's client and the threads that its calls run in. Make one per process and service.

    Args:
        make_client: called when the client is first needed, since creating one takes longer than most calls.
        threads: where the calls run.
    """

    def __init__(self, make_client: Callable[[], BaseClient], threads: Executor) -> None:
        self._make_client = make_client
        self._threads = threads

    @cached_property
    def client(self) -> BaseClient:
        """The service's client."""
        return self._make_client()

    def ready(self) -> Self:
        """Create the client now, and return the service. Safe to repeat."""
        _ = self.client
        return self

    async def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Call an operation by its boto3 name. Raises botocore's ClientError and BotoCoreError."""
        method: Callable[..., dict[str, Any]] = getattr(self.client, operation)
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(method, **parameters))


def build_service(name: str, *, read_seconds: float = _READ_SECONDS, threads: Executor | None = None) -> AwsService:
    """A service by its boto3 name (`dynamodb`, `sqs`), at the endpoint that the environment names.

    Args:
        name: the boto3 name.
        read_seconds: the read timeout; longer than the wait of a long poll.
        threads: where to run the calls; by default a pool of its own.
    """
    config = Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=read_seconds,
        # "standard" retries throttling, 5xx and broken connections with jittered exponential backoff.
        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
        max_pool_connections=_THREADS,
    )
    make_client: Callable[..., BaseClient] = boto3.client
    return AwsService(
        partial(make_client, name, config=config), threads or ThreadPoolExecutor(_THREADS, thread_name_prefix=name)
    )
