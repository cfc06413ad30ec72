"""Words in any order, on sources of many shapes: the demo model always answers, and what it writes is Python."""

import ast
import random

import pytest

from backend.local.demo_model.answer import make_plan
from backend.local.demo_model.context import RequestContext
from tests.local.demo_calls import START, TWO_AGENTS

WORDS = (
    "create add make a an another three agents agent : , . and then triage billing refunds called named Max it its "
    "this them both all everyone let hand off to from with handoffs tool that looks up orders rename call as Help line "
    "remove delete the Spanish German instead of not shorter undo version 2 which what ? project it's handles "
    "questions about give for speak answer in"
)
SOURCES = {
    "starter": START,
    "two agents": TWO_AGENTS,
    "empty": "",
    "no agent": "x = 1\n",
    "all imported": "from agents import *\na = Agent(name='A')\nit = Agent('It')\n",
    "in a function": "import agents\ndef f():\n    b = agents.Agent(name='B', handoffs=[])\n    return b\n",
    "in branches": "from agents import Agent\nif x:\n    c = Agent(name='C')\nelse:\n    c = Agent(name='D')\n"
    "d = Agent(name='E', handoffs=[c], tools=t)\nd.handoffs.append(c); e = 1\n",
    "unpacked": "from agents import Agent, handoff\na, b = Agent(name='A'), Agent(name='B')\n"
    "c = Agent(name='C', handoffs=[handoff(a), b])\nprint(f'{c.name}', c)\n",
    "in a list": "from agents import Agent\nagent = Agent(name='agent')\nagents = [agent]\n",
}


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES.keys())
def test_any_words_are_answered_and_every_change_parses(source: str) -> None:
    print("seed 20261127")
    chance = random.Random(20261127)
    changed = 0
    code = source.rstrip()
    for number in range(100):
        code = source.rstrip() if number % 4 == 0 else code
        request = " ".join(chance.choices(WORDS.split(), k=chance.randint(1, 14)))
        text, new_code = make_plan(RequestContext(request, code, rejections=chance.choice([0, 0, 1])))
        assert text, request
        if new_code is not None:
            ast.parse(new_code)
            assert new_code != code, request
            changed, code = changed + 1, new_code
    assert changed > 0
