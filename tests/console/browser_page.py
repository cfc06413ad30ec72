"""A page of the console, used by roles, labels and texts."""

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Locator, Page, Request, expect

from tests.server_process import ROOT

AXE = ROOT / "tests/console/node_modules/axe-core/axe.min.js"
SERIOUS = {"serious", "critical"}
NARROW: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
# A large screen, a small one, and a phone with touch input.
SCREENS: dict[str, dict[str, Any]] = {
    "1440": {"viewport": {"width": 1440, "height": 900}},
    "1024": {"viewport": {"width": 1024, "height": 768}},
    "390": NARROW,
}
# Installed before the page loads: long tasks, layout shifts, texts, and violations of the content security policy.
_OBSERVERS = """
window.observed = {tasks: [], shift: 0};
new PerformanceObserver((list) => list.getEntries().forEach((one) => observed.tasks.push(Math.round(one.duration))))
  .observe({type: 'longtask', buffered: true});
new PerformanceObserver((list) => list.getEntries().filter((one) => !one.hadRecentInput)
  .forEach((one) => { observed.shift += one.value; })).observe({type: 'layout-shift', buffered: true});
observed.logs = [], observed.codes = [], observed.isRecording = true;
document.addEventListener('DOMContentLoaded', () => new MutationObserver(() => {
  if (!observed.isRecording) return;
  const log = document.querySelector('[role=log]')?.textContent;
  if (log && log !== observed.logs.at(-1)) observed.logs.push(log);
  const code = document.querySelector('[aria-label=Code]')?.textContent.slice(0, 300);
  if (code && code !== observed.codes.at(-1)) observed.codes.push(code);
}).observe(document.body, {childList: true, subtree: true, characterData: true}));
addEventListener('securitypolicyviolation', (one) => reportViolation(`${one.violatedDirective} ${one.blockedURI}`));
"""
# A cancelled animation has settled as well.
_SETTLED = """
Promise.allSettled(document.getAnimations()
  .filter((one) => Number.isFinite(one.effect.getComputedTiming().endTime))
  .map((one) => one.finished)).then(() => null)
"""


