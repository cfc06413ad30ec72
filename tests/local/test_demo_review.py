from __future__ import annotations

import json
from typing import Any

import pytest

from tests.local.demo_calls import START, patched, review_request, said, turn


def verdict(request: str, **given: str) -> dict[str, Any]:
    result = json.loads(said(review_request(request, **given)))
    assert isinstance(result, dict)
    assert list(result) == ["approved", "reasoning", "commit_message"]
    return result


def test_a_patch_is_approved_with_a_commit_message_from_the_request() -> None:
    new = patched(turn("Create a triage agent"))
    result = verdict("please create a triage agent. Thanks!", new_code=new)
    assert result["approved"] is True
    assert result["commit_message"] == "Create a triage agent"
    assert "triage_agent" in result["reasoning"]


def test_the_commit_message_names_the_agent_that_it_means() -> None:
    new = patched(turn("Make it Spanish"))
    assert verdict("Make it Spanish", new_code=new)["commit_message"] == "Make it Spanish (assistant)"


def test_a_long_request_makes_a_short_commit_message() -> None:
    assert len(verdict("Create an agent that knows " + "very much " * 30)["commit_message"]) <= 72


@pytest.mark.parametrize("words", ["Reject once", "reject it once", "please REJECT THE FIRST patch"])
def test_reject_once_rejects_until_there_is_an_earlier_review(words: str) -> None:
    request = f"Create a triage agent ({words})"
    assert verdict(request)["approved"] is False
    assert verdict(request, earlier="")["approved"] is False
    assert verdict(request, earlier="Too thin.")["approved"] is True


def test_never_approve_always_rejects() -> None:
    assert verdict("never approve this", earlier="Too thin.\nStill too thin.")["approved"] is False


def test_code_that_is_not_python_can_be_reviewed() -> None:
    assert verdict("Create a triage agent", code="x = (", new_code=START)["approved"] is True


def test_a_review_without_any_sections_is_an_approval() -> None:
    body = {"model": "m", "text": {"format": {"type": "json_schema"}}, "input": "no sections"}
    assert json.loads(said(body))["approved"] is True
