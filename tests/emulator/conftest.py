"""Artifacts in emulators, on an AWS that is a moto server. Everything here takes seconds: `make test-lambda`."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.emulator.emulator import EmulatedFunction
from tests.emulator.poller import Poller
from tests.emulator.runtime import find_interpreter, install_runtime_client
from tests.emulator.world import World
from tests.identity.issuer import TokenIssuer
from tests.moto_server import Moto, start_moto
from tests.server_process import model_process

Start = Callable[..., EmulatedFunction]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.emulator)


@pytest.fixture(scope="session")
def interpreter() -> str:
    return find_interpreter()


@pytest.fixture(scope="session")
def runtime_client(interpreter: str) -> Path:
    return install_runtime_client(interpreter)


@pytest.fixture(scope="session")
def moto() -> Iterator[Moto]:
    with start_moto() as moto:
        yield moto


@pytest.fixture(scope="session")
def issuer() -> Iterator[TokenIssuer]:
    with TokenIssuer() as issuer:
        yield issuer


@pytest.fixture(scope="session")
def model_url() -> Iterator[str]:
    with model_process() as model:
        yield model.url


@pytest.fixture(scope="session")
def emulator_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("emulator")


@pytest.fixture
def world(moto: Moto, issuer: TokenIssuer, model_url: str, tmp_path: Path) -> World:
    """A stack of its own: table, queue, topic, secret, and a folder for memories."""
    return World.build(moto, issuer, model_url, tmp_path / "memory")


@pytest.fixture
def start(interpreter: str, runtime_client: Path, emulator_folder: Path, world: World) -> Start:
    """Starts functions of the world; use each in a `with` block."""

    def begin(module: str, timeout: int = 30, **variables: str) -> EmulatedFunction:
        environment = {**world.environment, **variables}
        return EmulatedFunction(module, interpreter, runtime_client, emulator_folder, environment, timeout)

    return begin


@pytest.fixture
def poller(world: World) -> Poller:
    return Poller(world)


@pytest.fixture
def session_id(world: World) -> str:
    return world.start_session()
