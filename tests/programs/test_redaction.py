"""No secret survives in what another server said, however it is written there."""

from urllib.parse import quote

import pytest

from backend.app.programs.models.redaction import redact

KEY = "sk-proj-a1B2c3D4e5F6g7H8i9J0"
PLAIN = "Zk3vQ9wLx71mTnB2/+dRq8"  # a key that does not look like one
FORMS = [
    "{key}",
    "'{key}'",
    "key={key}.",
    "Bearer {key}",
    "authorization: bearer {key}",
    '{{"Authorization": "Bearer {key}"}}',
    "Authorization: Basic dXNlcjpwYXNzd29yZA==",
    "api-key: {key}",
    "https://user:{key}@model.example/v1",
    "https://model.example/v1?api_key={key}&n=1",
    "{start}************{end}",
    "{start}...{end}",
    "{start}\u2026{end}",
    "{start}xxxxxxxx{end}",
    "{first}",
    "{last}",
    "{upper}",
    "{quoted}",
]


@pytest.mark.parametrize("key", [KEY, PLAIN])
@pytest.mark.parametrize("form", FORMS)
def test_a_key_is_taken_out_in_every_form(form: str, key: str) -> None:
    parts = {"start": key[:6], "end": key[-4:], "first": key[:12], "last": key[-12:], "upper": key.upper()}
    said = "Incorrect: " + form.format(key=key, quoted=quote(key, safe=""), **parts) + " See the manual."
    redacted = redact(said, [key])
    assert "[redacted]" in redacted
    assert redacted.startswith("Incorrect: ")
    for part in (key, key.upper(), key[:8], key[-8:], key[3:13], quote(key, safe=""), "dXNlcjpwYXNzd29yZA"):
        assert part not in redacted


@pytest.mark.parametrize("said", [KEY, f"Bearer {PLAIN}", "sk-ab***********yz", "AKIAIOSFODNN7EXAMPLE"])
def test_what_looks_like_a_key_is_taken_out_without_being_known(said: str) -> None:
    assert redact(f"Bad key {said}!") in ("Bad key [redacted]!", "Bad key [redacted]")


@pytest.mark.parametrize(
    "said",
    [
        "Rate limit reached for gpt-5.6 in organization org-1 on tokens per min: Limit 30000, Used 29000.",
        "request (1038 tokens) exceeds the available context size (1024 tokens)",
        "none of the tasks is a test...",
        "Unsupported value: 'input[3].x_score' at https://model.example/v1/responses",
        "",
    ],
)
def test_other_words_stay_as_they_are(said: str) -> None:
    assert redact(said, [KEY, PLAIN, "none", "", "test"]) == said
