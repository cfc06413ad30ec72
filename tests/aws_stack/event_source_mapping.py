"""The event source mapping's part: receives turn notifications and invokes run_turn with one each.

moto has none that runs code: it swallows messages. As the real one it deletes what the function answered, and leaves
what it reports as failed for as long as it is hidden.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

from tests.aws_stack.sandboxes import Lambda, SandboxDiedError

Json = dict[str, Any]

_WAIT_SECONDS = 1


class EventSourceMapping:
    """Polls in threads of this process while its `with` block lasts."""

    def __init__(self, sqs: Any, queue_url: str, functions: Lambda, *, parallel: int, timeout: float) -> None:
        self._sqs = sqs
        self._queue_url = queue_url
        self._functions = functions
        self._parallel = parallel
        self._timeout = timeout
        self._stopping = threading.Event()
        self._threads = ThreadPoolExecutor(parallel)

    def __enter__(self) -> Self:
        for _ in range(self._parallel):
            self._threads.submit(self._poll)
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._threads.shutdown(wait=True)

    def _poll(self) -> None:
        while not self._stopping.is_set():
            received = self._sqs.receive_message(
                QueueUrl=self._queue_url,
                MaxNumberOfMessages=1,
                WaitTimeSeconds=_WAIT_SECONDS,
                MessageSystemAttributeNames=["All"],
            )
            for message in received.get("Messages", []):
                self._deliver(message)

    def _deliver(self, message: Json) -> None:
        event = {"Records": [_record(message)]}
        try:
            answer = self._functions.invoke("functions.run_turn", event, self._timeout)
        except SandboxDiedError:
            return  # it becomes visible again by itself
        failed = {one["itemIdentifier"] for one in answer["batchItemFailures"]}
        if message["MessageId"] not in failed:
            self._sqs.delete_message(QueueUrl=self._queue_url, ReceiptHandle=message["ReceiptHandle"])


def _record(message: Json) -> Json:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:turns.fifo",
        "awsRegion": "us-east-1",
    }
