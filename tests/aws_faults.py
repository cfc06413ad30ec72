"""Faults of AWS on purpose: answers that a client gets in the place of the real ones."""

import io
import json
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Self
from unittest.mock import patch

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from moto.core.botocore_stubber import BotocoreStubber

Json = dict[str, Any]


class _Raw(io.BytesIO):
    """The body of a response as botocore reads it."""

    def stream(self, **_: object) -> list[bytes]:
        return [self.read()]


class Faults:
    """Plans answers that requests get in the place of moto's; what is beyond the plan goes through.

    Below the client's own retries, as a network would do it. Use it in a `with` block.
    """

    def __init__(self) -> None:
        self._planned: deque[tuple[str, int, Json]] = deque()
        self._moto = BotocoreStubber.__call__
        self._patch = patch.object(BotocoreStubber, "__call__", self._stand_before(self._moto))
        self.injected = 0

    def __enter__(self) -> Self:
        self._patch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._patch.stop()

    def refuse(
        self, operation: str, code: str, *, status: int = 400, times: int = 1, reasons: Sequence[str] = ()
    ) -> None:
        """Answer the next requests of an operation with an error; a cancelled transaction has a reason an item."""
        body: Json = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "refused on purpose"}
        if reasons:
            body["CancellationReasons"] = [{"Code": reason} for reason in reasons]
        self._planned.extend([(operation, status, body)] * times)

    def answer(self, operation: str, body: Json) -> None:
        """Answer the next request of an operation."""
        self._planned.append((operation, 200, body))

    def _stand_before(self, moto: Callable[..., AWSResponse | None]) -> Callable[..., AWSResponse | None]:
        def answer(stubber: object, event_name: str, request: Any, **more: Any) -> AWSResponse | None:
            if self._planned and event_name.endswith(f".{self._planned[0][0]}"):
                _, status, body = self._planned.popleft()
                self.injected += 1
                return _response(request.url, status, body)
            return moto(stubber, event_name, request, **more)

        return answer


def _response(url: str, status: int, body: Json) -> AWSResponse:
    headers = HTTPHeaders.from_dict({"Content-Type": "application/x-amz-json-1.0"})
    return AWSResponse(url, status, headers, _Raw(json.dumps(body).encode()))
