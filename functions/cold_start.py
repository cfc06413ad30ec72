"""Imported before all else by every function: removes empty variables, and pauses the garbage collector meanwhile.

What the imports make lives as long as the process. To search it for garbage several times takes a tenth of the start's
time, and each later search of everything would hold a request up.
"""

import shared.empty_variables  # noqa: F401 - it does its work when it is imported

import gc
from collections.abc import Callable
from typing import Any

gc.disable()

Handler = Callable[[Any, Any], Any]


def started(handler: Handler) -> Handler:
    """The handler, in a process that from now on collects garbage again, but leaves alone what the start made."""
    gc.freeze()
    gc.enable()
    return handler
