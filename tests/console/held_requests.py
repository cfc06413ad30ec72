"""Delays requests of a page, so that a test can look at the state before their response."""

import re
import time

from playwright.sync_api import Page, Route

_DEADLINE_SECONDS = 15.0


class HeldRequests:
    """Holds requests of a method and URL pattern until `release` is called."""

    def __init__(self, page: Page, method: str, pattern: str) -> None:
        self._page = page
        self._method = method
        self._pattern = re.compile(pattern)
        self._routes: list[Route] | None = []
        page.route(self._pattern, self._hold)

    def _hold(self, route: Route) -> None:
        if self._routes is None or route.request.method != self._method:
            route.fallback()
        else:
            self._routes.append(route)

    def wait(self) -> None:
        """Wait for the first matching request."""
        deadline = time.monotonic() + _DEADLINE_SECONDS
        while not self._routes:
            assert time.monotonic() < deadline, f"no request matched {self._pattern.pattern}"
            self._page.wait_for_timeout(20)

    def release(self) -> None:
        """Continue the held requests, and hold no further ones."""
        routes, self._routes = self._routes or [], None
        for route in routes:
            route.continue_()
