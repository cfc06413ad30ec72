"""The relay's process with every variable of its libraries set to an empty value."""

from tests.empty_variables import EMPTY
from tests.moto_server import Moto
from tests.relay.aws_topic import PREFIX, Topic, iteration
from tests.relay.relay_cloud import new_cloud, until_ready
from tests.server_process import ServerProcess


async def test_a_relay_broadcasts_what_is_published(moto: Moto, topic: Topic) -> None:
    with new_cloud(moto, topic) as cloud:
        project_id = cloud.new_project()
        settings = {
            "VIBEWIRE_HOST": "127.0.0.1",
            "VIBEWIRE_PORT": "0",
            "VIBEWIRE_TABLE_NAME": cloud.table,
            "VIBEWIRE_TOPIC_ARN": cloud.topic.arn,
            "VIBEWIRE_RELAY_QUEUE_PREFIX": PREFIX,
            **{f"VIBEWIRE_{name.upper()}": value for name, value in cloud.issuer.settings.items()},
            **dict.fromkeys(("VIBEWIRE_ORIGINS", "VIBEWIRE_RELAY_CLUSTER", "VIBEWIRE_STACK"), ""),
        }
        environment = {**EMPTY, **cloud.moto.environment, **settings}
        with ServerProcess("backend.relay.main", environment=environment) as relay:
            await until_ready(relay.url)
            async with cloud.watcher(relay.url) as watcher:
                assert (await watcher.subscribe(project_id))["ok"] is True
                await cloud.topic.publish(iteration(1, project_id))
                assert [event["seq"] for event in await watcher.wait_for("agent_iteration")] == [1]
