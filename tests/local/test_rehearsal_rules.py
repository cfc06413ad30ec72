from __future__ import annotations

import pytest
from agents.apply_diff import apply_diff

from backend.local.rehearsal.reply import CallTool, Json
from backend.local.rehearsal.rules import answer
from tests.local.rehearsal_talk import (
    DESK,
    START,
    asked,
    assistant,
    context,
    diff_of,
    patched,
    rejection,
    said,
    told_after,
    tool_call,
    tool_output,
    turn,
    user,
)


def agents_in(code: str) -> list[str]:
    return [line.split(" =")[0] for line in code.split("\n") if " = Agent(" in line]


@pytest.mark.parametrize(
    ("request_text", "variables"),
    [
        ("Create a triage agent", ["triage_agent"]),
        ("please add an Agent that handles refunds!", ["refunds_agent"]),
        ("Make a customer support agent called Max", ["max_agent"]),
        ("Create a billing agent and a refund agent", ["billing_agent", "refund_agent"]),
        ("Create billing, sales and refund agents", ["billing_agent", "sales_agent", "refund_agent"]),
        ("I need an agent", ["new_agent"]),
    ],
)
def test_agents_are_created_after_the_last_one(request_text: str, variables: list[str]) -> None:
    body = turn(request_text)
    assert agents_in(patched(body)) == ["assistant", *variables]
    assert all(variable in told_after(body) for variable in variables)


def test_a_new_agent_stands_before_the_part_only_a_script_runs() -> None:
    new = patched(turn("Create a refund agent", DESK), DESK)
    assert agents_in(new)[-1] == "refund_agent"
    assert new.index("refund_agent") < new.index("def main")


def test_an_empty_file_gets_the_import_too() -> None:
    assert patched(turn("Create a triage agent", ""), "").startswith("from agents import Agent\n")


def test_an_agent_that_exists_is_not_created_again() -> None:
    assert "already" in said(turn("Create a billing agent", DESK))


def test_another_agent_of_the_same_kind_gets_a_number() -> None:
    assert "billing_agent_2" in agents_in(patched(turn("Create another billing agent", DESK), DESK))


def test_make_it_spanish_finds_out_from_the_history_what_it_is() -> None:
    history = [user("Create a triage agent"), assistant("I created triage_agent."), user("thanks")]
    body = turn("Make it Spanish", DESK, history=history)
    assert 'instructions="Send the user on. Always answer in Spanish."' in patched(body, DESK)
    assert told_after(body) == "triage_agent now always answers in Spanish."


def test_it_is_the_agent_of_a_patch_when_nothing_was_said_after_it() -> None:
    added = tool_call("@@\n billing_agent\n+triage_agent = Agent(\n")
    assert "triage_agent" in told_after(turn("Make it Spanish", DESK, history=[user("x"), added]))


def test_it_is_the_node_of_the_session_before_the_history() -> None:
    history = [assistant("I created billing_agent.")]
    body = turn("it should speak French", DESK, history=history, focus="triage_agent")
    assert told_after(body) == "triage_agent now always answers in French."


def test_without_a_history_it_is_the_last_agent() -> None:
    assert "billing_agent" in told_after(turn("answer in Italian", DESK))


def test_a_named_agent_comes_before_everything_else() -> None:
    body = turn("Make the triage agent German", DESK, focus="billing_agent")
    assert "triage_agent now always answers in German" in told_after(body)


def test_a_second_language_replaces_the_first() -> None:
    spanish = patched(turn("Make triage Spanish", DESK), DESK)
    german = patched(turn("Make triage German", spanish), spanish)
    assert "Always answer in German." in german
    assert "Spanish" not in german
    assert "already" in said(turn("Make triage German", german))


def test_a_renamed_agent_keeps_its_places_in_the_code() -> None:
    new = patched(turn("Rename triage to front desk", DESK), DESK)
    assert "triage" not in new.lower()
    assert 'name="Front desk"' in new
    assert "Runner.run_sync(front_desk_agent" in new


def test_a_handoff_to_an_earlier_agent_is_a_keyword() -> None:
    new = patched(turn("Let billing hand off to triage", DESK), DESK)
    assert "handoffs=[triage_agent]" in new
    assert "already" in said(turn("Add a handoff from billing to triage", new))


def test_a_handoff_to_a_later_agent_is_added_after_both() -> None:
    body = turn("triage should hand off to billing", DESK)
    assert "\ntriage_agent.handoffs.append(billing_agent)\n" in patched(body, DESK)
    assert "triage_agent" in told_after(body)


def test_a_handoff_can_be_removed_again() -> None:
    for request in ("Let triage hand off to billing", "Let billing hand off to triage"):
        linked = patched(turn(request, DESK), DESK)
        words = request.replace("Let ", "Remove the handoff from ").replace(" hand off", "")
        assert "handoffs.append" not in patched(turn(words, linked), linked)
        assert "agent]" not in patched(turn(words, linked), linked)


def test_a_tool_is_a_function_with_a_docstring() -> None:
    new = patched(turn("Give triage a tool to look up orders", DESK), DESK)
    assert "from agents import Agent, Runner, function_tool\n" in new
    assert '@function_tool\ndef look_up_orders(query: str) -> str:\n    """Look up orders.' in new
    assert "tools=[look_up_orders]," in new


def test_a_second_tool_joins_the_first() -> None:
    first = patched(turn("Give triage a tool to look up orders", DESK), DESK)
    second = patched(turn("Add a tool to triage that looks up customers", first), first)
    assert "tools=[look_up_orders, look_up_customers]" in second


