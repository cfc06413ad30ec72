"""The README's table of settings, from the code: `python -m tests.architecture.readme_settings` prints it."""

from backend.local.settings import LocalSettings
from shared.environment import variable_of


def settings_table() -> str:
    """One line a setting: variable, default, what it is."""
    lines = ["| variable | default | what it is |", "| --- | --- | --- |"]
    for name, field in LocalSettings.model_fields.items():
        default = "" if field.default is None else f"`{field.default}`"
        lines.append(f"| `{variable_of(name)}` | {default} | {field.description} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(settings_table())
