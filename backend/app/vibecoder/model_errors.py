"""What the agents' failures mean for a turn: which pass by, and which will come again."""

import json

import httpx2
import openai
from agents import retry_policies
from agents.exceptions import MaxTurnsExceeded, ModelBehaviorError, ModelTimeoutError
from agents.retry import ModelRetryBackoffSettings, ModelRetrySettings, RetryDecision, RetryPolicyContext

from backend.app.domain.errors import TurnError

# A server that asks for more than this is not waited for inside the attempt; the turn is begun again later.
_LONGEST_WAIT_SECONDS = 20.0
_PASSING_STATUS = (408, 409, 429, 500, 502, 503, 504)
_QUOTA = "insufficient_quota"

EXPECTED = (
    openai.APIError,
    ModelBehaviorError,
    ModelTimeoutError,
    MaxTurnsExceeded,
    httpx2.HTTPError,
    json.JSONDecodeError,
)

_passing = retry_policies.any(
    retry_policies.provider_suggested(),
    retry_policies.network_error(),
    retry_policies.http_status(_PASSING_STATUS),
)


async def _policy(context: RetryPolicyContext) -> RetryDecision:
    if context.normalized.error_code == _QUOTA:
        return RetryDecision(retry=False, reason="the quota is spent")
    if (context.normalized.retry_after or 0) > _LONGEST_WAIT_SECONDS:
        return RetryDecision(retry=False, reason="the server asks for a long wait")
    decision = _passing(context)
    decision = decision if isinstance(decision, bool | RetryDecision) else await decision
    return decision if isinstance(decision, RetryDecision) else RetryDecision(retry=decision)


def model_retries() -> ModelRetrySettings:
    """How one model call is repeated in an attempt: twice, for what passes, never after the model began to answer."""
    return ModelRetrySettings(
        max_retries=2,
        backoff=ModelRetryBackoffSettings(initial_delay=0.5, max_delay=8, multiplier=2, jitter=True),
        policy=_policy,
    )


def turn_error(error: Exception) -> TurnError:
    """What an expected failure of a model (one of EXPECTED) means for the turn."""
    if isinstance(error, MaxTurnsExceeded):
        return TurnError("too_many_steps", "VibeCoder took too many steps without an answer.", retryable=False)
    if isinstance(error, ModelBehaviorError):
        return TurnError("model_misbehaved", f"The model's answer cannot be used: {_brief(error)}", retryable=True)
    if isinstance(error, openai.APIStatusError):
        return _status_error(error)
    return TurnError("model_unavailable", f"The model cannot be reached: {_brief(error)}", retryable=True)


def is_key_refusal(error: Exception) -> bool:
    """Whether the model's server refused the key, or what the key may do."""
    return isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError)


def _status_error(error: openai.APIStatusError) -> TurnError:
    if error.code == _QUOTA:
        return TurnError("model_quota", "The quota of the model's account is spent.", retryable=False)
    if error.status_code in _PASSING_STATUS or error.status_code >= 500:
        detail = f"The model's server answered {error.status_code}: {_brief(error)}"
        return TurnError("model_unavailable", detail, retryable=True, retry_after=_retry_after(error))
    detail = f"The model's server refused the request with {error.status_code}: {_brief(error)}"
    return TurnError("model_refused", detail, retryable=False)


def _retry_after(error: openai.APIStatusError) -> float | None:
    value = error.response.headers.get("retry-after", "")
    return float(value) if value.replace(".", "", 1).isdigit() else None


def _brief(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 300 else f"{text[:297]}..."
