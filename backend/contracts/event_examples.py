"""Examples of all events, from one conversation and its possible ends."""

from datetime import UTC, datetime, timedelta
from typing import Any

from shared.event_fields import AgentName
from shared.events import (
    AgentIterationEvent,
    CodeChangedEvent,
    Event,
    LoggedEvent,
    MessageCancelledEvent,
    MessageFailedEvent,
    MessageQueuedEvent,
    MessageStartedEvent,
    RetryScheduledEvent,
    SessionDeletedEvent,
    TextDeltaEvent,
    TokenUsageEvent,
    VibecodeResponseEvent,
)
from shared.token_usage import TokenUsage

PROJECT_ID = "01a20790-d004-775e-923b-29a3f1bfc4b9"
SESSION_ID = "01a20790-d007-7612-afc5-f3cf0f33956c"
MESSAGE_ID = "01a20790-d00c-714a-8d5e-f0d7a990743e"
MODEL = "gpt-5.6-luna"
RESPONSE_ID = "resp_32f9485330e270ab"
PROMPT = "Create a triage agent"
ANSWER = "I created triage_agent."
PATCH = (
    "diff --git a/workflow.py b/workflow.py\n"
    "--- a/workflow.py\n"
    "+++ b/workflow.py\n"
    "@@ -7,6 +7,11 @@\n"
    '     instructions="You are a helpful assistant.",\n'
    " )\n"
    " \n"
    "+triage_agent = Agent(\n"
    '+    name="Triage agent",\n'
    '+    instructions="You are a triage agent. Help the user with triage questions.",\n'
    "+)\n"
    "+\n"
    " \n"
    ' if __name__ == "__main__":\n'
    '     print(Runner.run_sync(assistant, "Hello!").final_output)\n'
)
USAGE = TokenUsage(
    prompt_tokens=2349, completion_tokens=127, total_tokens=2476, cached_tokens=1536, reasoning_tokens=40
)
BEGAN_AT = datetime(2026, 11, 23, 8, 41, 0, 684078, UTC)


def logged_event_examples() -> list[LoggedEvent]:
    """An example of each logged event."""
    usage = {
        "prompt_tokens": 859,
        "completion_tokens": 83,
        "total_tokens": 942,
        "cached_tokens": 512,
        "reasoning_tokens": 40,
    }
    return [
        MessageStartedEvent(**_of_message(1), prompt=PROMPT),
        TokenUsageEvent(**_of_message(2), **usage, **_by("vibecoder"), model=MODEL, response_id=RESPONSE_ID),
        AgentIterationEvent(**_of_message(3), **_by("vibecoder"), content=ANSWER, patch_preview=PATCH),
        AgentIterationEvent(
            **_of_message(4),
            **_by("evaluator"),
            content="The patch does what was asked in triage_agent (5 lines added, 0 removed).",
            approved=True,
        ),
        VibecodeResponseEvent(
            **_of_message(5), content=ANSWER, patch=PATCH, token_usage=USAGE, iterations=1, base_version=1, version=2
        ),
        MessageFailedEvent(
            **_of_message(6),
            code="not_approved",
            detail="The instructions are too thin: say what to do when a request is not clear.",
            token_usage=USAGE,
        ),
        MessageCancelledEvent(
            **_of_message(7), code="cancelled", detail="The message was cancelled.", token_usage=TokenUsage()
        ),
        SessionDeletedEvent(**_of_session(8), seq=8),
        RetryScheduledEvent(
            **_of_message(9),
            **_by("vibecoder"),
            code="model_unavailable",
            detail="The model's server answered 429: Rate limit reached.",
            retry_at=BEGAN_AT + timedelta(seconds=12),
        ),
    ]


def live_event_examples() -> list[Event]:
    """An example of each live event."""
    return [
        TextDeltaEvent(
            **_of_session(11), message_id=MESSAGE_ID, attempt=1, **_by("vibecoder"), offset=0, text="I created triage"
        ),
        MessageQueuedEvent(**_of_session(0), message_id=MESSAGE_ID, prompt=PROMPT),
        CodeChangedEvent(**_of_session(10), message_id=MESSAGE_ID, version=2),
    ]


def _of_session(number: int) -> dict[str, Any]:
    return {
        "event_id": f"01a20790-d00e-76b5-8f2c-7f5423ec9e{number:02x}",
        "project_id": PROJECT_ID,
        "session_id": SESSION_ID,
        "created_at": BEGAN_AT + timedelta(milliseconds=20 * number),
    }


def _of_message(seq: int) -> dict[str, Any]:
    return {**_of_session(seq), "seq": seq, "attempt": 1, "message_id": MESSAGE_ID}


def _by(agent: AgentName) -> dict[str, Any]:
    return {"agent": agent, "iteration": 1}
