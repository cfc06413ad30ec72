"""Examples of the HTTP API's bodies: requests as the routes declare them, responses built from the API's own models."""

from typing import Any, get_args, get_type_hints

from pydantic import BaseModel

from backend.app.api.application import ALL_ROUTES
from backend.app.api.route import Route
from backend.app.api.schemas import health, messages, projects, sessions
from backend.app.domain.messages.message import MessageStatus
from backend.app.domain.projects.project import STARTER_CODE
from backend.contracts.event_examples import (
    ANSWER,
    BEGAN_AT,
    MESSAGE_ID,
    MODEL,
    PATCH,
    PROJECT_ID,
    PROMPT,
    RESPONSE_ID,
    SESSION_ID,
    USAGE,
    logged_event_examples,
)
from shared.events import event_payload


def api_examples() -> dict[str, Any]:
    """By the name of the model: a body as JSON values."""
    answers = [*_projects(), *_sessions(), *_messages(), health.Health(version="0.1.0", engine="local")]
    return {
        **{_request_model(route): route.example for route in ALL_ROUTES if route.example is not None},
        **{type(one).__name__: one.model_dump(mode="json") for one in answers},
    }


def _request_model(route: Route) -> str:
    """The name of the model of the route's `body`."""
    kind = get_type_hints(route.endpoint)["body"]
    return next(model.__name__ for model in (kind, *get_args(kind)) if isinstance(model, type))


def _projects() -> list[BaseModel]:
    project = projects.ProjectBody(
        project_id=PROJECT_ID,
        name="Customer support",
        owner="ana",
        members=["ben"],
        code=STARTER_CODE,
        version=2,
        nodes=[projects.NodeBody(name="assistant", handoffs=[], tools=[])],
        nodes_truncated=False,
        created_at=BEGAN_AT,
        updated_at=BEGAN_AT,
    )
    fields = projects.ProjectEntryBody.model_fields
    entry = projects.ProjectEntryBody(**{name: getattr(project, name) for name in fields})
    versions = [
        projects.VersionBody(version=2, message_id=MESSAGE_ID, commit_message="Add triage_agent", created_at=BEGAN_AT),
        projects.VersionBody(version=1, message_id=None, commit_message="Created", created_at=BEGAN_AT),
    ]
    return [
        project,
        entry,
        projects.ProjectList(projects=[entry], next_cursor=None),
        projects.VersionList(project_id=PROJECT_ID, versions=versions, next_cursor=None),
        projects.DeletedProject(project_id=PROJECT_ID),
    ]


def _sessions() -> list[BaseModel]:
    session = sessions.SessionBody(
        session_id=SESSION_ID,
        project_id=PROJECT_ID,
        session_type="global",
        node_id=None,
        node_exists=None,
        openai_session_key=f"project_{PROJECT_ID}",
        message_count=1,
        last_seq=5,
        token_usage=USAGE,
        created_at=BEGAN_AT,
    )
    events = [event_payload(event) for event in logged_event_examples()[:5]]
    return [
        session,
        sessions.SessionList(project_id=PROJECT_ID, sessions=[session], next_cursor=None),
        sessions.EventList(session_id=SESSION_ID, events=events, last_seq=5, truncated=False),
        sessions.DeletedSession(session_id=SESSION_ID),
    ]


def _messages() -> list[BaseModel]:
    message = messages.MessageBody(
        message_id=MESSAGE_ID,
        session_id=SESSION_ID,
        project_id=PROJECT_ID,
        number=1,
        prompt=PROMPT,
        status=MessageStatus.COMPLETED,
        content=ANSWER,
        patch=PATCH,
        base_version=1,
        version=2,
        token_usage=USAGE,
        model=MODEL,
        iterations=1,
        attempt=1,
        error=None,
        created_at=BEGAN_AT,
        completed_at=BEGAN_AT,
    )
    page = messages.MessageList(session_id=SESSION_ID, messages=[message], count=1, next_cursor=None)
    return [message, page, _full_message()]


def _full_message() -> BaseModel:
    response = {"id": RESPONSE_ID, "object": "response", "model": MODEL, "output": [{"type": "message"}]}
    call = {"attempt": 1, "agent": "vibecoder", "iteration": 1}
    return messages.FullMessageBody(
        message_id=MESSAGE_ID,
        session_id=SESSION_ID,
        model=MODEL,
        usage=USAGE,
        tool_calls=[messages.ToolCallBody(**call, call_id="call_1", name="submit_patch", arguments='{"diff": "..."}')],
        openai_response=messages.OpenAIResponseBody(
            responses=[
                messages.ModelResponseBody(**call, response_id=RESPONSE_ID, model=MODEL, usage=USAGE, response=response)
            ]
        ),
    )
