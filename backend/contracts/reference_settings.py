"""docs/reference/settings.md, from the settings of each process."""

from pydantic import BaseModel

from backend.app.settings import AwsSettings
from backend.contracts.markdown import NOTICE, setting_row, setting_table
from backend.local.settings import LocalSettings
from backend.relay.settings import RelayProcessSettings

_ABOUT = """\
# Settings

Environment variables, read once when a process starts. An empty variable counts as unset. An invalid value or an
unknown `VIBEWIRE_` variable stops the process with a message that names it.
"""
_PROCESSES: tuple[tuple[str, type[BaseModel], str], ...] = (
    ("`make run`", LocalSettings, ""),
    ("Functions", AwsSettings, "Set by the template. `POWERTOOLS_LOG_LEVEL` (default `INFO`) is Powertools' own.\n\n"),
    ("Relay", RelayProcessSettings, "Set by the template.\n\n"),
)


def settings_page() -> str:
    """Every setting of each process."""
    parts = [
        f"## {title}\n\n{note}{setting_table(setting_row(name, kind) for name in kind.model_fields)}"
        for title, kind, note in _PROCESSES
    ]
    return "\n".join((NOTICE, _ABOUT, *parts))
