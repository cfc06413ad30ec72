"""Which project `make chat` talks to."""

from difflib import get_close_matches
from uuid import UUID

from backend.local.api_client import ApiClient, Body
from backend.local.keyboard import Keyboard
from backend.local.screen import Screen

_SHOWN = 9
_SUGGESTIONS = 3


class UnknownProjectError(Exception):
    """No project is called like this, but some nearly are; the message names them."""


async def choose_project(
    api: ApiClient, wanted: str | None, new: str | None, screen: Screen, keyboard: Keyboard
) -> Body:
    """The project that is named by id or name, else one that the person picks; a new one where there is none.

    Raises RefusedError, UnknownProjectError.
    """
    if new is not None:
        return await api.create_project(new)
    projects = await api.list_projects()
    if wanted is not None:
        return await _find_or_create(api, projects, wanted)
    if not projects or not keyboard.is_terminal:
        return projects[0] if projects else await api.create_project("My first project")
    return await _ask_which(api, projects[:_SHOWN], screen, keyboard)


async def _find_or_create(api: ApiClient, projects: list[Body], wanted: str) -> Body:
    for project in projects:
        if wanted in (project["project_id"], project["name"]):
            return project
    if _is_uuid(wanted):
        return await api.get_project(wanted)  # it may be older than those that are listed
    by_lower_name = {project["name"].casefold(): project["name"] for project in projects}
    if close := get_close_matches(wanted.casefold(), by_lower_name, _SUGGESTIONS):
        names = ", ".join(f"'{by_lower_name[name]}'" for name in close)
        raise UnknownProjectError(
            f"There is no project '{wanted}'. Did you mean {names}? To create it: --new '{wanted}'"
        )
    return await api.create_project(wanted)


async def _ask_which(api: ApiClient, projects: list[Body], screen: Screen, keyboard: Keyboard) -> Body:
    for number, project in enumerate(projects, 1):
        screen.line(f"{number}  {project['name']}  (version {project['version']})")
    screen.prompt("Which one? A number, or the name of a new one: ")
    answer = (await keyboard.read_line() or "").strip()
    if answer.isdecimal() and 0 < int(answer) <= len(projects):
        return projects[int(answer) - 1]
    return await api.create_project(answer) if answer else projects[0]


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
