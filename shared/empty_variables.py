"""Imported before all else by every process: an environment variable that is empty counts as unset, in libraries too.

Our own settings read it so; libraries do not agree. The OpenAI client takes an empty `OPENAI_BASE_URL` for its address,
the Agents SDK an empty `OPENAI_AGENTS_DONT_LOG_MODEL_DATA` for a wish to log prompts, boto3 an empty `AWS_MAX_ATTEMPTS`
for a number, websockets dies of one as it is imported. So an empty variable goes before any of them looks.
"""

import os
from collections.abc import MutableMapping

_OWN = "VIBEWIRE_"


def remove_empty_variables(environment: MutableMapping[str, str] = os.environ) -> None:
    """Remove every variable whose value is the empty text; by default from this process. Safe to repeat.

    Our own stay: `read_settings` takes them for unset by itself, and names those that are misspelt.
    """
    for name in [name for name, value in environment.items() if not value and not name.startswith(_OWN)]:
        del environment[name]


remove_empty_variables()