def test_a_removed_agent_leaves_no_trace() -> None:
    linked = patched(turn("Let billing hand off to triage", DESK), DESK)
    new = patched(turn("Remove the triage agent", linked), linked)
    assert "triage" not in new
    assert "Runner.run_sync(billing_agent" in new


def test_several_wishes_in_one_request_make_one_patch() -> None:
    request = "Create a refund agent, make it French and let triage hand off to it"
    new = patched(turn(request, DESK), DESK)
    assert "Always answer in French." in new.split("refund_agent = Agent(")[1]
    assert "triage_agent.handoffs.append(refund_agent)" in new


@pytest.mark.parametrize("question", ["Which agents are there?", "How many agents do we have?", "the agents?"])
def test_a_question_is_answered_from_the_code(question: str) -> None:
    text = said(turn(question, DESK))
    assert "2 agents" in text
    assert "triage_agent and billing_agent" in text


def test_a_question_about_one_agent_is_about_that_one() -> None:
    text = said(turn("What does the billing agent do?", DESK))
    assert "You help with bills." in text
    assert "triage" not in text


@pytest.mark.parametrize("request_text", ["hello", "", "Make the coffee", "Tidy up"])
def test_anything_else_is_answered_with_what_can_be_asked(request_text: str) -> None:
    assert "rehearsal model" in said(turn(request_text))


@pytest.mark.parametrize("request_text", ["Make the sales agent Dutch", "Remove sales", "Let triage hand off to sales"])
def test_an_unknown_agent_is_named_in_the_answer(request_text: str) -> None:
    assert "sales" in said(turn(request_text, DESK))


def test_code_that_is_not_python_is_left_alone() -> None:
    assert "cannot read" in said(turn("Create a triage agent", "x = (\n"))


@pytest.mark.parametrize("ends", ["</code>", "\n</code>", "\n\n</code>"])
def test_the_patch_fits_however_the_code_is_closed(ends: str) -> None:
    text = f"<code>\n{START.rstrip()}{ends if ends != '</code>' else chr(10) + ends}"
    body = asked({"role": "developer", "content": text}, user("Create a triage agent"))
    for code in (START, START.rstrip(), START + "\n"):
        assert "triage_agent = Agent(" in apply_diff(code, diff_of(body))


def test_a_rejected_patch_is_submitted_again_with_better_instructions() -> None:
    first = turn("Create a triage agent")
    items = [*first["input"], tool_call(diff_of(first)), tool_output("Accepted."), assistant("I created triage_agent.")]
    again = asked(*items, context(START), rejection("The instructions are too thin."))
    assert "triage_agent = Agent(" in patched(again)
    assert diff_of(again) != diff_of(first)
    assert told_after(again) == "I created triage_agent. I followed the review."


@pytest.mark.parametrize("request_text", ["Remove the billing agent", "Rename it to Max", "Make it Dutch"])
def test_every_kind_of_patch_changes_after_a_rejection(request_text: str) -> None:
    first = turn(request_text, DESK)
    again = asked(*first["input"], context(DESK), rejection("No."))
    assert patched(again, DESK) != patched(first, DESK)


def test_a_refused_patch_is_corrected_once() -> None:
    body = turn("Create a triage agent")
    refused = [tool_call("@@\n-nothing"), tool_output("Refused: the patch does not apply.")]
    second = {**body, "input": [*body["input"], *refused]}
    assert "triage_agent" in patched(second)
    third = {**body, "input": [*second["input"], *refused]}
    assert "could not" in said(third)


def test_the_output_of_another_tool_does_not_count_as_accepted() -> None:
    after = [tool_call("", name="run_shell"), tool_output("No such tool.")]
    assert isinstance(answer(turn("Create a triage agent", after=after)), CallTool)


def test_the_last_context_message_holds_the_code() -> None:
    old = [context(START), user("Create a triage agent"), assistant("I created triage_agent.")]
    assert "triage_agent" in told_after(turn("Make it Spanish", DESK, history=old))


@pytest.mark.parametrize("body", [{"model": "m", "input": "Create a triage agent"}, asked(user("hi")), asked()])
def test_without_code_there_is_no_patch(body: Json) -> None:
    assert "do not see the project's code" in said(body)


@pytest.mark.parametrize(
    "code",
    [
        'import agents as ag\n\ndesk = ag.Agent("Desk")\n',
        'from agents import Agent\n\ndesk = Agent(name="Désk", instructions=("one "\n    "two"),)\n',
        "from agents import Agent\n\nTEXT = 'Hi'\ndesk = Agent(\n    name='Desk',\n    instructions=TEXT  # told\n)\n",
        'from agents import Agent\n\ndesk = Agent(\n"Desk", instructions="""\n    Long.\n    """,\n    tools=[],\n)\n',
        "from agents import (\n    Agent,\n    Runner,\n)\nif Agent:\n\tdesk = Agent(\n\t\tname='Desk',\n\t)\n",
        'from agents import Agent\r\n\r\ndesk = Agent(name="Desk")\r\n',
    ],
)
@pytest.mark.parametrize("request_text", ["Make it Greek", "Give it a tool to dig", "Create a sales agent"])
def test_rules_cope_with_other_layouts(code: str, request_text: str) -> None:
    new = patched(turn(request_text, code), code)
    assert any(word in new for word in ("Always answer in Greek.", "tools=[dig]", "sales_agent = "))
