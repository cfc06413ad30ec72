"""Billed tokens of model calls."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from shared.event_fields import CachedTokens, ReasoningTokens


class TokenUsage(BaseModel):
    """Billed tokens. Sums with `+`."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    cached_tokens: CachedTokens = 0
    reasoning_tokens: ReasoningTokens = 0

    def __add__(self, other: "TokenUsage") -> "TokenUsage":
        return TokenUsage(**{name: getattr(self, name) + getattr(other, name) for name in TokenUsage.model_fields})


TotalUsage = Annotated[TokenUsage, Field(description="Summed over all attempts.")]
