"""A stack for tests on a moto server, and what stands around the functions in the cloud."""

import asyncio
import itertools
import json
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

from backend.app.domain.messages.message import Message
from backend.app.settings import AwsSettings
from backend.app.wiring import build_services
from backend.app.wiring_aws import AwsServices, build_aws_engine
from shared.aws_service import AwsService
from shared.environment import read_settings
from tests.identity.issuer import TokenIssuer
from tests.moto_server import Moto
from tests.table_definition import table_definition

USER = "ann"
MODEL_KEY = "sk-demo"
_DEADLINE_SECONDS = 60.0
_numbers = itertools.count()


@dataclass
class World:
    """The environment of a stack's functions, and views of its state through public interfaces."""

    moto: Moto
    issuer: TokenIssuer
    environment: dict[str, str]
    queue_url: str
    received_url: str

    @classmethod
    def build(cls, moto: Moto, issuer: TokenIssuer, model_url: str, memory_dir: Path) -> Self:
        """A new stack."""
        name = f"vibewire-{next(_numbers)}"
        memory_dir.mkdir()
        moto.client("dynamodb").create_table(**table_definition(name))
        queue_url = moto.client("sqs").create_queue(
            QueueName=f"{name}-turns.fifo", Attributes={"FifoQueue": "true", "VisibilityTimeout": "900"}
        )["QueueUrl"]
        topic = moto.client("sns").create_topic(Name=f"{name}.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
        received_url = moto.client("sqs").create_queue(
            QueueName=f"{name}-received.fifo", Attributes={"FifoQueue": "true"}
        )
        received_url = received_url["QueueUrl"]
        attributes = moto.client("sqs").get_queue_attributes(QueueUrl=received_url, AttributeNames=["QueueArn"])
        moto.client("sns").subscribe(
            TopicArn=topic,
            Protocol="sqs",
            Endpoint=attributes["Attributes"]["QueueArn"],
            Attributes={"RawMessageDelivery": "true"},
        )
        secret = moto.client("secretsmanager").create_secret(Name=name, SecretString=MODEL_KEY)["ARN"]
        moto.client("ecs").create_cluster(clusterName=name)
        settings = {
            "table_name": name,
            "turn_queue_url": queue_url,
            "topic_arn": topic,
            "memory_dir": str(memory_dir),
            "openai_secret_arn": secret,
            "relay_queue_prefix": f"{name}-relay-",
            "relay_cluster": name,
            # A worker that died is noticed within seconds.
            "lease_seconds": "3",
            "heartbeat_seconds": "1",
            "cancel_check_seconds": "0.2",
            "retry_delay_seconds": "0.1",
            **issuer.settings,
        }
        variables = {f"VIBEWIRE_{key.upper()}": value for key, value in settings.items()}
        environment = {**moto.environment, **variables, "OPENAI_BASE_URL": model_url}
        return cls(moto, issuer, environment, queue_url, received_url)

    @property
    def settings(self) -> AwsSettings:
        return read_settings(AwsSettings, self.environment)

    @property
    def memory_dir(self) -> Path:
        return self.settings.memory_dir

    def _do(self, work: Callable[[Any, Any], Coroutine[Any, Any, Any]]) -> Any:
        """Something with the API's services and the engine, as a function of the API would do it."""
        with ThreadPoolExecutor(1) as threads:
            names = ("dynamodb", "sqs", "sns")
            services = AwsServices(*(AwsService(partial(self.moto.client, name), threads) for name in names))
            engine = build_aws_engine(self.settings, services)

            async def run() -> Any:
                done = await work(build_services(self.settings, engine), engine)
                await engine.flush()
                await engine.close()
                return done

            return asyncio.run(run())

    def start_session(self) -> str:
        """A session about a new project."""

        async def work(api: Any, _engine: Any) -> str:
            project = await api.projects.create_project(USER, "Weather", None)
            session, _ = await api.sessions.start_session(USER, project.project_id, None)
            return str(session.session_id)

        found: str = self._do(work)
        return found

    def send(self, session_id: str, prompt: str = "Create a triage agent") -> str:
        """A queued message whose notification was enqueued."""

        async def work(api: Any, _engine: Any) -> str:
            message = await api.messages.send_message(USER, session_id, prompt, wait_seconds=0)
            return str(message.message_id)

        message_id: str = self._do(work)
        return message_id

    def message(self, message_id: str) -> Message:
        async def work(api: Any, _engine: Any) -> Any:
            return await api.messages.get_message(USER, message_id)

        found: Message = self._do(work)
        return found

    def event_types(self, session_id: str) -> list[str]:
        """The session's log, which must have no gaps."""

        async def work(api: Any, _engine: Any) -> Any:
            return (await api.sessions.list_events(USER, session_id, 0, 200)).events

        found = self._do(work)
        assert [event.seq for event in found] == list(range(1, len(found) + 1))
        return [event.type for event in found]

    def delete_session(self, session_id: str) -> None:
        async def work(api: Any, _engine: Any) -> Any:
            await api.sessions.delete_session(USER, session_id)

        self._do(work)

    def received_types(self) -> list[str]:
        """The types of the events that a subscriber of the topic got since the last look, text apart."""
        sqs, types = self.moto.client("sqs"), []
        while found := sqs.receive_message(QueueUrl=self.received_url, MaxNumberOfMessages=10).get("Messages"):
            for one in found:
                types.append(json.loads(one["Body"])["type"])
                sqs.delete_message(QueueUrl=self.received_url, ReceiptHandle=one["ReceiptHandle"])
        return [kind for kind in types if kind != "text_delta"]
