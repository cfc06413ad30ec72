"""Every example of a Socket.IO client uses WebSocket only: one that polls from another site loses its relay."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    *(path.relative_to(ROOT) for path in sorted(ROOT.glob("*.md"))),
    *(path.relative_to(ROOT) for folder in ("docs", "examples") for path in sorted((ROOT / folder).rglob("*.*"))),
    Path("backend/console/README.md"),
    Path("backend/client/README.md"),
    Path("backend/contracts/asyncapi.json"),
]
# The call that makes a client, with its options, in JavaScript and in Python.
_CLIENT = re.compile(r"\bio\((?:[^()]|\([^()]*\))*\)|\bclient\.connect\((?:[^()]|\([^()]*\))*\)")


def examples_in(document: Path) -> list[str]:
    text = (ROOT / document).read_text()
    if document.suffix == ".json":
        text = json.loads(text)["info"]["description"]
    return [found for found in _CLIENT.findall(text) if "auth" in found]


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_an_example_connects_by_websocket_only(document: Path) -> None:
    assert [
        example for example in examples_in(document) if not re.search(r'transports[:=] ?\["websocket"\]', example)
    ] == []


def test_there_are_examples_for_both_languages_and_in_the_contract() -> None:
    for document in ("README.md", "examples/watch.mjs", "examples/watch.py", "docs/aws.md"):
        assert len(examples_in(Path(document))) == 1
    assert len(examples_in(Path("backend/contracts/asyncapi.json"))) == 1


def test_the_documents_explain_clients_on_another_site() -> None:
    for document in ("docs/how-to/your-own-ui.md", "docs/aws.md", "backend/contracts/asyncapi.json"):
        assert re.search(r"on another\s+site", (ROOT / document).read_text())
