"""A page of the console as a person uses it: by roles, labels and words."""

import json
import re
import time
from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Request, Route, expect

from tests.server_process import ROOT

AXE = ROOT / "tests/console/node_modules/axe-core/axe.min.js"
GRAVE = {"serious", "critical"}
NARROW: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
_PATIENCE_SECONDS = 15.0
# A large screen, a small one, and a telephone, on which a finger taps.
SCREENS: dict[str, dict[str, Any]] = {
    "1440": {"viewport": {"width": 1440, "height": 900}},
    "1024": {"viewport": {"width": 1024, "height": 768}},
    "390": NARROW,
}
# Watches from the first moment on: long tasks, layout that jumped, what was said, what the policy refused.
_WATCHERS = """
window.seen = {tasks: [], shift: 0};
new PerformanceObserver((list) => list.getEntries().forEach((one) => seen.tasks.push(Math.round(one.duration))))
  .observe({type: 'longtask', buffered: true});
new PerformanceObserver((list) => list.getEntries().filter((one) => !one.hadRecentInput)
  .forEach((one) => { seen.shift += one.value; })).observe({type: 'layout-shift', buffered: true});
seen.said = [], seen.shown = [], seen.isNoted = true;
document.addEventListener('DOMContentLoaded', () => new MutationObserver(() => {
  if (!seen.isNoted) return;
  const said = document.querySelector('[role=log]')?.textContent;
  if (said && said !== seen.said.at(-1)) seen.said.push(said);
  const shown = document.querySelector('[aria-label=Code]')?.textContent.slice(0, 300);
  if (shown && shown !== seen.shown.at(-1)) seen.shown.push(shown);
}).observe(document.body, {childList: true, subtree: true, characterData: true}));
addEventListener('securitypolicyviolation', (one) => reportViolation(`${one.violatedDirective} ${one.blockedURI}`));
"""
# An animation that is cancelled has come to rest as well.
_AT_REST = """
Promise.allSettled(document.getAnimations()
  .filter((one) => Number.isFinite(one.effect.getComputedTiming().endTime))
  .map((one) => one.finished)).then(() => null)
"""


