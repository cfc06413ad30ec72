"""The cluster of the relays on moto, and tasks in it."""

from tests.moto_server import Moto

CLUSTER = "vibewire"


def create_cluster(moto: Moto) -> None:
    """Make the cluster. Safe to repeat."""
    ecs = moto.client("ecs")
    ecs.create_cluster(clusterName=CLUSTER)
    ecs.close()


def run_task(moto: Moto) -> str:
    """The id of a running task of the cluster."""
    ecs, ec2 = moto.client("ecs"), moto.client("ec2")
    ecs.register_task_definition(
        family="relay", containerDefinitions=[{"name": "relay", "image": "relay", "memory": 512, "cpu": 256}]
    )
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    started = ecs.run_task(
        cluster=CLUSTER,
        taskDefinition="relay",
        launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": {"subnets": [subnet]}},
    )
    ec2.close()
    ecs.close()
    arn: str = started["tasks"][0]["taskArn"]
    return arn.rsplit("/", 1)[-1]
