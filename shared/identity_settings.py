"""Settings of the token issuer, shared by the API and the relay."""

import re
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

_WEB_ADDRESS = re.compile(r"https?://[^/\s]+", re.IGNORECASE)


class IdentitySettings(BaseModel):
    """All three, or none: then only the local engine starts, and every caller is the same user."""

    # Only its subclasses are used.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    jwks_url: str | None = Field(None, description="The URL of the token issuer's keys (JWKS).")
    jwt_issuer: str | None = Field(None, description="The required issuer of tokens (`iss`).")
    jwt_audience: str | None = Field(None, description="The required audience of tokens (`aud`).")

    @property
    def has_identity(self) -> bool:
        """Whether callers are authenticated by tokens."""
        return bool(self.jwks_url)

    @model_validator(mode="after")
    def _check_identity(self) -> Self:
        given = [self.jwks_url, self.jwt_issuer, self.jwt_audience]
        if any(given) and not all(one and one.strip() for one in given):
            raise ValueError(
                "VIBEWIRE_JWKS_URL, VIBEWIRE_JWT_ISSUER and VIBEWIRE_JWT_AUDIENCE go together: set all or none"
            )
        if self.jwks_url and not _WEB_ADDRESS.match(self.jwks_url):
            raise ValueError("VIBEWIRE_JWKS_URL must be an http or https URL")
        return self


def parse_origins(origins: str) -> tuple[str, ...]:
    """The web origins in a comma-separated list."""
    return tuple(origin for part in origins.split(",") if (origin := part.strip()))