class ConsolePage:
    """One visitor. `odd` collects what no visit should see: requests elsewhere, refused content, errors in scripts."""

    def __init__(self, page: Page, url: str, others: Iterable[str] = ()) -> None:
        self.page = page
        self.url = url
        self._places = {urlsplit(one).netloc for one in (url, *others)}
        self.odd: list[str] = []
        # Set while the server is down on purpose: the browser itself then writes of each failed request.
        self.is_outage = False
        page.set_default_timeout(15_000)
        page.expose_binding("reportViolation", lambda _source, what: self.odd.append(f"policy: {what}"))
        page.add_init_script(_WATCHERS)
        page.on("request", self._on_request)
        page.on("pageerror", lambda error: self.odd.append(f"error: {error}"))
        page.on("console", self._on_console)

    def create_project(self, name: str) -> None:
        """Create a project, which is then shown."""
        self.page.get_by_role("textbox", name="Name of the new project").fill(name)
        self.page.get_by_role("button", name="Create").click()
        expect(self.page.get_by_role("textbox", name="Message", exact=True)).to_be_visible()
        expect(self.page.get_by_role("status").filter(has_text="Live")).to_be_visible()

    @property
    def prompt(self) -> Locator:
        """Where the next prompt is written."""
        return self.page.get_by_role("textbox", name="Message", exact=True)

    @property
    def is_narrow(self) -> bool:
        """Whether there is room for one panel only."""
        return bool(self.page.evaluate("innerWidth <= 900"))

    def press(self, what: Locator, **where: Any) -> None:
        """Click, or tap where there is a finger and no mouse."""
        has_touch = self.page.evaluate("navigator.maxTouchPoints > 0")
        (what.tap if has_touch else what.click)(**where)

    def show_panel(self, name: str) -> None:
        """On a narrow screen: turn to a panel. On a wide one they are all there."""
        if self.is_narrow:
            self.press(self.page.get_by_role("navigation", name="Panels").get_by_role("button", name=name))

    def row(self, name: str) -> Locator:
        """A project in the list."""
        return self.page.get_by_role("region", name="Projects").get_by_role("button", name=name, exact=True)

    def open_project(self, name: str) -> None:
        """Choose a project in the list, as a hand does."""
        self.show_panel("Workflow")
        self.press(self.row(name))

    def new_project(self, name: str, code: str | None = None) -> str:
        """A project that was made elsewhere; its id."""
        data = {"name": name} if code is None else {"name": name, "code": code}
        answer = self.page.request.post(f"{self.url}/projects", data=data, headers={"Origin": self.url})
        assert answer.ok, answer.text()
        return str(answer.json()["project_id"])

    def send(self, prompt: str) -> Locator:
        """Write a prompt and send it; what comes of it."""
        box = self.page.get_by_role("textbox", name="Message", exact=True)
        expect(self.page.get_by_text("Loading the conversation")).to_have_count(0)
        box.fill(prompt)
        expect(self.page.get_by_role("button", name="Send", exact=True)).to_be_enabled()
        box.press("Enter")
        return self.message(prompt)

    def message(self, prompt: str) -> Locator:
        """The newest exchange that began with the prompt."""
        return self.page.get_by_role("article", name=f"Message: {prompt}", exact=True).last

    @property
    def log(self) -> Locator:
        """All that was said."""
        return self.page.get_by_role("log", name="Messages")

    @property
    def code(self) -> Locator:
        """The side of the code."""
        return self.page.get_by_role("region", name="Code", exact=True)

    @property
    def connection(self) -> Locator:
        """How the page says it is connected."""
        return self.page.locator("header").get_by_role("status")

    def node(self, name: str) -> Locator:
        """An agent in the picture of the workflow."""
        return self.page.get_by_role("button", name=re.compile(rf"^Agent {name}\b"))

    def completed(self, prompt: str, version: int | None = None) -> Locator:
        """Wait until the message has ended well; the message."""
        message = self.message(prompt)
        done = "No change" if version is None else f"Version {version}"
        expect(message.get_by_text(done, exact=True)).to_be_visible()
        return message

    def settle(self) -> None:
        """Wait until what moves has come to rest."""
        self.page.evaluate(_AT_REST)

    def grave_findings(self) -> list[str]:
        """What axe finds that keeps people out, in one line each."""
        self.settle()
        self.page.evaluate(AXE.read_text() + "; null")
        found: dict[str, Any] = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{one['id']}: {one['help']}: {json.dumps([node['html'] for node in one['nodes'][:3]])}"
            for one in found["violations"]
            if one["impact"] in GRAVE
        ]

    def said(self) -> list[str]:
        """What the conversation read like, each time that it changed: too quick for a person, and for a poll."""
        texts: list[str] = self.page.evaluate("seen.said")
        return texts

    def shown(self) -> list[str]:
        """How the side of the code began, each time that it changed."""
        texts: list[str] = self.page.evaluate("seen.shown")
        return texts

    def note_no_texts(self) -> None:
        """Until the next page is loaded `said` and `shown` stay as they are: noting long texts would be a long task."""
        self.page.evaluate("seen.isNoted = false")

    def longest_task(self) -> int:
        """The longest time that the page did not answer, in milliseconds; from 50 on they count."""
        return int(self.page.evaluate("Math.max(0, ...seen.tasks)"))

    def forget_tasks(self) -> None:
        """Begin anew with `longest_task`."""
        self.page.evaluate("seen.tasks = []")

    def layout_shift(self) -> float:
        """How much jumped by itself since the page was opened; browsers call up to 0.1 good."""
        return float(self.page.evaluate("seen.shift"))

    def width_beyond_screen(self) -> int:
        """How many pixels are to be reached only by scrolling sideways."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))

    def _on_request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in {"data", "blob"} and parts.netloc not in self._places:
            self.odd.append(f"request elsewhere: {request.url}")

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not self.is_outage:
            self.odd.append(f"{message.type}: {message.text}")


class HeldRequests:
    """Holds back the requests that fit, until they are let go."""

    def __init__(self, page: Page, method: str, pattern: str) -> None:
        self._page = page
        self._method = method
        self._pattern = re.compile(pattern)
        self._routes: list[Route] | None = []
        page.route(self._pattern, self._take)

    def _take(self, route: Route) -> None:
        if self._routes is None or route.request.method != self._method:
            route.fallback()
        else:
            self._routes.append(route)

    def wait(self) -> None:
        """Wait until such a request has come."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not self._routes:
            assert time.monotonic() < deadline, f"nothing was asked that fits {self._pattern.pattern}"
            self._page.wait_for_timeout(20)

    def let_go(self) -> None:
        """Let them all go, and those that come."""
        routes, self._routes = self._routes or [], None
        for route in routes:
            route.continue_()


class Visits:
    """Opens pages, and says in the end whether one of them saw something odd."""

    def __init__(self, browser: Browser, stack: ExitStack) -> None:
        self._browser = browser
        self._stack = stack
        self._pages: list[ConsolePage] = []

    def open(self, url: str, path: str = "/", others: Iterable[str] = (), **options: Any) -> ConsolePage:
        """A page of the server, in a browser profile of its own. `others`: the URLs that it may call as well."""
        context = self._browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
        self._stack.callback(context.close)
        return self._open(context, url, path, others)

    def open_beside(self, page: ConsolePage, path: str = "/") -> ConsolePage:
        """Another tab in the browser of a page."""
        return self._open(page.page.context, page.url, path)

    def _open(self, context: BrowserContext, url: str, path: str, others: Iterable[str] = ()) -> ConsolePage:
        page = ConsolePage(context.new_page(), url, others)
        self._pages.append(page)
        page.page.goto(url + path)
        return page

    def check(self) -> None:
        """Hold it against the test if a page saw something odd."""
        assert [odd for page in self._pages for odd in page.odd] == []
