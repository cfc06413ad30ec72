"""Inputs of the fuzzers: Engine.IO and Socket.IO packets, frames and requests, most of them invalid."""

import base64
import json
import random
import struct
from collections.abc import Callable
from typing import Any

from tests.relay.live_relay import PROJECT
from tests.relay_fuzz.relay_process import SESSIONS

Rng = random.Random

_JUNK = ("", "\x00", "\x1e", "\x1e\x1e", "é", "\u2028", "\ud7ff", "4", "-", ",", "/", "[", "]", "{", '"', "0" * 50)
_NUMBERS = (-1, 0, 1, 2**31, 2**53, 2**53 + 1, 2**64, -(2**70), 1.5, 1e308, float("nan"), float("inf"))
_NAMES = ("subscribe", "unsubscribe", "connect", "disconnect", "*", "message", "", "__proto__", "access_lost")
_NAMESPACES = ("", "/,", "/admin,", "/" + "n" * 300 + ",", "/?a=b,", "//,", "/,,")
_BAD_CODES = (0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65535)
_LONG = 110_000


def any_packet(rng: Rng) -> str | bytes:
    """A packet of Engine.IO."""
    packet = rng.choice(_ENGINE_PACKETS)(rng)
    if isinstance(packet, str) and rng.random() < 0.3:
        packet = mutated(rng, packet)
    return packet


def any_event(rng: Rng) -> str:
    """An event of Socket.IO that is well formed, with nonsense in it."""
    return f"42{rng.randrange(100)}{json.dumps([rng.choice(_NAMES), any_request(rng)])}"


def any_request(rng: Rng) -> Any:
    """Valid and invalid payloads of `subscribe`."""
    project = rng.choice((PROJECT, PROJECT, "unknown", f"p{rng.randrange(50)}", "x" * 65, "", 5, None, _value(rng)))
    kind = rng.random()
    if kind < 0.2:
        return _value(rng)
    if kind < 0.4:
        return {"project_id": project}
    names = (*SESSIONS, "unknown", "", "s" * 65, "é")
    count = rng.choice((1, 2, 5, 300))
    after = {f"{rng.choice(names)}{'' if count < 5 else number}": _seq(rng) for number in range(count)}
    return {"project_id": project, "after": rng.choice((after, after, _value(rng)))}


def mutated(rng: Rng, text: str) -> str:
    """The text with something left out, doubled, swapped or put in."""
    for _ in range(rng.randint(1, 3)):
        at = rng.randint(0, min(len(text), 200))
        end = at + rng.randint(0, 3)
        text = text[:at] + rng.choice((rng.choice(_JUNK), text[at:end] * 2, "")) + text[end:]
    return text


def any_body(rng: Rng) -> bytes:
    """What a polling client posts: packets with separators, where they belong or not."""
    parts = [any_packet(rng) for _ in range(rng.choice((1, 1, 2, 5, 40)))]
    texts = [part if isinstance(part, str) else "b" + base64.b64encode(part).decode() for part in parts]
    body = rng.choice(("\x1e", "\x1e", "\x1e\x1e", "\n", "")).join(texts).encode("utf-8", "surrogatepass")
    return body + rng.choice((b"", b"", b"\x1e", b"\xff\xfe", b"\xed\xa0\x80"))


def frame(rng: Rng, data: str | bytes) -> bytes:
    """A frame as a client must send it, in one part or a few."""
    payload = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    opcode = 1 if isinstance(data, str) else 2
    if len(payload) < 2 or rng.random() < 0.8:
        return raw_frame(rng, opcode, payload)
    cut = rng.randrange(1, len(payload))
    return raw_frame(rng, opcode, payload[:cut], fin=0) + raw_frame(rng, 0, payload[cut:])


