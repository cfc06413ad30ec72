"""Settings from environment variables: a setting `name` is the variable `VIBEWIRE_NAME`.

Plain pydantic: pydantic-settings costs a quarter of an HTTP function's import time.
"""

from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError

PREFIX = "VIBEWIRE_"

Settings = TypeVar("Settings", bound=BaseModel)

# Named as the OpenAI client names them, so that one environment serves both.
_UNPREFIXED = {"openai_api_key": "OPENAI_API_KEY", "openai_base_url": "OPENAI_BASE_URL"}


class InvalidSettingsError(Exception):
    """The environment has wrong settings; the message names each one."""


def variable_of(name: str) -> str:
    """The environment variable of a setting."""
    return _UNPREFIXED.get(name, PREFIX + name.upper())


def read_settings(kind: type[Settings], environment: Mapping[str, str]) -> Settings:
    """The settings in an environment. An empty variable counts as unset.

    Raises InvalidSettingsError, naming every variable that is wrong and every `VIBEWIRE_` variable that is no setting.
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
