"""Odd sources, hostile requests, and patches that were rejected or refused."""

import ast
import random
import re

import pytest
from agents.apply_diff import apply_diff

from backend.app.domain.projects.source import parse_source
from backend.local.demo_model import source
from backend.local.demo_model.answer import MAX_CLAUSES, MAX_REQUEST_CHARACTERS, answer, clauses_of
from backend.local.demo_model.response import Json
from tests.local.demo_calls import (
    START,
    TWO_AGENTS,
    asked,
    assistant,
    context,
    diff_of,
    patched,
    rejection,
    said,
    said_after,
    tool_call,
    tool_output,
    turn,
    user,
)


def test_code_that_is_not_python_is_left_alone() -> None:
    text = said(turn("Create a triage agent", "from agents import Agent\nx = (\n"))
    assert (
        text
        == "I cannot read the code: line 2: '(' was never closed. Please correct it first, with Edit above the code."
    )


@pytest.mark.parametrize("end", ["", "\n", "\n\n"])
def test_the_patch_fits_however_the_code_ends(end: str) -> None:
    code = START.rstrip() + end
    assert "triage_agent = Agent(" in apply_diff(code, diff_of(turn("Create a triage agent", code)))


@pytest.mark.parametrize(
    "code",
    [
        'import agents as ag\n\nbot = ag.Agent("Bot")\n',
        'from agents import Agent\n\nbot = Agent(name="Bót", instructions=("one "\n    "two"),)\n',
        "from agents import Agent\n\nbot = Agent(\n    name='Bot',\n    instructions='Hi'  # a comment\n)\n",
        'from agents import Agent\n\nbot = Agent(\n"Bot", instructions="""\n    Long.\n    """,\n    tools=[],\n)\n',
        "from agents import (\n    Agent,\n    Runner,\n)\nif Agent:\n\tbot = Agent(\n\t\tname='Bot',\n\t)\n",
        'from agents import Agent\r\n\r\nbot = Agent(name="Bot")\r\n',
        '\ufefffrom agents import Agent\n\nbot = Agent(name="Bot")\n',
        'from agents import Agent\n\nbot: Agent = Agent[None](name="Bot")\n',
        'from agents import Agent\n\nWHO = "you"\nbot = Agent(name="Bót", instructions=f"Serve {WHO}.", tools=[])\n',
    ],
)
@pytest.mark.parametrize("request_text", ["Make it Greek", "Give it a tool to dig", "Create a sales agent"])
def test_edits_keep_the_layout_of_the_source(code: str, request_text: str) -> None:
    new = patched(turn(request_text, code), code)
    assert any(word in new for word in ("Always answer in Greek.", "tools=[dig]", "sales_agent = "))


def test_what_cannot_be_edited_is_said() -> None:
    computed = "from agents import Agent\n\ndef say(): ...\n\nbot = Agent(name='Bot', instructions=say())\n"
    assert "are computed by the code" in said(turn("Make it Greek", computed))
    only = 'from agents import Agent, Runner\n\nbot = Agent(name="Bot")\nprint(bot)\n'
    assert "no other agent" in said(turn("Remove bot", only))
    assert "There is no agent in the code yet." in said(turn("Make it Greek", "x = 1\n"))


HOSTILE = {
    "long": "Create a triage agent " + "very much " * 10_000,
    "one word": "Create a " + "x" * 100_000,
    "clauses": "create a a agent. " * 10_000,
    "spaces": "rename it" + " " * 100_000 + "to",
    "commas": "create " + "a, " * 33_000 + "agents",
    "handoffs": "hand off to " * 8_000,
    "questions": "?" * 100_000 + "a",
    "thes": "make " + "the " * 25_000 + "spanish",
    "control": "Create a \x1b[31m\x07\u202e tri\x00age\u200b agent \x9b",
    "noise": "".join(random.Random(20261127).choices("ab ,.\n\t?'\"(agentshof", k=100_000)),
}


@pytest.mark.parametrize("request_text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_request_is_read_as_far_as_a_person_types_and_answered(
    monkeypatch: pytest.MonkeyPatch, request_text: str
) -> None:
    parsed: list[str] = []

    def parse(code: str) -> ast.Module:
        parsed.append(code)
        return parse_source(code)

    monkeypatch.setattr(source, "parse_source", parse)
    clauses = clauses_of(request_text)
    assert len(clauses) <= MAX_CLAUSES
    assert sum(map(len, clauses)) <= 2 * MAX_REQUEST_CHARACTERS  # a line end becomes two characters
    body = turn(request_text)
    reply = answer(body)
    assert reply.text
    # A clause makes at most ten agents, each with its handoff and instructions.
    assert len(parsed) <= MAX_CLAUSES * 60
    if reply.tool is not None:
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", patched(body))


def test_a_rejected_patch_is_submitted_again_with_better_instructions() -> None:
    first = turn("Create a triage agent")
    items = [*first["input"], tool_call(diff_of(first)), tool_output("Accepted."), assistant("I created triage_agent.")]
    again = asked(*items, context(START), rejection("The instructions are too thin."))
    assert "triage_agent = Agent(" in patched(again)
    assert diff_of(again) != diff_of(first)
    assert said_after(again) == "I created triage_agent. I followed the review."


@pytest.mark.parametrize("request_text", ["Remove the billing agent", "Rename it to Max", "Make it Dutch"])
def test_every_kind_of_patch_changes_after_a_rejection(request_text: str) -> None:
    first = turn(request_text, TWO_AGENTS)
    again = asked(*first["input"], context(TWO_AGENTS), rejection("No."))
    assert patched(again, TWO_AGENTS) != patched(first, TWO_AGENTS)


def test_a_patch_that_changes_and_removes_an_agent_changes_after_a_rejection_too() -> None:
    first = turn("Make billing Spanish. Remove billing", TWO_AGENTS)
    again = asked(*first["input"], context(TWO_AGENTS), rejection("No."))
    assert "billing_agent" not in patched(again, TWO_AGENTS)
    assert patched(again, TWO_AGENTS) != patched(first, TWO_AGENTS)


def test_a_refused_patch_is_corrected_once() -> None:
    body = turn("Create a triage agent")
    refused = [tool_call("@@\n-nothing"), tool_output("Refused: the patch does not apply.")]
    second = {**body, "input": [*body["input"], *refused]}
    assert "triage_agent" in patched(second)
    third = {**body, "input": [*second["input"], *refused]}
    assert "could not" in said(third)


def test_it_is_the_agent_of_a_patch_when_nothing_was_said_after_it() -> None:
    added = tool_call("@@\n billing_agent\n+triage_agent = Agent(\n")
    assert "triage_agent" in said_after(turn("Make it Spanish", TWO_AGENTS, history=[user("x"), added]))


def test_a_call_with_broken_arguments_names_no_agent() -> None:
    broken = [{**tool_call(""), "arguments": text} for text in ("{", "[]", '{"diff": 3}', "null")]
    assert "billing_agent" in said_after(turn("Make it Spanish", TWO_AGENTS, history=[user("x"), *broken]))


def test_the_last_context_message_holds_the_code() -> None:
    old = [context(START), user("Create a triage agent"), assistant("I created triage_agent.")]
    assert "triage_agent" in said_after(turn("Make it Spanish", TWO_AGENTS, history=old))


@pytest.mark.parametrize("body", [{"model": "m", "input": "Create a triage agent"}, asked(user("hi")), asked()])
def test_without_code_there_is_no_patch(body: Json) -> None:
    assert "do not see the project's code" in said(body)
