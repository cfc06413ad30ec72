"""Where the server of this machine is, as `make run`, `make chat` and `make watch` agree on it."""

from collections.abc import Mapping

from backend.local.settings import LocalSettings

_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what a server listens on is not what one calls


def url_of(host: str, port: int | str) -> str:
    """The URL of a server that listens on a host and a port."""
    host = _ANY_ADDRESS.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def default_url(environment: Mapping[str, str]) -> str:
    """The URL that VIBEWIRE_HOST and VIBEWIRE_PORT stand for, by `make run`'s defaults where they are not set."""
    fields = LocalSettings.model_fields
    host = environment.get("VIBEWIRE_HOST") or fields["host"].default
    port = environment.get("VIBEWIRE_PORT") or fields["port"].default
    return url_of(host, port)


def command_for(url: str, command: str) -> str:
    """A command of make as it must be typed to reach the server at the URL."""
    default = url_of(LocalSettings.model_fields["host"].default, LocalSettings.model_fields["port"].default)
    if url == default:
        return command
    host, _, port = url.removeprefix("http://").rpartition(":")
    host = host.strip("[]")
    named = "" if host == LocalSettings.model_fields["host"].default else f"VIBEWIRE_HOST={host} "
    return f"{named}VIBEWIRE_PORT={port} {command}"
