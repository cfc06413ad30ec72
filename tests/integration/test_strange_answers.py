"""The command line in front of what is not Vibewire, or not there any more: a line that says so, never a traceback."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from aiohttp import web

from backend.local.api_client import ApiClient, RefusedError
from tests.integration.test_chat import chat, start_chat
from tests.server_process import model_process, vibewire_process
from tests.watcher import WAIT_SECONDS

HTML = "<html><head><title>502 Bad Gateway</title></head></html>"
STRANGE = [
    (502, "text/html", HTML, "answered 502 Bad Gateway as text/html"),
    (200, "text/html", "<html>Please sign in</html>", "answered 200 OK as text/html"),
    (503, "application/json", '{"message": "Service\\nUnavailable"}', "503 Service Unavailable (Service Unavailable)"),
    (200, "application/json", "[]", "answered 200 OK as application/json"),
    (200, "application/json", '{"hello": "world"}', "answered 200 OK as application/json"),
    (404, "application/json", '{"code": 5}', "answered 404 Not Found as application/json"),
    (500, "application/octet-stream", "\x1b[2J", "answered 500 Internal Server Error as application/octet-stream"),
    (200, "application/json", "", "answered 200 OK as application/json"),
]


@asynccontextmanager
async def server_that(answer: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(("status", "kind", "body", "said"), STRANGE)
async def test_every_call_says_what_answered_where_that_is_not_vibewire(
    status: int, kind: str, body: str, said: str
) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, text=body, content_type=kind)

    async with server_that(answer) as url, ApiClient(url, None) as api:
        calls: list[Callable[[], Awaitable[object]]] = [
            api.list_projects,
            lambda: api.get_project("p"),
            lambda: api.create_project("New"),
            lambda: api.list_sessions("p"),
            lambda: api.start_session("p", None),
            lambda: api.send_message("s", "m", "Hello"),
            lambda: api.list_last_messages("s", 3),
            lambda: api.cancel_message("m"),
        ]
        for call in calls:
            with pytest.raises(RefusedError) as refused:
                await call()
            assert (refused.value.status, refused.value.code) == (status, "not_vibewire")
            assert said in str(refused.value)


async def test_a_proxys_page_is_one_line_and_no_traceback() -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=502, text=HTML, content_type="text/html")

    async with server_that(answer) as url:
        code, output, errors = await chat(url, "--project", "Away", "Hello")
    assert (code, output) == (1, "")
    assert errors.count("\n") == 1
    assert errors.startswith(f"not_vibewire: {url} answered 502 Bad Gateway as text/html")


async def test_an_answer_that_breaks_off_is_a_lost_connection() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        begun = web.StreamResponse(headers={"Content-Length": "1000"})
        await begun.prepare(request)
        await begun.write(b'{"projects": [')
        assert request.transport is not None
        request.transport.close()
        return begun

    async with server_that(answer) as url, ApiClient(url, None) as api:
        with pytest.raises(ConnectionError):
            await api.list_projects()


async def test_a_turn_that_cannot_be_cancelled_says_so_and_is_left_by_the_next_ctrl_c(tmp_path: Path) -> None:
    with model_process() as model, vibewire_process(tmp_path, model.url) as server:
        async with httpx.AsyncClient() as http:
            await http.post(f"{model.url.removesuffix('/v1')}/faults", json=[{"kind": "stall"}])
        process = await start_chat(server.url, "--project", "Stalled", "--json", "Create a triage agent")
        assert process.stdout is not None
        assert process.stderr is not None
        async with asyncio.timeout(WAIT_SECONDS):
            while json.loads(await process.stdout.readline())["type"] != "message_started":
                pass
            await asyncio.to_thread(server.kill)
            os.kill(process.pid, signal.SIGINT)
            line = (await process.stderr.readline()).decode()
            assert line.startswith("not cancelled, the turn goes on: no server answers (")
            assert line.endswith("Ctrl-C again leaves\n")
            os.kill(process.pid, signal.SIGINT)
            assert await process.wait() == 130
        assert "Traceback" not in (await process.stderr.read()).decode()
