"""What the demo model answers: sentences that people type, and what comes of them."""

import pytest

from tests.local.demo_calls import START, TWO_AGENTS, agents_in, assistant, patched, said, said_after, turn, user

THREE = "Create three agents: triage, billing and refunds"


@pytest.mark.parametrize(
    ("request_text", "variables"),
    [
        ("Create a triage agent", ["triage_agent"]),
        ("Create a refund agent, but reject once", ["refund_agent"]),
        ("please add an Agent that handles refunds!", ["refunds_agent"]),
        ("Can you create a triage agent?", ["triage_agent"]),
        ("Make a customer support agent called Max", ["max_agent"]),
        ("Create an agent named onyx", ["onyx_agent"]),
        ("Create a billing agent and a refund agent", ["billing_agent", "refund_agent"]),
        ("Create billing, sales and refund agents", ["billing_agent", "sales_agent", "refund_agent"]),
        (f"{THREE}, with handoffs", ["triage_agent", "billing_agent", "refunds_agent"]),
        (f"{THREE}, and let triage hand off to both", ["triage_agent", "billing_agent", "refunds_agent"]),
        ("Create agents for sales, orders & support", ["sales_agent", "orders_agent", "support_agent"]),
        ("Create three agents", ["triage_agent", "billing_agent", "refunds_agent"]),
        ("Create 2 agents", ["triage_agent", "billing_agent"]),
        ("I need an agent", ["new_agent"]),
        ("Create a <b>bold</b> agent <script>document.title='owned'</script>", ["b_bold_b_agent"]),
        ("Create a import agent", ["import_agent"]),
        ("Create a 2nd agent", ["agent_2nd_agent"]),
    ],
)
def test_agents_are_created_after_the_last_one(request_text: str, variables: list[str]) -> None:
    body = turn(request_text)
    assert agents_in(patched(body)) == ["assistant", *variables]
    assert all(variable in said_after(body) for variable in variables)


@pytest.mark.parametrize("words", ["with handoffs", "and let triage hand off to both", "which hand off to each other"])
def test_several_agents_are_created_with_their_handoffs(words: str) -> None:
    new = patched(turn(f"{THREE}, {words}"))
    assert "triage_agent.handoffs.append(billing_agent)" in new
    assert "triage_agent.handoffs.append(refunds_agent)" in new


def test_a_new_agent_gets_the_language_the_tool_and_the_handoff_of_the_same_sentence() -> None:
    new = patched(turn("Create a refund agent with a tool to look up orders", TWO_AGENTS), TWO_AGENTS)
    assert "tools=[look_up_orders]" in new
    new = patched(turn("Create a refund agent that speaks French", TWO_AGENTS), TWO_AGENTS)
    assert 'instructions="You help with refund. Always answer in French."' in new
    assert "handoffs=[triage_agent]" in patched(
        turn("Create a refund agent that hands off to triage", TWO_AGENTS), TWO_AGENTS
    )
    assert "Always answer in Spanish." in patched(turn("Create a Spanish agent"))


def test_a_new_agent_stands_before_the_part_that_only_a_script_runs() -> None:
    new = patched(turn("Create a refund agent", TWO_AGENTS), TWO_AGENTS)
    assert agents_in(new)[-1] == "refund_agent"
    assert new.index("refund_agent") < new.index("def main")


def test_an_empty_file_gets_the_import_too() -> None:
    assert patched(turn("Create a triage agent", ""), "").startswith("from agents import Agent\n")


def test_an_agent_that_exists_is_created_again_only_as_another_one() -> None:
    assert "already" in said(turn("Create a billing agent", TWO_AGENTS))
    assert "billing_agent_2" in agents_in(patched(turn("Create another billing agent", TWO_AGENTS), TWO_AGENTS))


@pytest.mark.parametrize("language", ["Spanish", "german", "FRENCH"])
def test_it_is_what_the_history_says(language: str) -> None:
    history = [user("Create a triage agent"), assistant("I created triage_agent."), user("thanks")]
    body = turn(f"Make it {language}", TWO_AGENTS, history=history)
    sentence = f"Always answer in {language.capitalize()}."
    assert f'instructions="Send the user on. {sentence}"' in patched(body, TWO_AGENTS)
    assert said_after(body) == f"triage_agent now always answers in {language.capitalize()}."


@pytest.mark.parametrize(
    ("request_text", "about"),
    [
        ("Make the triage agent German", "triage_agent"),
        ("Make triage answer in German", "triage_agent"),
        ("it should speak German", "billing_agent"),
        ("Answer in German instead of Spanish", "billing_agent"),
        ("Make all agents German", "triage_agent and billing_agent"),
        ("Make everyone German", "triage_agent and billing_agent"),
    ],
)
def test_a_language_is_that_of_the_named_agent_or_else_of_the_last(request_text: str, about: str) -> None:
    assert said_after(turn(request_text, TWO_AGENTS)).startswith(f"{about} now always answer")


def test_it_is_the_node_of_the_session_before_the_history() -> None:
    body = turn("Make it French", TWO_AGENTS, history=[assistant("I created billing_agent.")], focus="triage_agent")
    assert said_after(body) == "triage_agent now always answers in French."


def test_a_second_language_replaces_the_first() -> None:
    spanish = patched(turn("Make triage Spanish", TWO_AGENTS), TWO_AGENTS)
    german = patched(turn("Make triage German", spanish), spanish)
    assert "Always answer in German." in german
    assert "Spanish" not in german
    assert "already" in said(turn("Make triage German", german))


