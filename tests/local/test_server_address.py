"""Where `make chat` and `make watch` look for the server, and the commands that `make run` prints."""

import pytest

from backend.local.server_address import command_for, default_url


@pytest.mark.parametrize(
    ("environment", "url"),
    [
        ({}, "http://127.0.0.1:8765"),
        ({"VIBEWIRE_PORT": "8802"}, "http://127.0.0.1:8802"),
        ({"VIBEWIRE_PORT": "", "VIBEWIRE_HOST": ""}, "http://127.0.0.1:8765"),
        ({"VIBEWIRE_HOST": "::1", "VIBEWIRE_PORT": "1"}, "http://[::1]:1"),
        ({"VIBEWIRE_HOST": "0.0.0.0"}, "http://127.0.0.1:8765"),  # noqa: S104 - what a server may listen on
        ({"VIBEWIRE_HOST": "::"}, "http://[::1]:8765"),
        ({"VIBEWIRE_HOST": "vibewire.example"}, "http://vibewire.example:8765"),
    ],
)
def test_the_command_line_uses_the_address_that_the_server_listens_on(environment: dict[str, str], url: str) -> None:
    assert default_url(environment) == url


@pytest.mark.parametrize("environment", [{}, {"VIBEWIRE_PORT": "8802"}, {"VIBEWIRE_HOST": "::1", "VIBEWIRE_PORT": "1"}])
def test_what_a_start_says_to_type_leads_to_it(environment: dict[str, str]) -> None:
    url = default_url(environment)
    *settings, _, target = command_for(url, "make watch").split()
    assert target == "watch"
    assert default_url(dict(setting.split("=", 1) for setting in settings)) == url
