"""Types of fields that events and the API's bodies share, each with its description for the documents."""

from typing import Annotated, Literal

from pydantic import Field

AgentName = Literal["vibecoder", "evaluator"]

Agent = Annotated[AgentName, Field(description="The agent that did it.")]
Attempt = Annotated[int, Field(description="How often the turn was started; text streamed by a lower attempt is void.")]
BaseVersion = Annotated[int, Field(description="The version of the code that the patch applies to.")]
CachedTokens = Annotated[int, Field(description="Prompt tokens that the model's server had cached.")]
Content = Annotated[str | None, Field(description="The agent's text.")]
Href = Annotated[
    str | None, Field(description="The API path to read a field that is null here because it is too large.")
]
Iteration = Annotated[int, Field(description="1 to 3: an attempt of VibeCoder and its review.")]
Iterations = Annotated[int, Field(description="The number of iterations.")]
Patch = Annotated[str | None, Field(description="A unified diff in git style; empty: no change.")]
ReasoningTokens = Annotated[int, Field(description="Completion tokens that the model used for reasoning.")]
ResponseId = Annotated[
    str, Field(description="The id of the model's response; its complete JSON is at `/messages/{id}/full`.")
]
Seq = Annotated[int, Field(description="The number in the session: 1, 2, 3 ... without gaps.")]
Version = Annotated[int, Field(description="The version of the project's code; it grows by one with each change.")]
