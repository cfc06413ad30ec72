"""A source, and patches of it, for tests."""

import textwrap

import pytest

from backend.app.programs.vibecoder.patching import apply_patch
from backend.app.programs.vibecoder.v4a import PatchRefusedError

LIMIT = 256 * 1024
CODE = textwrap.dedent(
    """\
    from agents import Agent


    class Triage:
        def run(self):
            prompt = "hello"
            return prompt


    class Billing:
        def run(self):
            prompt = "money"
            return prompt


    triage = Agent(name="Triage", instructions="Sort the questions.")
    billing = Agent(name="Billing")
    """
)
RENAME = '@@\n-billing = Agent(name="Billing")\n+billing = Agent(name="Money")\n'
RENAMED = CODE.replace('Agent(name="Billing")', 'Agent(name="Money")')


def patch(diff: str, code: str = CODE) -> str:
    return apply_patch(code, diff, LIMIT)


def refusal(diff: str, code: str = CODE, max_code_bytes: int = LIMIT) -> str:
    with pytest.raises(PatchRefusedError) as refused:
        apply_patch(code, diff, max_code_bytes)
    return str(refused.value)