class ConsolePage:
    """A page of one visitor. `problems`: requests to other servers, policy violations, errors of scripts."""

    def __init__(self, page: Page, url: str, allowed_urls: Iterable[str] = ()) -> None:
        self.page = page
        self.url = url
        self._allowed_hosts = {urlsplit(one).netloc for one in (url, *allowed_urls)}
        self.problems: list[str] = []
        # Set while requests fail on purpose: the browser logs each failed request as an error.
        self.is_outage = False
        page.set_default_timeout(15_000)
        page.expose_binding("reportViolation", lambda _source, what: self.problems.append(f"policy: {what}"))
        page.add_init_script(_OBSERVERS)
        page.on("request", self._on_request)
        page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        page.on("console", self._on_console)

    def create_project(self, name: str) -> None:
        """Create a project and wait until it is shown."""
        self.page.get_by_role("textbox", name="Name of the new project").fill(name)
        self.page.get_by_role("button", name="Create").click()
        expect(self.page.get_by_role("textbox", name="Message", exact=True)).to_be_visible()
        expect(self.page.get_by_role("status").filter(has_text="Live")).to_be_visible()

    @property
    def prompt(self) -> Locator:
        """The input of the next prompt."""
        return self.page.get_by_role("textbox", name="Message", exact=True)

    @property
    def is_narrow(self) -> bool:
        """Whether the page shows one panel at a time."""
        return bool(self.page.evaluate("innerWidth <= 900"))

    def press(self, what: Locator, **where: Any) -> None:
        """Click, or tap on a touch screen."""
        has_touch = self.page.evaluate("navigator.maxTouchPoints > 0")
        (what.tap if has_touch else what.click)(**where)

    def show_panel(self, name: str) -> None:
        """Show a panel on a narrow screen; a wide one shows all of them."""
        if self.is_narrow:
            self.press(self.page.get_by_role("navigation", name="Panels").get_by_role("button", name=name))

    def row(self, name: str) -> Locator:
        """A project in the list."""
        return self.page.get_by_role("region", name="Projects").get_by_role("button", name=name, exact=True)

    def open_project(self, name: str) -> None:
        """Choose a project in the list."""
        self.show_panel("Workflow")
        self.press(self.row(name))

    def new_project(self, name: str, code: str | None = None) -> str:
        """Create a project by the API; returns its id."""
        data = {"name": name} if code is None else {"name": name, "code": code}
        answer = self.page.request.post(f"{self.url}/projects", data=data, headers={"Origin": self.url})
        assert answer.ok, answer.text()
        return str(answer.json()["project_id"])

    def send(self, prompt: str) -> Locator:
        """Type and send a prompt; returns its message."""
        box = self.page.get_by_role("textbox", name="Message", exact=True)
        expect(self.page.get_by_text("Loading the conversation")).to_have_count(0)
        box.fill(prompt)
        expect(self.page.get_by_role("button", name="Send", exact=True)).to_be_enabled()
        box.press("Enter")
        return self.message(prompt)

    def message(self, prompt: str) -> Locator:
        """The newest message with the prompt."""
        return self.page.get_by_role("article", name=f"Message: {prompt}", exact=True).last

    @property
    def log(self) -> Locator:
        """The list of messages."""
        return self.page.get_by_role("log", name="Messages")

    @property
    def code(self) -> Locator:
        """The code panel."""
        return self.page.get_by_role("region", name="Code", exact=True)

    @property
    def connection(self) -> Locator:
        """The state of the connection in the header."""
        return self.page.locator("header").get_by_role("status")

    def node(self, name: str) -> Locator:
        """An agent in the workflow graph."""
        return self.page.get_by_role("button", name=re.compile(rf"^Agent {name}\b"))

    def completed(self, prompt: str, version: int | None = None) -> Locator:
        """Wait until a message is completed; returns it."""
        message = self.message(prompt)
        done = "No change" if version is None else f"Version {version}"
        expect(message.get_by_text(done, exact=True)).to_be_visible()
        return message

    def settle(self) -> None:
        """Wait until all animations have ended."""
        self.page.evaluate(_SETTLED)

    def serious_violations(self) -> list[str]:
        """The serious accessibility violations that axe finds, one line each."""
        self.settle()
        self.page.evaluate(AXE.read_text() + "; null")
        found: dict[str, Any] = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{one['id']}: {one['help']}: {json.dumps([node['html'] for node in one['nodes'][:3]])}"
            for one in found["violations"]
            if one["impact"] in SERIOUS
        ]

    def log_history(self) -> list[str]:
        """The text of the list of messages after each of its changes."""
        texts: list[str] = self.page.evaluate("observed.logs")
        return texts

    def code_history(self) -> list[str]:
        """The start of the code panel's text after each of its changes."""
        texts: list[str] = self.page.evaluate("observed.codes")
        return texts

    def stop_recording(self) -> None:
        """Stop recording texts until the next page load: recording long texts would be a long task."""
        self.page.evaluate("observed.isRecording = false")

    def longest_task(self) -> int:
        """The longest task of the page's thread in milliseconds, of those over 50."""
        return int(self.page.evaluate("Math.max(0, ...observed.tasks)"))

    def reset_tasks(self) -> None:
        """Start a new measurement of `longest_task`."""
        self.page.evaluate("observed.tasks = []")

    def layout_shift(self) -> float:
        """The cumulative layout shift since the page load; up to 0.1 is rated good."""
        return float(self.page.evaluate("observed.shift"))

    def width_beyond_screen(self) -> int:
        """The number of pixels that need horizontal scrolling."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))

    def _on_request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in {"data", "blob"} and parts.netloc not in self._allowed_hosts:
            self.problems.append(f"request to another server: {request.url}")

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not self.is_outage:
            self.problems.append(f"{message.type}: {message.text}")
