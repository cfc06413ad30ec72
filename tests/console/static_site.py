"""A plain web server for a folder of files, as deployments have it: it knows nothing of Vibewire."""

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self


class StaticSite:
    """Serves a folder. Use it in a `with` block.

    Attributes:
        headers: what is sent with each file.
    """

    def __init__(self, folder: Path) -> None:
        self.headers: dict[str, str] = {}
        handler = partial(_Handler, self.headers, directory=str(folder))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, added: dict[str, str], *arguments: Any, directory: str) -> None:
        self._added = added
        super().__init__(*arguments, directory=directory)

    def end_headers(self) -> None:
        for name, value in self._added.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in http.server
        """Say nothing."""
