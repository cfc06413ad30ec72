"""HTTP requests that are malformed, endless, or for unknown paths."""

import random
from collections.abc import Callable

from tests.relay_fuzz.inputs import any_body

Rng = random.Random


def broken_request(rng: Rng, path: bytes) -> tuple[bytes, ...]:
    """The parts of a request, one to be sent after the other."""
    return rng.choice(_REQUESTS)(rng, path)


def _http(line: bytes, *headers: bytes, body: bytes = b"") -> bytes:
    return b"\r\n".join((line, b"Host: localhost", *headers, b"", b"")) + body


def _get(path: bytes, *headers: bytes) -> bytes:
    return _http(b"GET " + path + b" HTTP/1.1", *headers)


def _post(path: bytes, *headers: bytes, body: bytes = b"") -> bytes:
    return _http(b"POST " + path + b" HTTP/1.1", *headers, body=body)


def _upgrade(path: bytes, *headers: bytes, method: bytes = b"GET") -> bytes:
    asked = (b"Upgrade: websocket", b"Connection: Upgrade", b"Sec-WebSocket-Version: 13")
    return _http(method + b" " + path + b" HTTP/1.1", *asked, b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", *headers)


_FORWARDED = (b"\xff", b",,,", b"[::1", b"unknown, 10.0.0.1", b"1" * 5_000)
_CHUNKED = b"Transfer-Encoding: chunked"
_BODIES: tuple[Callable[[Rng, bytes], tuple[bytes, ...]], ...] = (
    lambda rng, path: (_post(path, b"Content-Length: " + rng.choice((b"-1", b"x", b"+5", b"9" * 30))),),
    lambda rng, path: (_post(path, b"Content-Length: 500", body=any_body(rng)[:400]),),
    lambda _rng, path: (_post(path, _CHUNKED, body=b"5\r\n40"), b"4"),
    lambda rng, path: (_post(path, _CHUNKED), *((b"8000\r\n" + b"4" * 0x8000 + b"\r\n",) * rng.choice((1, 8, 60)))),
    lambda _rng, path: (_post(path, _CHUNKED, b"Content-Length: 3", body=b"zz"),),
)
_HEADS: tuple[Callable[[Rng, bytes], tuple[bytes, ...]], ...] = (
    lambda rng, path: (_http(rng.choice((b"BREW", b"CONNECT", b"TRACE", b"PATCH")) + b" " + path + b" HTTP/1.1"),),
    lambda rng, path: (_http(b"GET " + path + b" HTTP/" + rng.choice((b"0.9", b"1.0", b"2", b"9.9", b"x"))),),
    lambda rng, path: (_get(path + rng.choice((b"&\xff\xfe", b"&j=x", b"&j=1", b"&EIO=3", b"#", b"%zz"))),),
    lambda rng, path: (_get(path, b"Origin: \xff", b"X: " + rng.randbytes(20).replace(b"\n", b"")),),
    lambda rng, path: (_get(path, b"X-Forwarded-For: " + rng.choice(_FORWARDED), b"X-Forwarded-Proto: \xe9"),),
    lambda rng, path: (_get(path)[:-2], *((b"X: " + b"x" * 8_000 + b"\r\n",) * rng.choice((5, 100)))),
    lambda rng, _path: (b"GET /", *((b"x" * 16_000,) * rng.choice((1, 30)))),
    lambda rng, path: (_get(path) * rng.choice((2, 50)),),
)
_UPGRADES: tuple[Callable[[Rng, bytes], tuple[bytes, ...]], ...] = (
    lambda rng, path: (_upgrade(path + rng.choice((b"", b"\xff\xe9", b"&sid=\xff"))),),
    lambda _rng, path: (_upgrade(path, *(b"X-%d: x" % number for number in range(200))),),
    lambda _rng, path: (_upgrade(path, b"X: " + b"x" * 9_000),),
    lambda _rng, path: (_upgrade(path, b"Content-Length: 5") + b"hello",),
    lambda _rng, path: (_upgrade(path, method=b"POST"),),
    lambda rng, path: (_get(path, b"Connection: Upgrade", b"Upgrade: " + rng.choice((b"h2c", b"x"))),),
    lambda _rng, path: (_get(path, b"Upgrade: websocket"),),
)
_BYTES: tuple[Callable[[Rng, bytes], tuple[bytes, ...]], ...] = (
    lambda rng, _path: (rng.randbytes(rng.choice((1, 100, 5_000))),),
    # The beginning of TLS.
    lambda rng, _path: (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + rng.randbytes(100),),
)
_REQUESTS = (*_BODIES, *_HEADS, *_UPGRADES, *_BYTES)
