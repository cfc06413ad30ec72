"""Reads settings from environment variables: the setting `name` is the variable `VIBEWIRE_NAME`.

Plain pydantic: pydantic-settings costs a quarter of an HTTP function's import time.
"""

from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError

PREFIX = "VIBEWIRE_"

Settings = TypeVar("Settings", bound=BaseModel)

# The names that the OpenAI client uses.
_UNPREFIXED = {"openai_api_key": "OPENAI_API_KEY", "openai_base_url": "OPENAI_BASE_URL"}


class InvalidSettingsError(Exception):
    """The environment has invalid settings; the message names each one."""


def variable_of(name: str) -> str:
    """The environment variable of a setting."""
    return _UNPREFIXED.get(name, PREFIX + name.upper())


def read_settings(kind: type[Settings], environment: Mapping[str, str]) -> Settings:
    """The settings in an environment. An empty variable counts as unset.

    Raises InvalidSettingsError, naming every invalid variable and every unknown `VIBEWIRE_` variable.
    """
    names = {variable_of(name): name for name in kind.model_fields}
    unknown = [variable for variable in environment if variable.startswith(PREFIX) and variable not in names]
    if unknown:
        raise InvalidSettingsError(f"No such setting: {', '.join(sorted(unknown))}")
    values = {names[variable]: value for variable, value in environment.items() if variable in names and value}
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        problems = (": ".join([*map(variable_of, map(str, found["loc"])), found["msg"]]) for found in error.errors())
        raise InvalidSettingsError("; ".join(problems)) from None
