"""What a new route or event must declare; see docs/how-to/add-an-endpoint.md and add-an-event.md."""

from typing import Any, get_args, get_type_hints

import pytest
from pydantic import BaseModel

from backend.app.api.application import ALL_ROUTES
from backend.app.api.problem_codes import PROBLEM_CODES
from backend.app.api.route import Route
from backend.contracts.event_examples import live_event_examples, logged_event_examples
from backend.contracts.problems import CODES_OF_NO_CALL
from shared.events import EVENT_TYPES, Event, LiveEvent, LoggedEvent
from tests.api.routes import id_kind

every_route = pytest.mark.parametrize("route", ALL_ROUTES, ids=lambda route: route.name)


def request_model(route: Route) -> type[BaseModel] | None:
    """The model of the request body; None: the route takes no body."""
    kind: Any = get_type_hints(route.endpoint).get("body")
    models = [one for one in (kind, *get_args(kind)) if isinstance(one, type) and issubclass(one, BaseModel)]
    return models[0] if models else None


@every_route
def test_a_route_describes_itself_and_returns_a_success(route: Route) -> None:
    assert route.endpoint.__doc__
    assert all(200 <= int(status) < 300 for status in (route.status_code, *route.responses))


@every_route
def test_a_route_declares_known_error_codes_each_once(route: Route) -> None:
    assert len(route.codes) == len(set(route.codes))
    assert set(route.codes) <= set(PROBLEM_CODES) - CODES_OF_NO_CALL


@every_route
def test_a_route_of_an_id_declares_that_it_may_not_be_found(route: Route) -> None:
    found = {code for code in route.codes if code in ("project_not_found", "session_not_found", "message_not_found")}
    kind = id_kind(route.path)
    assert found == ({f"{kind}_not_found"} if kind else set())


@every_route
def test_a_route_that_takes_a_body_declares_an_example_that_its_model_accepts(route: Route) -> None:
    model = request_model(route)
    assert (route.example is None) == (model is None)
    if model is not None:
        model.model_validate(route.example)


def test_every_event_has_an_example() -> None:
    assert {type(one) for one in logged_event_examples()} == set(get_args(LoggedEvent))
    assert {type(one) for one in live_event_examples()} == set(get_args(LiveEvent))


def test_every_event_describes_itself_and_has_a_type_of_its_own() -> None:
    assert len(EVENT_TYPES) == len(set(EVENT_TYPES))
    assert all(model.__doc__ for model in get_args(Event))
