"""Opens pages of the console and checks in the end that none of them reported a problem."""

from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any

from playwright.sync_api import Browser, BrowserContext

from tests.console.browser_page import ConsolePage


class Visits:
    def __init__(self, browser: Browser, stack: ExitStack) -> None:
        self._browser = browser
        self._stack = stack
        self._pages: list[ConsolePage] = []

    def open(self, url: str, path: str = "/", allowed_urls: Iterable[str] = (), **options: Any) -> ConsolePage:
        """Open a page in a new browser context. `allowed_urls`: further servers that it may call."""
        context = self._browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
        self._stack.callback(context.close)
        return self._open(context, url, path, allowed_urls)

    def open_tab(self, page: ConsolePage, path: str = "/") -> ConsolePage:
        """Open another tab in the browser context of a page."""
        return self._open(page.page.context, page.url, path)

    def _open(self, context: BrowserContext, url: str, path: str, allowed_urls: Iterable[str] = ()) -> ConsolePage:
        page = ConsolePage(context.new_page(), url, allowed_urls)
        self._pages.append(page)
        page.page.goto(url + path)
        return page

    def check(self) -> None:
        """Fail if a page reported a problem."""
        assert [problem for page in self._pages for problem in page.problems] == []
