"""The settings of the app's processes: the only place there that reads the environment.

A setting `name` is the variable `VIBEWIRE_NAME`; the limits are settings too. Plain pydantic: pydantic-settings costs a
quarter of an HTTP function's import time.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pydantic import Field, PositiveFloat, PositiveInt, ValidationError, model_validator

from backend.app.domain.limits import Limits

PREFIX = "VIBEWIRE_"
_WEB_ADDRESS = re.compile(r"https?://[^/\s]+", re.IGNORECASE)


class InvalidSettingsError(Exception):
    """The environment has wrong settings; the message names each one."""


class AppSettings(Limits):
    """What the API and the worker are told from outside."""

    data_dir: Path = Field(Path(".vibewire"), description="Where the local engine keeps its files.")
    host: str = Field("127.0.0.1", description="The address to listen on; without identity settings only loopback.")
    port: int = Field(8765, ge=0, le=65535, description="The port to listen on; 0: any free one.")
    jwks_url: str | None = Field(None, description="Where the token issuer publishes its keys (JWKS).")
    jwt_issuer: str | None = Field(None, description="Who must have issued a token (`iss`).")
    jwt_audience: str | None = Field(None, description="Whom a token must be meant for (`aud`).")
    origins: str = Field(
        "", description="Web origins that may call and connect, divided by commas; only with identity settings."
    )
    workers: PositiveInt = Field(8, description="Turns that run at the same time in one process.")
    wait_seconds: PositiveFloat = Field(
        20, le=25, description="How long sending a message waits for its end, in seconds."
    )
    max_body_bytes: PositiveInt = Field(1_048_576, description="The largest request body, in bytes.")
    model: str | None = Field(None, description="The model's name; by default the Agents SDK's.")
    model_timeout_seconds: PositiveFloat = Field(
        60, description="Silence of the model's server before a call fails, in seconds."
    )
    tracing: bool = Field(default=False, description="Whether the Agents SDK sends traces to OpenAI.")
    fill_seconds: PositiveFloat = Field(
        15, description="How often the relay compares its cursors with the log, in seconds."
    )
    openai_api_key: str | None = Field(
        None, repr=False, description="The key of the model's server; without it `make run` rehearses."
    )
    openai_base_url: str | None = Field(None, description="Another server that speaks the Responses API.")

    @property
    def has_identity(self) -> bool:
        """Whether callers prove who they are by tokens."""
        return bool(self.jwks_url)

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        """The web origins that may call and connect."""
        return tuple(origin for part in self.origins.split(",") if (origin := part.strip()))

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


# Named as the OpenAI client names them, so that one environment serves both.
_UNPREFIXED = {"openai_api_key": "OPENAI_API_KEY", "openai_base_url": "OPENAI_BASE_URL"}


def variable_of(name: str) -> str:
    """The environment variable of a setting."""
    return _UNPREFIXED.get(name, PREFIX + name.upper())


def read_settings(environment: Mapping[str, str]) -> AppSettings:
    """The settings in an environment. An empty variable counts as unset.

    Raises InvalidSettingsError, naming every variable that is wrong and every `VIBEWIRE_` variable that is no setting.
    """
    names = {variable_of(name): name for name in AppSettings.model_fields}
    unknown = [variable for variable in environment if variable.startswith(PREFIX) and variable not in names]
    if unknown:
        raise InvalidSettingsError(f"No such setting: {', '.join(sorted(unknown))}")
    values = {names[variable]: value for variable, value in environment.items() if variable in names and value}
    try:
        return AppSettings.model_validate(values)
    except ValidationError as error:
        problems = (": ".join([*map(variable_of, map(str, found["loc"])), found["msg"]]) for found in error.errors())
        raise InvalidSettingsError("; ".join(problems)) from None