def raw_frame(
    rng: Rng, opcode: int, payload: bytes, *, fin: int = 1, reserved: int = 0, masked: int = 1, size: int | None = None
) -> bytes:
    """A frame by its parts; `size` is the length in its header."""
    declared = len(payload) if size is None else size
    if declared < 126:
        length = struct.pack("!B", declared | masked << 7)
    elif declared < 65_536:
        length = struct.pack("!BH", 126 | masked << 7, declared)
    else:
        length = struct.pack("!BQ", 127 | masked << 7, declared)
    head = bytes([fin << 7 | reserved << 4 | opcode]) + length
    if not masked:
        return head + payload
    mask = rng.randbytes(4)
    key = mask * (len(payload) // 4 + 1)
    return head + mask + bytes(a ^ b for a, b in zip(payload, key, strict=False))


def broken_frame(rng: Rng) -> bytes:
    """A frame that RFC 6455 does not allow, or that is unusual."""
    text = rng.choice((b"", b"3", b"42[]", b"\xff\xfe\xfd", b"\xed\xa0\x80", rng.randbytes(200)))
    return rng.choice(
        (
            lambda: raw_frame(rng, 1, text, masked=0),
            lambda: raw_frame(rng, 1, text, reserved=rng.randint(1, 7)),
            lambda: raw_frame(rng, rng.choice((3, 4, 7, 11, 15)), text),
            lambda: raw_frame(rng, 1, text),
            lambda: raw_frame(rng, 0, text),
            lambda: raw_frame(rng, 1, text, fin=0) + raw_frame(rng, 1, text),
            lambda: raw_frame(rng, 9, rng.randbytes(126)),
            lambda: raw_frame(rng, 9, text[:125], fin=0),
            lambda: raw_frame(rng, 10, rng.randbytes(rng.randint(0, 125))),
            lambda: raw_frame(
                rng, 8, struct.pack("!H", rng.choice((0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65535)))
            ),
            lambda: raw_frame(rng, 8, rng.choice((b"", b"\x03", b"\x03\xe8\xff", b"\x03\xe8" + b"r" * 124))),
            lambda: raw_frame(rng, 2, b"", size=rng.choice((_LONG, 2**31, 2**63 - 1, 2**63, 2**64 - 1))),
            lambda: raw_frame(rng, 1, b"4" * _LONG),
            lambda: rng.randbytes(rng.randint(1, 60)),
            lambda: raw_frame(rng, 1, b"42", fin=0) + raw_frame(rng, 0, b"", fin=0) * rng.choice((3, 1_100)),
        )
    )()


def _value(rng: Rng) -> Any:
    return rng.choice(
        (
            None,
            True,
            rng.choice(_NUMBERS),
            rng.choice(_JUNK),
            "x" * rng.choice((1, 64, 65, 5_000)),
            [],
            {},
            [[]] * 20,
            {"_placeholder": True, "num": rng.choice(_NUMBERS)},
            {"a": {"b": {"c": rng.choice(_JUNK)}}},
        )
    )


def _seq(rng: Rng) -> Any:
    return rng.choice((0, 1, rng.randrange(5_000), rng.choice(_NUMBERS), "1", None, True))


def _message(rng: Rng) -> str:
    return "4" + rng.choice(_SOCKET_PACKETS)(rng)


def _acknowledgement(rng: Rng) -> str:
    number = rng.choice(("", "0", "1", "-1", "9" * 15, "9" * 200, "1.5", "x"))
    return f"3{rng.choice(_NAMESPACES)}{number}{rng.choice(('[]', '[1,2]', '{}', 'null', '[', ''))}"


def _binary(rng: Rng) -> str:
    count = rng.choice(("", "0", "1", "2", "10", "11", "-1", "999999999999", "1e3", "x"))
    places: list[Any] = [{"_placeholder": True, "num": rng.choice((0, 0, 1, 9, -1, 1.5, "0", None))}]
    return f"{rng.choice('56')}{count}-{rng.choice(('', '1', '77'))}{json.dumps([rng.choice(_NAMES), *places])}"


def _deep(rng: Rng) -> str:
    depth = rng.choice((10, 1_000, 40_000))
    begin, end = rng.choice((("[", "]"), ('{"a":', "}")))
    return f'2["subscribe",{begin * depth}{end * rng.choice((0, depth))}]'[:_LONG]


_SOCKET_PACKETS: tuple[Callable[[Rng], str], ...] = (
    lambda rng: f"0{rng.choice(_NAMESPACES)}{rng.choice(('', '{}', '[1]', '5', json.dumps(_value(rng))))}",
    lambda rng: f"1{rng.choice(_NAMESPACES)}",
    lambda rng: any_event(rng)[1:],
    lambda rng: any_event(rng)[1:],
    _acknowledgement,
    _binary,
    _binary,
    _deep,
    lambda rng: f"2{rng.choice(_NAMESPACES)}{json.dumps(_value(rng))}",
    lambda rng: "2" + rng.choice(('["subscribe"', '["\\ud800"]', "[]", "{}", '["a",]', "[NaN]", "1" * 200 + "[]")),
    lambda rng: f"{rng.randrange(4, 10)}{json.dumps(_value(rng))}",
)
_ENGINE_PACKETS: tuple[Callable[[Rng], str | bytes], ...] = (
    _message,
    _message,
    _message,
    _message,
    lambda rng: rng.choice(("", "0", "0{}", "1", "2", "2probe", "3", "3probe", "5", "6", "7", "9", "x", "4")),
    lambda rng: "b" + rng.choice(("", "=", "AAA", "AAAA", "!!!!", "é", "A" * _LONG)),
    lambda rng: rng.randbytes(rng.choice((0, 1, 10, 1_000))),
    lambda rng: "".join(rng.choice(_JUNK) for _ in range(5)),
    lambda _rng: "4" + "x" * _LONG,
)
