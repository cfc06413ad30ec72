"""The retry policy of model calls within an attempt."""

import random
from collections.abc import Awaitable, Callable

from agents.retry import ModelRetrySettings, RetryDecision, RetryPolicyContext

from backend.app.domain.errors import TurnError
from backend.app.programs.models.model_client import Secrets
from backend.app.programs.models.model_errors import EXPECTED, turn_error
from backend.app.programs.models.model_failures import ReportedError

_MAX_RETRIES = 2
_FIRST_DELAY_SECONDS = 0.5
_JITTER = 0.25
# If a server asks for a longer pause, the call is not retried within the attempt; the turn is retried later.
_LONGEST_WAIT_SECONDS = 20.0

# Called before a retry, with the reason and the seconds until then.
RetryNotice = Callable[[TurnError, float], Awaitable[None]]


def model_retries(notice: RetryNotice, secrets: Secrets) -> ModelRetrySettings:
    """Retry a model call twice for temporary failures, never after the model's output has started.

    A silent server is not called again within the attempt: it would only restart its work. Neither is one that billed
    the failed call, so that this is paid once per attempt.
    """

    async def policy(context: RetryPolicyContext) -> RetryDecision:
        if not isinstance(context.error, EXPECTED) or _is_billed(context.error):
            return RetryDecision(retry=False)
        found = turn_error(context.error, secrets())
        delay = found.retry_after
        if not found.retryable or found.code != "model_unavailable" or (delay or 0.0) > _LONGEST_WAIT_SECONDS:
            return RetryDecision(retry=False)
        if delay is None:
            backoff = _FIRST_DELAY_SECONDS * 2 ** (context.attempt - 1)
            delay = backoff * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 (spreads calls, guards nothing)
        await notice(found, delay)
        return RetryDecision(retry=True, delay=delay)

    return ModelRetrySettings(max_retries=_MAX_RETRIES, policy=policy)


def _is_billed(error: Exception) -> bool:
    return isinstance(error, ReportedError) and error.billed
