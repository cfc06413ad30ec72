"""A plain static web server, as used in a deployment of the console."""

from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

from tests.loopback_server import LoopbackServer


class StaticSite(LoopbackServer):
    """Serves a folder. Use it in a `with` block.

    Attributes:
        headers: the response headers of every file.
    """

    def __init__(self, folder: Path) -> None:
        self.headers: dict[str, str] = {}
        handler = partial(_Handler, self.headers, directory=str(folder))
        super().__init__(handler)


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, added: dict[str, str], *arguments: Any, directory: str) -> None:
        self._added = added
        super().__init__(*arguments, directory=directory)

    def end_headers(self) -> None:
        for name, value in self._added.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in http.server
        """Log nothing."""
