"""One token issuer for all tests of this folder."""

from collections.abc import Iterator

import pytest

from shared.jwt_authenticator import JwtAuthenticator
from tests.identity.issuer import AUDIENCE, ISSUER, TokenIssuer
from tests.identity.key_checks import Clock
from tests.identity.people import PAGE, Server
from tests.server_process import model_process, vibewire_process


@pytest.fixture(scope="session")
def running_issuer() -> Iterator[TokenIssuer]:
    with TokenIssuer() as issuer:
        yield issuer


@pytest.fixture
def issuer(running_issuer: TokenIssuer) -> TokenIssuer:
    """The issuer, reset after the previous test."""
    running_issuer.heal()
    return running_issuer


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory, running_issuer: TokenIssuer) -> Iterator[str]:
    """A started Vibewire that trusts the issuer."""
    data_dir = tmp_path_factory.mktemp("identity")
    settings = {**running_issuer.settings, "origins": f"{PAGE}, https://other.example", "retry_delay_seconds": "0.1"}
    with model_process() as model, vibewire_process(data_dir, model.url, **settings) as server:
        yield server.url
    assert "Traceback" not in server.output, server.output


@pytest.fixture
def server(server_url: str, issuer: TokenIssuer) -> Server:
    return Server(server_url, issuer)


@pytest.fixture
def key_clock() -> Clock:
    return Clock()


@pytest.fixture
def authenticator(issuer: TokenIssuer, key_clock: Clock) -> JwtAuthenticator:
    return JwtAuthenticator(issuer.jwks_url, ISSUER, AUDIENCE, monotonic=key_clock.monotonic)


@pytest.fixture
def frozen(issuer: TokenIssuer, key_clock: Clock) -> JwtAuthenticator:
    """The authenticator of a process that is frozen between requests."""
    return JwtAuthenticator(
        issuer.jwks_url, ISSUER, AUDIENCE, is_frozen_between_requests=True, monotonic=key_clock.monotonic
    )
