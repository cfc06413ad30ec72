"""Who issues the tokens: the same settings for the API and for the relay."""

import re
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

_WEB_ADDRESS = re.compile(r"https?://[^/\s]+", re.IGNORECASE)


class IdentitySettings(BaseModel):
    """All three together, or none: then only the local engine starts, and everybody is one user."""

    # Built when it is first used: only what inherits from it is.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    jwks_url: str | None = Field(None, description="Where the token issuer publishes its keys (JWKS).")
    jwt_issuer: str | None = Field(None, description="Who must have issued a token (`iss`).")
    jwt_audience: str | None = Field(None, description="Whom a token must be meant for (`aud`).")

    @property
    def has_identity(self) -> bool:
        """Whether callers prove who they are by tokens."""
        return bool(self.jwks_url)

    @model_validator(mode="after")
    def _check_identity(self) -> Self:
        given = [self.jwks_url, self.jwt_issuer, self.jwt_audience]
        if any(given) and not all(one and one.strip() for one in given):
            raise ValueError(
                "VIBEWIRE_JWKS_URL, VIBEWIRE_JWT_ISSUER and VIBEWIRE_JWT_AUDIENCE go together: set all or none"
            )
        if self.jwks_url and not _WEB_ADDRESS.match(self.jwks_url):
            raise ValueError("VIBEWIRE_JWKS_URL must be an http or https address")
        return self


def parse_origins(origins: str) -> tuple[str, ...]:
    """The web origins in a list that is divided by commas."""
    return tuple(origin for part in origins.split(",") if (origin := part.strip()))
