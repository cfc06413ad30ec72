"""The library internals that the relay overrides or calls exist and behave as it expects.

The versions are pinned in pyproject.toml. To raise one, run this, `make test-relay` and `make fuzz-relay`.
"""

import inspect
import logging
from importlib.metadata import version
from typing import Any

import engineio
import pytest
import socketio
from engineio import async_server, async_socket
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from backend.relay.metrics import RelayMetrics
from backend.relay.transport import broadcaster
from backend.relay.transport.broadcaster import KNOWN_VERSIONS, Broadcaster
from backend.relay.transport.event_frames import FrameEncoder
from backend.relay.transport.relay_socket import RelaySocket
from backend.relay.transport.relay_socket_server import RelayEngine, RelaySocketServer
from backend.relay.transport.socket_table import SocketTable
from backend.relay.transport.websocket_protocol import RelayWebSocketProtocol
from tests.relay.live_relay import PROJECT, live_relay
from tests.server_process import ROOT


def signature(function: Any) -> list[str]:
    return list(inspect.signature(function).parameters)


def test_the_installed_versions_are_the_known_ones_and_pinned_in_pyproject() -> None:
    pyproject = (ROOT / "pyproject.toml").read_text()
    for name, known in KNOWN_VERSIONS.items():
        assert version(name) == known
        assert f'"{name}=={known}"' in pyproject


@pytest.mark.parametrize(
    ("ours", "theirs", "names"),
    [
        (
            RelaySocket,
            async_socket.AsyncSocket,
            (
                "poll send close receive schedule_ping handle_get_request handle_post_request "
                "_upgrade_websocket _websocket_handler"
            ),
        ),
        (
            RelaySocketServer,
            socketio.AsyncServer,
            "_engineio_server_class _handle_eio_connect _handle_eio_message _handle_eio_disconnect",
        ),
        (Broadcaster, socketio.AsyncManager, "enter_room leave_room disconnect"),
        (
            RelayWebSocketProtocol,
            WebSocketsSansIOProtocol,
            "pause_writing resume_writing handle_connect handle_cont handle_ping",
        ),
    ],
)
def test_each_overridden_method_exists_with_the_same_arguments(ours: type, theirs: type, names: str) -> None:
    for name in names.split():
        assert signature(getattr(ours, name)) == signature(getattr(theirs, name)), name
        assert inspect.iscoroutinefunction(getattr(ours, name)) == inspect.iscoroutinefunction(getattr(theirs, name))


def test_engineio_registers_each_socket_before_it_sends_to_it() -> None:
    lines = inspect.getsource(async_server.AsyncServer._handle_connect)
    created, registered, sent = (
        lines.index(part)
        for part in ("async_socket.AsyncSocket(self, sid)", "self.sockets[sid] = s", "await s.send(pkt)")
    )
    assert created < registered < sent
    assert "ws.send" not in inspect.getsource(async_socket.AsyncSocket.send)


def test_the_attributes_that_the_relay_reads_exist() -> None:
    manager = Broadcaster(RelayMetrics(), FrameEncoder().encode)
    assert manager.rooms == {}
    engine = RelayEngine(async_mode="asgi")
    for name in ("sockets", "ping_interval", "ping_timeout", "max_http_buffer_size", "reason"):
        assert hasattr(engine, name), name
    socket = async_socket.AsyncSocket(engine, "sid")
    for name in ("queue", "last_ping", "connected", "upgrading", "upgraded", "closing", "closed"):
        assert hasattr(socket, name), name
    assert "_binary_packet" in vars(socketio.AsyncServer(async_mode="asgi"))
    source = inspect.getsource(WebSocketsSansIOProtocol)
    for name in ("close_sent", "handshake_complete", "frames", "conn", "transport", "loop", "scope"):
        assert f"self.{name}" in source, name
    assert issubclass(engineio.exceptions.SocketIsClosedError, engineio.exceptions.EngineIOError)


async def test_real_sockets_are_relay_sockets_and_their_websockets_get_direct_writes() -> None:
    async with live_relay() as live, live.watcher() as one, live.watcher("polling") as other:
        for watcher in (one, other):
            await watcher.subscribe(PROJECT)
        assert isinstance(live.relay.sio.eio.sockets, SocketTable)
        sockets = list(live.relay.sio.eio.sockets.values())
        assert {type(socket) for socket in sockets} == {RelaySocket}
        assert [socket.is_direct for socket in sockets] == [True, False]


async def test_with_unknown_versions_all_events_take_the_default_path_and_one_line_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(broadcaster.KNOWN_VERSIONS, "uvicorn", "0.0.1")
    with caplog.at_level(logging.WARNING):
        async with live_relay() as live, live.watcher() as watcher:
            await watcher.subscribe(PROJECT)
            assert not any(socket.is_direct for socket in live.relay.sio.eio.sockets.values())
            live.publish(3)
            await watcher.wait_for("agent_iteration", 3)
    assert caplog.text.count("default path") == 1
