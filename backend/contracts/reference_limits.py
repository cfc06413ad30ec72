"""docs/reference/limits.md: what the API and the relay accept, from their settings, and what happens beyond."""

from backend.app.domain.limits import Limits
from backend.app.settings import AppSettings
from backend.contracts.markdown import NOTICE, setting_row, setting_table, table
from backend.contracts.relay_limits import relay_limits
from shared.event_size import MAX_EVENT_BYTES

_API = """\
# Limits

Exceeding a limit of the API is a 4xx problem that names it ([codes](api.md#problem-codes)). The limits of the API are
[settings](settings.md); so are those of the relay, apart from fixed ones.
"""
_OTHER_LIMITS = ("wait_seconds", "send_message_concurrency", "max_body_bytes", "max_output_tokens")
_RELAY = """\
## Connections to the relay

A client that passes its last `seq` of each session as `after` on every `connect` needs no special handling for any of
these: Socket.IO's client reconnects by itself, and replay sends what it missed, once.
"""
_CLIENTS = (
    (
        "subscribes to more than {max_rooms} projects on one connection",
        'acknowledgement `{{ok: false, code: "too_many_rooms"}}`: unsubscribe first',
    ),
    (
        "names more than {max_after_sessions} sessions in `after`, or sends no valid subscription",
        "`invalid_subscription`; `detail` says what is wrong",
    ),
    ("subscribes to a project that does not exist or that it may not use", "`project_not_found`"),
    ("has more than 256 unanswered requests", "`too_many_requests` for the excess, which is not handled"),
    ("sends a request that fails because of a bug or an unreadable log", "`internal_error`: try again"),
    (
        "sends a request while the server's disk is full or its store unreadable",
        "`storage_unavailable`; `detail` says why: try again",
    ),
    ("disconnects during its request", "`disconnected`; the client normally cannot receive this"),
    (
        "connects with an invalid or expired token",
        (
            "`connect_error`, `error.data.code` is `invalid_token`; the client does not retry: get a token, then "
            "`socket.connect()`. A token that expires ends its connection (`io server disconnect`): likewise"
        ),
    ),
    (
        "connects while the issuer's keys are unknown and cannot be fetched",
        "`connect_error`, `keys_unavailable`: keep the token, `socket.connect()` again after some seconds",
    ),
    (
        "opens more than {max_user_connections} connections as one user to one relay",
        "`connect_error`, `too_many_connections`; the client does not retry",
    ),
    (
        (
            "sends more than {max_packets_per_second:g} packets a second (bursts of five times as many), a packet over "
            "{max_packet_bytes:,} bytes, or an invalid packet"
        ),
        "the WebSocket is closed with 1008 and the reason",
    ),
    (
        (
            "does not read, and {max_client_bytes:,} bytes are pending for it, or {max_waiting_bytes:,} for all "
            "clients and most of them for it"
        ),
        "disconnected without a close frame; the client notices on its next read",
    ),
    (
        "does not authenticate within {authentication_seconds:g} s, or does not answer a ping for {ping_seconds} s",
        "disconnected",
    ),
    (
        "connects to a relay that is full or draining",
        "the handshake is 503 with `Retry-After`; `code` is `full` or `leaving`",
    ),
    (
        "is connected to a relay that drains",
        "the WebSocket is closed with 1012; the client reconnects to another relay",
    ),
)
_EVENTS = """\
To the client a disconnect looks like a network failure: `disconnect` with `transport close` or `transport error`, then
a new attempt after 0.5 to 1.5 s, later ones after at most 5 s. Polling clients notice it on their next request.

An event is at most {max_event_bytes:,} bytes of JSON: its largest field then is `null`, and `href` says where to read
it. Events are kept for seven days; `truncated` in an acknowledgement says that older ones are missing.
"""


def limits_page() -> str:
    """The limits of the API, and what the relay does with a client that exceeds one."""
    limits = setting_table(setting_row(name, AppSettings) for name in (*Limits.model_fields, *_OTHER_LIMITS))
    clients = table(("a client ...", "result"), _CLIENTS)
    numbers = {**relay_limits(), "max_event_bytes": MAX_EVENT_BYTES}
    relay = f"{_RELAY}\n{clients}\n{_EVENTS}".format_map(numbers)
    return f"{NOTICE}\n{_API}\n{limits}\n{relay}"