@pytest.mark.parametrize("words", ["Make its answers shorter", "Keep answers brief"])
def test_answers_are_made_shorter(words: str) -> None:
    assert "You help with bills. Keep each answer short." in patched(turn(words, TWO_AGENTS), TWO_AGENTS)


def test_a_renamed_agent_stays_wherever_the_code_uses_it() -> None:
    new = patched(turn("Rename triage to help line", TWO_AGENTS), TWO_AGENTS)
    assert "triage" not in new.lower()
    assert 'name="Help line"' in new
    assert "Runner.run_sync(help_line_agent" in new


@pytest.mark.parametrize("request_text", ["Rename it to Help line", "Call it Help line"])
def test_what_is_renamed_is_what_the_history_names(request_text: str) -> None:
    history = [user("Create a triage agent"), assistant("I created triage_agent.")]
    body = turn(request_text, TWO_AGENTS, history=history)
    assert said_after(body) == "I renamed triage_agent to help_line_agent."


@pytest.mark.parametrize(
    "request_text",
    ["Let triage hand off to billing", "triage should hand off to billing", "Add a handoff from triage to billing"],
)
def test_a_handoff_to_a_later_agent_is_added_after_both(request_text: str) -> None:
    new = patched(turn(request_text, TWO_AGENTS), TWO_AGENTS)
    assert "\ntriage_agent.handoffs.append(billing_agent)\n" in new
    assert "already" in said(turn(request_text, new))


def test_a_handoff_to_an_earlier_agent_is_a_keyword() -> None:
    assert "handoffs=[triage_agent]" in patched(turn("Let billing hand off to triage", TWO_AGENTS), TWO_AGENTS)


def test_tools_are_functions_with_a_docstring() -> None:
    first = patched(turn("Give triage a tool to look up orders", TWO_AGENTS), TWO_AGENTS)
    assert "from agents import Agent, Runner, function_tool\n" in first
    assert '@function_tool\ndef look_up_orders(query: str) -> str:\n    """Look up orders.' in first
    assert "tools=[look_up_orders]," in first
    second = patched(turn("Give triage a web search tool", first), first)
    assert "tools=[look_up_orders, web_search]" in second


def test_a_removed_agent_leaves_nothing_behind() -> None:
    linked = patched(turn("Let billing hand off to triage", TWO_AGENTS), TWO_AGENTS)
    for request_text in ("Remove the triage agent", "delete triage"):
        new = patched(turn(request_text, linked), linked)
        assert "triage" not in new
        assert "Runner.run_sync(billing_agent" in new


def test_several_wishes_in_one_request_make_one_patch() -> None:
    request = "Create a refund agent, make it French and let triage hand off to it"
    new = patched(turn(request, TWO_AGENTS), TWO_AGENTS)
    assert "Always answer in French." in new.split("refund_agent = Agent(")[1]
    assert "triage_agent.handoffs.append(refund_agent)" in new


@pytest.mark.parametrize(
    ("request_text", "where"),
    [
        ("Undo the last change", "two arrows above the code"),
        ("undo", "two arrows above the code"),
        ("Go back to version 2", "two arrows above the code"),
        ("please revert that", "two arrows above the code"),
        ("Rename the project to Support", "menu"),
        ("Remove the handoff from triage to billing", "**Edit**"),
        ("Remove the tool of triage", "**Edit**"),
    ],
)
def test_what_is_done_in_the_console_is_answered_by_saying_where(request_text: str, where: str) -> None:
    assert where in said(turn(request_text, TWO_AGENTS))


@pytest.mark.parametrize(
    "question",
    ["What agents are there?", "Which agents are there, by quartz?", "How many agents do we have?", "the agents?"],
)
def test_a_question_is_answered_from_the_code_in_markdown(question: str) -> None:
    linked = patched(turn("Let triage hand off to billing", TWO_AGENTS), TWO_AGENTS)
    text = said(turn(question, linked))
    assert text.startswith("There are **2 agents**:\n\n- **triage_agent**: Send the user on.\n")
    assert "\n  - hands off to `billing_agent`\n- **billing_agent**: You help with bills." in text


def test_a_question_about_one_agent_is_about_that_one() -> None:
    assert said(turn("What does the billing agent do?", TWO_AGENTS)) == "- **billing_agent**: You help with bills."


@pytest.mark.parametrize("code", ["", START, TWO_AGENTS])
@pytest.mark.parametrize("request_text", ["hello", "", "Make the coffee", "Tidy up"])
def test_anything_else_is_answered_with_three_examples_that_work(request_text: str, code: str) -> None:
    text = said(turn(request_text, code))
    examples = [line[3:-1] for line in text.split("\n") if line.startswith("- `")]
    assert len(examples) == 3
    *changes, question = examples
    for example in changes:
        assert patched(turn(example, code), code) != code
    assert said(turn(question, code)).startswith(("There is **", "There are **"))


@pytest.mark.parametrize("request_text", ["Make the sales agent Dutch", "Remove sales", "Let triage hand off to sales"])
def test_an_unknown_agent_is_named_in_the_answer(request_text: str) -> None:
    assert "by 'sales'. The agents are: triage_agent and billing_agent." in said(turn(request_text, TWO_AGENTS))
