"""The AsyncAPI document is valid by AsyncAPI's schema, which `make test-console` installs from npm."""

import json

import pytest
from jsonschema import Draft7Validator

from backend.contracts.documents import FOLDER
from tests.server_process import ROOT

SCHEMA = ROOT / "tests/console/node_modules/@asyncapi/specs/schemas/3.0.0.json"


@pytest.mark.skipif(not SCHEMA.exists(), reason="AsyncAPI's schema is not installed: `make test-console`")
def test_the_asyncapi_document_is_valid() -> None:
    document = json.loads((FOLDER / "asyncapi.json").read_text())
    errors = Draft7Validator(json.loads(SCHEMA.read_text())).iter_errors(document)
    assert [f"{error.json_path}: {error.message[:200]}" for error in errors] == []
