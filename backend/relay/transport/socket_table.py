"""The sockets of the relay's Engine.IO server."""

from typing import Any

from backend.relay.transport.relay_socket import RelaySocket
from backend.relay.transport.socket_rules import SocketRules


class SocketTable(dict[str, RelaySocket]):
    """Sockets by id. It replaces a socket's class when it is registered: python-engineio has no setting for that."""

    def __init__(self, rules: SocketRules) -> None:
        super().__init__()
        self._rules = rules

    def __setitem__(self, sid: str, socket: Any) -> None:
        socket.__class__ = RelaySocket
        socket.initialize(self._rules)
        super().__setitem__(sid, socket)

    def copy(self) -> dict[str, RelaySocket]:
        """A snapshot of the sockets."""
        return dict(self)
