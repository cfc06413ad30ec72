"""`make bench-onboarding`: how long it takes from `git clone` to the first streamed token on the screen, step by step.

It clones this repository into a temporary folder, starts `make run` as the README says, and uses the page in a browser.
The caches of pip, uv and npm are those of the machine: run it twice to measure with warm caches.
"""

import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from playwright.sync_api import sync_playwright

from tests.server_process import ROOT

GOAL_SECONDS = 60.0
_DEADLINE_SECONDS = 300.0


class Steps:
    """Prints how long each step took."""

    def __init__(self) -> None:
        self.total = 0.0

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        start = time.monotonic()
        yield
        took = time.monotonic() - start
        self.total += took
        print(f"{took:7.1f} s  {name}", flush=True)


def main() -> None:
    """Measure once; exit with 1 if it took longer than the goal."""
    steps = Steps()
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "vibewire"
        with steps.step("git clone"):
            subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        with started(clone) as lines:
            with steps.step("make run: installs, builds the console, listens"):
                url = address(lines)
            with sync_playwright() as playwright:
                with steps.step("a browser starts"):
                    browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
                    page = browser.new_page()
                with steps.step("the page is loaded"):
                    page.goto(url)
                    name = page.get_by_role("textbox", name="Name of the new project")
                    name.fill("Customer support")
                with steps.step("a project is created"):
                    name.press("Enter")
                    message = page.get_by_role("textbox", name="Message", exact=True)
                    message.fill("Create a triage agent")
                with steps.step("prompt sent, first streamed token on the screen"):
                    message.press("Enter")
                    page.get_by_role("article").get_by_text("I created").wait_for()
                browser.close()
    verdict = "within" if steps.total <= GOAL_SECONDS else "OVER"
    print(f"{steps.total:7.1f} s  in total, {verdict} the goal of {GOAL_SECONDS:.0f} s")
    sys.exit(steps.total > GOAL_SECONDS)


def chromium() -> str:
    """The path of Chromium; exits if there is none."""
    path = os.environ.get("VIBEWIRE_TEST_CHROMIUM") or shutil.which("chromium")
    return path or sys.exit("No Chromium: apt-get install chromium")


@contextmanager
def started(clone: Path) -> Iterator["queue.Queue[str]"]:
    """Run `make run` in the clone on a free port; yields the lines that it prints."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("VIBEWIRE_", "MAKE"))}
    process = subprocess.Popen(
        ["make", "run"],
        cwd=clone,
        env={**environment, "VIBEWIRE_PORT": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    lines: queue.Queue[str] = queue.Queue()
    reader = threading.Thread(target=_read_lines, args=(process.stdout, lines), daemon=True)
    reader.start()
    try:
        yield lines
    finally:
        # The process group holds make and its children only.
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)
        reader.join(timeout=30)
        process.stdout.close()


def _read_lines(stdout: IO[str], lines: "queue.Queue[str]") -> None:
    for line in stdout:
        lines.put(line)


def address(lines: "queue.Queue[str]") -> str:
    """The URL that the server prints when it is ready."""
    printed = []
    while True:
        try:
            printed.append(lines.get(timeout=_DEADLINE_SECONDS))
        except queue.Empty:
            sys.exit("make run did not start:\n" + "".join(printed))
        if found := re.search(r"listening on (http://\S+)", printed[-1]):
            return found[1]


if __name__ == "__main__":
    main()
