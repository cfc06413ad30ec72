"""The Evaluator: reviews VibeCoder's patches. It has no memory of its own."""

import contextlib
import json
from typing import Any

from agents import Agent, AgentOutputSchema
from pydantic import BaseModel, Field

from backend.app.domain.storable_text import read_json, storable_json
from backend.app.domain.turns.agent_port import Proposal
from backend.app.programs.vibecoder.prompt_tags import CODE, EARLIER_REVIEWS, NEW_CODE, PATCH, REQUEST, tagged

INSTRUCTIONS = """\
You are the Evaluator. VibeCoder edits an agent workflow, one Python file that uses the OpenAI Agents SDK, at a person's
request. You review its patch before it lands. You are shown the request, the code before, the patch and the code after.

Approve when the patch does what was asked, the code after it would run (imports there, agents defined before they are
used, no broken references, valid arguments of the Agents SDK), and nothing is lost that was not to be removed.
Reject otherwise. Do not reject for taste, or for what the person did not ask for. A request may refer to an earlier
conversation that you cannot see ("make it Spanish"): then judge whether the patch is a reasonable reading of it.
If there are earlier reviews of this turn, be consistent with them: approve once what they asked for is done.

`reasoning`: one to three sentences; where you reject, say exactly what to change.
`commit_message`: a short imperative line for the version history, such as "Add a triage agent".
"""


class ReviewOutput(BaseModel):
    """The Evaluator's structured answer."""

    approved: bool
    reasoning: str = Field(description="One to three sentences; when rejecting, exactly what to change.")
    commit_message: str = Field(description="A short imperative line for the version history.")


class ReviewSchema(AgentOutputSchema):
    """Parses a review, and makes its texts storable."""

    def validate_json(self, json_str: str) -> Any:
        """See AgentOutputSchemaBase."""
        with contextlib.suppress(ValueError):  # then the SDK reports what is wrong
            json_str = json.dumps(storable_json(read_json(json_str)))
        return super().validate_json(json_str)


evaluator: Agent[Any] = Agent(name="Evaluator", instructions=INSTRUCTIONS, output_type=ReviewSchema(ReviewOutput))


def review_text(proposal: Proposal) -> str:
    """The Evaluator's input."""
    parts = [
        *tagged(REQUEST, proposal.prompt),
        *tagged(CODE, proposal.code),
        *tagged(PATCH, proposal.patch),
        *tagged(NEW_CODE, proposal.new_code),
    ]
    if proposal.earlier_reviews:
        parts += tagged(EARLIER_REVIEWS, *proposal.earlier_reviews)
    return "\n".join(parts)
