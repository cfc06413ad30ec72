"""Import it before any library: it removes empty environment variables, so that they count as unset everywhere.

Libraries read them differently: the OpenAI client takes an empty `OPENAI_BASE_URL` as its URL, an empty
`OPENAI_AGENTS_DONT_LOG_MODEL_DATA` makes the Agents SDK log prompts, boto3 parses an empty `AWS_MAX_ATTEMPTS` as a
number, and an empty variable of websockets makes its import fail.
"""

import os
from collections.abc import MutableMapping

_OWN = "VIBEWIRE_"


def remove_empty_variables(environment: MutableMapping[str, str] = os.environ) -> None:
    """Remove every empty variable, by default from this process. Idempotent.

    Vibewire's own are kept: `read_settings` treats them as unset, and reports misspelt names.
    """
    for name in [name for name, value in environment.items() if not value and not name.startswith(_OWN)]:
        del environment[name]


remove_empty_variables()
