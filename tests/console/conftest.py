"""The console in headless Chromium, on real servers. `make test-console` installs what these tests need."""

import importlib.util
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.server_process import ROOT, ServerProcess, vibewire_process

# These modules import Playwright, which only `make test-console` installs.
_NEED_PLAYWRIGHT = ["browser_page.py", "held_requests.py", "visits.py", "test_browser_*.py"]
collect_ignore_glob = [] if importlib.util.find_spec("playwright") else _NEED_PLAYWRIGHT

PACE_SECONDS = "0.05"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if isinstance(item, pytest.Function) and "shot" in item.fixturenames:
            item.add_marker(pytest.mark.pictured)


@pytest.fixture(scope="session")
def model() -> Iterator[ServerProcess]:
    """A demo model that writes as slowly as a quick model does."""
    with ServerProcess("tests.model_server", "--port", "0", "--pace", PACE_SECONDS) as server:
        yield server


@pytest.fixture(scope="session")
def writer() -> Iterator[ServerProcess]:
    """A model that streams 30 lines in six seconds: long enough to be interrupted."""
    with ServerProcess("tests.console.writer_model", "--lines", "30", "--pieces", "30", "--pace", "0.2") as server:
        yield server


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory, model: ServerProcess) -> Iterator[str]:
    with vibewire_process(tmp_path_factory.mktemp("vibewire"), model.url, retry_delay_seconds="0.1") as server:
        yield server.url
    assert "Traceback" not in server.output, server.output


if importlib.util.find_spec("playwright"):
    from playwright.sync_api import Browser, expect, sync_playwright

    from tests.console.browser_page import ConsolePage
    from tests.console.visits import Visits

    CHROMIUM = os.environ.get("VIBEWIRE_TEST_CHROMIUM") or shutil.which("chromium") or ""
    # No requests to the browser's vendor.
    SWITCHES = [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ]

    @pytest.fixture(scope="session")
    def browser() -> Iterator[Browser]:
        if not CHROMIUM:
            pytest.skip("no Chromium: install Debian's chromium, or name one in VIBEWIRE_TEST_CHROMIUM")
        if not (ROOT / "backend/console/dist/index.html").exists():
            pytest.skip("the console is not built: `make console`")
        expect.set_options(timeout=15_000)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
            yield browser
            browser.close()

    @pytest.fixture
    def visits(browser: Browser) -> Iterator[Visits]:
        """Opens pages, each in its own browser context, and checks in the end that none reported a problem."""
        with ExitStack() as stack:
            visits = Visits(browser, stack)
            yield visits
            visits.check()

    @pytest.fixture
    def visit(visits: Visits, server_url: str) -> Callable[..., ConsolePage]:
        """Opens the console of the shared server."""
        return lambda path="/", **options: visits.open(server_url, path, **options)

    @pytest.fixture(scope="session")
    def writing_url(tmp_path_factory: pytest.TempPathFactory, writer: ServerProcess) -> Iterator[str]:
        """A server with the slow model."""
        with vibewire_process(tmp_path_factory.mktemp("writing"), writer.url) as server:
            yield server.url
        assert "Traceback" not in server.output, server.output

    @pytest.fixture
    def visit_writing(visits: Visits, writing_url: str) -> Callable[..., ConsolePage]:
        """Opens the console of the server with the slow model."""
        return lambda path="/", **options: visits.open(writing_url, path, **options)

    @pytest.fixture
    def shot() -> Callable[[ConsolePage, str], None]:
        """Takes a screenshot for the evidence folder, if VIBEWIRE_TEST_SCREENSHOTS names one."""
        folder = os.environ.get("VIBEWIRE_TEST_SCREENSHOTS")

        def take(page: ConsolePage, name: str) -> None:
            if folder:
                page.settle()
                page.page.screenshot(path=Path(folder) / f"{name}.png")

        return take
