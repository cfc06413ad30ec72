"""The AWS side of relays, and relays as processes."""

import asyncio
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from shared.table_keys import project_key
from tests.identity.issuer import TokenIssuer
from tests.moto_server import Moto
from tests.relay.aws_topic import PREFIX, Topic
from tests.server_process import ROOT, ServerProcess
from tests.table_definition import table_definition
from tests.watcher import WAIT_SECONDS, Watcher


@dataclass
class Cloud:
    """The AWS side of relays: the table, a topic and a token issuer."""

    moto: Moto
    topic: Topic
    issuer: TokenIssuer
    table: str

    def relay(
        self, metadata_uri: str | None = None, module: str = "backend.relay.main", **settings: str
    ) -> ServerProcess:
        """A relay's process."""
        return ServerProcess(module, environment=self._environment(metadata_uri, settings))

    def quick_relay(self, metadata_uri: str, **settings: str) -> ServerProcess:
        """A relay's process with short polls."""
        return self.relay(metadata_uri, "tests.relay.quick_relay", **settings)

    def refused_relay(self, metadata_uri: str | None = None, **settings: str) -> dict[str, Any]:
        """The last log line of a relay that does not start."""
        ended = subprocess.run(
            [sys.executable, "-m", "backend.relay.main"],
            cwd=ROOT,
            env=os.environ | self._environment(metadata_uri, settings),
            capture_output=True,
            text=True,
            timeout=WAIT_SECONDS,
            check=False,
        )
        assert (ended.returncode, ended.stderr) == (1, "")
        last: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
        assert last["message"].startswith("The relay cannot start: ")
        return last

    def _environment(self, metadata_uri: str | None, settings: dict[str, str]) -> dict[str, str]:
        named = {
            "host": "127.0.0.1",
            "port": "0",
            "table_name": self.table,
            "topic_arn": self.topic.arn,
            "relay_queue_prefix": PREFIX,
            **self.issuer.settings,
            **settings,
        }
        environment = {f"VIBEWIRE_{name.upper()}": value for name, value in named.items() if value}
        if metadata_uri is not None:
            environment["ECS_CONTAINER_METADATA_URI_V4"] = metadata_uri
        return self.moto.environment | environment

    def watcher(self, url: str, user: str = "ann", **connect: Any) -> Watcher:
        return Watcher(url, auth={"token": self.issuer.token(user)}, **connect)

    def new_project(self, owner: str = "ann") -> str:
        project_id = str(uuid.uuid4())
        client = self.moto.client("dynamodb")
        key = {name: {"S": value} for name, value in project_key(project_id).items()}
        client.put_item(TableName=self.table, Item=key | {"owner": {"S": owner}, "members": {"L": []}})
        client.close()
        return project_id

    def queues(self) -> list[str]:
        found: list[str] = self.topic.sqs.client.list_queues(QueueNamePrefix=PREFIX).get("QueueUrls", [])
        return found


@contextmanager
def new_cloud(moto: Moto, topic: Topic) -> Iterator[Cloud]:
    """A new table and a new token issuer."""
    table = f"vibewire-{uuid.uuid4().hex}"
    client = moto.client("dynamodb")
    client.create_table(**table_definition(table))
    client.close()
    with TokenIssuer() as issuer:
        yield Cloud(moto, topic, issuer, table)


async def until_ready(url: str) -> None:
    """Wait until the relay reports that it receives events."""
    async with httpx.AsyncClient() as http, asyncio.timeout(WAIT_SECONDS):
        while (await http.get(f"{url}/readyz")).status_code != 200:
            pass
