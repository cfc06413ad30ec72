"""The settings of the relay's container: required, default and refused ones."""

import pytest

from backend.relay.settings import RelayProcessSettings
from shared.environment import InvalidSettingsError, read_settings

IDENTITY = {
    "VIBEWIRE_JWKS_URL": "https://issuer.example/jwks.json",
    "VIBEWIRE_JWT_ISSUER": "https://issuer.example/",
    "VIBEWIRE_JWT_AUDIENCE": "vibewire",
}
REQUIRED = {
    "VIBEWIRE_TABLE_NAME": "vibewire",
    "VIBEWIRE_TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:events.fifo",
    "VIBEWIRE_RELAY_QUEUE_PREFIX": "vibewire-relay-",
    **IDENTITY,
}


def test_the_defaults_are_those_of_a_container_behind_a_load_balancer() -> None:
    settings = read_settings(RelayProcessSettings, REQUIRED)
    assert (settings.host, settings.port) == ("0.0.0.0", 8080)  # noqa: S104 - inside a container
    assert settings.origins is None


def test_origins_are_separated_by_commas() -> None:
    origins = {"VIBEWIRE_ORIGINS": "https://one.example, https://two.example,"}
    assert read_settings(RelayProcessSettings, REQUIRED | origins).origins == (
        "https://one.example",
        "https://two.example",
    )


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_setting_is_named(name: str) -> None:
    with pytest.raises(InvalidSettingsError, match=name):
        read_settings(RelayProcessSettings, REQUIRED | {name: ""})


def test_identity_is_required() -> None:
    without = {name: value for name, value in REQUIRED.items() if name not in IDENTITY}
    with pytest.raises(InvalidSettingsError, match="VIBEWIRE_JWKS_URL, VIBEWIRE_JWT_ISSUER and VIBEWIRE_JWT_AUDIENCE"):
        read_settings(RelayProcessSettings, without)


@pytest.mark.parametrize("origins", ["*", "https://one.example,*"])
def test_a_wildcard_origin_is_refused(origins: str) -> None:
    with pytest.raises(InvalidSettingsError, match="VIBEWIRE_ORIGINS"):
        read_settings(RelayProcessSettings, REQUIRED | {"VIBEWIRE_ORIGINS": origins})
