"""The documents' tables of settings, from the code: `python -m tests.architecture.readme_settings` prints them."""

from pathlib import Path

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from backend.app.settings import AwsSettings
from backend.local.settings import LocalSettings
from backend.relay.settings import RelayProcessSettings
from shared.environment import variable_of

# Which document has the settings of which process.
DOCUMENTS: dict[str, tuple[type[BaseModel], ...]] = {
    "README.md": (LocalSettings,),
    "infra/README.md": (AwsSettings, RelayProcessSettings),
}


def settings_table(kind: type[BaseModel]) -> str:
    """One line a setting: variable, default, what it is."""
    lines = ["| variable | default | what it is |", "| --- | --- | --- |"]
    for name, field in kind.model_fields.items():
        default = "" if field.default in (None, PydanticUndefined) else f"`{field.default}`"
        lines.append(f"| `{variable_of(name)}` | {default} | {field.description} |")
    return "\n".join(lines)


def documents_without_their_settings(root: Path) -> list[str]:
    """The documents in which a table is missing or out of date."""
    return [
        f"{document}: {kind.__name__}"
        for document, kinds in DOCUMENTS.items()
        for kind in kinds
        if settings_table(kind) not in (root / document).read_text()
    ]


if __name__ == "__main__":
    for kinds in DOCUMENTS.values():
        for kind in kinds:
            print(f"{kind.__name__}\n\n{settings_table(kind)}\n")
