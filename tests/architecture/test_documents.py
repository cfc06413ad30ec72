"""The documents: every link leads somewhere, and every setting is listed."""

import re
from pathlib import Path

import pytest

from backend.app.settings import AwsSettings
from backend.contracts.documents import REFERENCE
from backend.local.settings import LocalSettings
from backend.relay.settings import RelayProcessSettings
from shared.environment import variable_of

ROOT = Path(__file__).parents[2]
PAGES = [
    path.relative_to(ROOT)
    for pattern in ("*.md", "docs/**/*.md", "examples/**/*.md")
    for path in sorted(ROOT.glob(pattern))
]
README_LINES = 150


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def is_broken(page: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = (ROOT / page).parent / path if path else ROOT / page
    return not target.exists() or bool(anchor and anchor not in anchors(target))


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", (ROOT / page).read_text(), flags=re.DOTALL)
    links = re.findall(r"\]\((?!http)([^)]+)\)", text)
    assert [link for link in links if is_broken(page, link)] == []


@pytest.mark.parametrize("page", [*PAGES, Path("pyproject.toml"), Path("Makefile")], ids=str)
def test_every_path_that_a_page_names_exists(page: Path) -> None:
    text = (ROOT / page).read_text()
    paths = re.findall(r"(?<![\w./-])(?:backend|functions|infra|shared|tests|docs)/[\w./-]+\w", text)
    made_by_npm = "node_modules"  # not in a fresh clone
    assert [path for path in paths if made_by_npm not in path and not (ROOT / path).exists()] == []


def test_the_readme_is_short_and_every_page_is_linked_from_it_or_from_an_index() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= README_LINES
    indexes = [ROOT / "README.md", *(ROOT / "docs").rglob("README.md")]
    linked = {
        (index.parent / link.partition("#")[0]).resolve()
        for index in indexes
        for link in re.findall(r"\]\((?!http)([^)]+)\)", index.read_text())
    }
    pages = {path for path in (ROOT / "docs").rglob("*.md") if path not in indexes}
    assert pages - linked == set()


@pytest.mark.parametrize("kind", [LocalSettings, AwsSettings, RelayProcessSettings])
def test_the_reference_lists_every_setting(
    kind: type[LocalSettings] | type[AwsSettings] | type[RelayProcessSettings],
) -> None:
    page = (REFERENCE / "settings.md").read_text()
    assert [name for name in kind.model_fields if f"| `{variable_of(name)}` |" not in page] == []
