"""Payloads of subscribe and unsubscribe, and the refusals of invalid ones."""

import pytest

from backend.relay.settings import MAX_AFTER_SESSIONS
from backend.relay.subscription import InvalidSubscriptionError, parse_subscription, parse_unsubscription


def test_a_project_alone_is_a_subscription_without_replay() -> None:
    subscription = parse_subscription([{"project_id": "p"}])
    assert (subscription.project_id, subscription.after) == ("p", {})


def test_after_holds_the_last_numbers_by_session() -> None:
    after = {"one": 0, "two": 2**53}
    assert parse_subscription([{"project_id": "p", "after": after}]).after == after


def test_as_many_sessions_as_the_limit_are_accepted() -> None:
    after = {f"session-{number}": number for number in range(MAX_AFTER_SESSIONS)}
    assert parse_subscription([{"project_id": "p", "after": after}]).after == after


def test_one_session_more_than_the_limit_is_refused_with_the_limit() -> None:
    after = {f"session-{number}": number for number in range(MAX_AFTER_SESSIONS + 1)}
    with pytest.raises(InvalidSubscriptionError, match=f"at most {MAX_AFTER_SESSIONS} sessions"):
        parse_subscription([{"project_id": "p", "after": after}])


@pytest.mark.parametrize("payload", [[], [{"project_id": "p"}, {}], [{"project_id": "p"}, None]])
def test_none_and_two_payloads_are_refused(payload: list[object]) -> None:
    for parse in (lambda: parse_subscription(payload), lambda: parse_unsubscription(payload)):
        with pytest.raises(InvalidSubscriptionError, match="send one object"):
            parse()


@pytest.mark.parametrize("payload", [None, [], "p", 3, 1.5, True, b"p", {}, {"project": "p"}])
def test_a_payload_without_a_project_is_refused(payload: object) -> None:
    for parse in (lambda: parse_subscription([payload]), lambda: parse_unsubscription([payload])):
        with pytest.raises(InvalidSubscriptionError, match=r"payload|project"):
            parse()


@pytest.mark.parametrize("project_id", [None, 3, True, [], {}, "", "p" * 65, "p" * 10_000, "\ud800"])
def test_an_invalid_project_id_is_refused_by_name(project_id: object) -> None:
    for parse in (
        lambda: parse_subscription([{"project_id": project_id}]),
        lambda: parse_unsubscription([{"project_id": project_id}]),
    ):
        with pytest.raises(InvalidSubscriptionError, match="project_id"):
            parse()


@pytest.mark.parametrize("after", [None, [], ["s"], "s", 3, True])
def test_an_invalid_after_is_refused_by_name(after: object) -> None:
    with pytest.raises(InvalidSubscriptionError, match="after"):
        parse_subscription([{"project_id": "p", "after": after}])


@pytest.mark.parametrize("seq", [-1, 2**53 + 1, 1.0, 1.5, float("nan"), float("inf"), "1", True, False, None, [], {}])
def test_an_invalid_number_is_refused_by_name(seq: object) -> None:
    with pytest.raises(InvalidSubscriptionError, match=r"after\.session-1"):
        parse_subscription([{"project_id": "p", "after": {"session-1": seq}}])


@pytest.mark.parametrize("session_id", ["", "s" * 65])
def test_an_invalid_session_id_is_refused(session_id: str) -> None:
    with pytest.raises(InvalidSubscriptionError, match="after"):
        parse_subscription([{"project_id": "p", "after": {session_id: 1}}])


def test_extra_fields_are_refused_by_name() -> None:
    with pytest.raises(InvalidSubscriptionError, match="token"):
        parse_subscription([{"project_id": "p", "token": "t"}])
    with pytest.raises(InvalidSubscriptionError, match="after"):
        parse_unsubscription([{"project_id": "p", "after": {}}])


def test_a_refusal_of_many_errors_is_short() -> None:
    after = {f"session-{number}": -1 for number in range(MAX_AFTER_SESSIONS)}
    with pytest.raises(InvalidSubscriptionError) as refused:
        parse_subscription([{"project_id": "p", "after": after}])
    assert len(str(refused.value)) < 1_000


def test_a_refusal_does_not_quote_the_payload() -> None:
    with pytest.raises(InvalidSubscriptionError) as refused:
        parse_subscription([{"project_id": "secret" * 20}])
    assert "secret" not in str(refused.value)


UPPER = "6F9619FF-8B86-4D01-B42D-00C04FC964FF"


@pytest.mark.parametrize("project_id", [UPPER, UPPER.lower(), UPPER.replace("F", "f")])
def test_ids_in_upper_case_are_the_same_ids(project_id: str) -> None:
    subscription = parse_subscription([{"project_id": project_id, "after": {UPPER: 3}}])
    assert (subscription.project_id, subscription.after) == (UPPER.lower(), {UPPER.lower(): 3})
    assert parse_unsubscription([{"project_id": project_id}]).project_id == UPPER.lower()


def test_one_session_in_upper_and_in_lower_case_is_refused() -> None:
    with pytest.raises(InvalidSubscriptionError, match="two keys are the same session"):
        parse_subscription([{"project_id": "p", "after": {UPPER: 3, UPPER.lower(): 4}}])
