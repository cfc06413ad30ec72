"""Runs every use case of every function and of the relay, and writes which AWS calls each made.

A process of its own: `python -m tests.infra.record_aws_calls FILE`. The functions take over logging, event loops and
the environment.
"""

import asyncio
import json
import random
import sys
import tempfile
from pathlib import Path

import boto3

from tests.infra.recorded_functions import RecordedFunctions, recorded_functions
from tests.infra.recorded_relay import run_recorded_relay

# Incompressible: it is stored in several items.
_NOISE = "".join(random.Random(5).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=30_000))
_LONG_PROMPT = f"What is {_NOISE}?"
_LONG_CODE = f"from agents import Agent\n\nNOISE = '{'x'.join([_NOISE] * 8)}'\ntriage_agent = Agent(name='Triage')\n"


def use_projects(functions: RecordedFunctions) -> str:
    """Create, read, share, edit."""
    functions.call("get_health", 200)
    project = functions.call("create_project", 201, body={"name": "Support"})
    long = functions.call("create_project", 201, body={"name": "Long", "code": _LONG_CODE})
    project_id: str = project["project_id"]
    for members in (["bob", "cid"], ["bob"], []):
        functions.call("update_project", 200, project_id=project_id, body={"name": "Help", "members": members})
    edited = {"code": _LONG_CODE, "base_version": 1}
    functions.call("update_project", 200, project_id=project_id, body=edited)
    functions.call("update_project", 409, project_id=project_id, body=edited)
    functions.call("update_project", 200, project_id=project_id, body={"code": project["code"], "base_version": 2})
    functions.call("list_projects", 200)
    functions.call("list_projects", 200, user="bob")
    for query in ("", "version=1", "version=2", "version=9"):
        functions.call("get_project", 404 if query.endswith("9") else 200, project_id=project_id, query=query)
    functions.call("get_project", 404, user="eve", project_id=project_id)
    functions.call("list_project_versions", 200, project_id=project_id)
    functions.call("delete_project", 200, project_id=long["project_id"])
    return project_id


def use_messages(functions: RecordedFunctions, project_id: str) -> str:
    """Send messages: in order, repeated, long, cancelled, and with a patch that is rejected."""
    session_id: str = functions.call("start_session", 201, project_id=project_id, body={})["session_id"]
    functions.call("start_session", 200, project_id=project_id, body={})
    functions.call("list_sessions", 200, project_id=project_id)
    functions.call("get_session", 200, session_id=session_id)
    prompts = ("Create a triage agent", "Make it Spanish", _LONG_PROMPT, "Create a billing agent", _LONG_PROMPT)
    sent = [
        functions.call("send_message", 202, session_id=session_id, body={"prompt": prompt})["message_id"]
        for prompt in prompts
    ]
    for number, prompt in ((1, "Make it Spanish"), (2, _LONG_PROMPT)):
        again = {"prompt": prompt, "message_id": sent[number]}
        functions.call("send_message", 202, session_id=session_id, body=again)
        functions.call("send_message", 409, session_id=session_id, body={**again, "prompt": "Make it French"})
    for number in (3, 4):
        functions.call("cancel_message", 200, message_id=sent[number])
    # Out of order: the worker claims the first message, and enqueues the notified one again.
    functions.handle_notification(session_id, sent[1])
    functions.handle_notifications()
    asked = {"prompt": "Which agents are there?"}
    functions.call("send_message", 202, session_id=session_id, body=asked, headers={"prefer": "wait=1"})
    functions.lose_memories()
    functions.handle_notifications()
    functions.call(
        "send_message", 202, session_id=session_id, body={"prompt": "Create a refund agent, but reject once"}
    )
    functions.handle_notifications()
    for message_id in sent:
        functions.call("cancel_message", 200, message_id=message_id)
        functions.call("get_message", 200, message_id=message_id)
        functions.call("get_full_message", 200, message_id=message_id)
    functions.call("list_messages", 200, session_id=session_id)
    functions.call("list_events", 200, session_id=session_id)
    return session_id


def lose_turns(functions: RecordedFunctions, project_id: str) -> str:
    """Dead workers, lost notifications, a cancel of a running turn."""
    node = functions.call("start_session", 201, project_id=project_id, body={"node_id": "triage_agent"})
    session_id: str = node["session_id"]
    engine = functions.engine()

    def send(prompt: str = "Make it Spanish") -> str:
        sent = functions.call("send_message", 202, session_id=session_id, body={"prompt": prompt})
        message_id: str = sent["message_id"]
        return message_id

    def die(message_id: str) -> None:
        now = functions.clock.now()
        asyncio.run(engine.turns.claim_turn(message_id, now, now, 3))

    cancelled, spent = send(), send(_LONG_PROMPT)
    die(cancelled)
    functions.call("cancel_message", 200, message_id=cancelled)
    for _ in range(3):
        die(spent)
        functions.clock.advance(minutes=3)
    functions.clean_up("close_abandoned_turns")
    running = send()
    now = functions.clock.now()
    functions.clock.advance(minutes=5)
    functions.clean_up("close_abandoned_turns")
    asyncio.run(engine.turns.claim_turn(running, now, functions.clock.now(), 3))
    functions.clock.advance(seconds=-30)
    functions.call("cancel_message", 202, message_id=running)
    functions.clock.advance(minutes=5)
    functions.handle_notifications()
    return session_id


def delete_everything(functions: RecordedFunctions, project_id: str, session_ids: list[str]) -> None:
    """Delete with open messages, erase in both passes, resume an interrupted deletion."""
    functions.call("send_message", 202, session_id=session_ids[0], body={"prompt": "Too late"})
    functions.call("delete_session", 200, session_id=session_ids[0])
    functions.call("list_events", 404, session_id=session_ids[0])
    functions.call("send_message", 202, session_id=session_ids[1], body={"prompt": "Too late"})
    functions.call("delete_project", 200, project_id=project_id)
    interrupted = functions.call("create_project", 201, body={"name": "Interrupted"})["project_id"]
    functions.call("start_session", 201, project_id=interrupted)
    asyncio.run(functions.engine().projects.delete_project(interrupted))
    functions.clean_up("close_abandoned_turns")
    for days in (0, 1, 31):
        functions.clock.advance(days=days)
        functions.clean_up("erase_session")


def lose_relays(functions: RecordedFunctions) -> None:
    """A stopped relay that left its queue, and one that left only its subscription."""
    stack, sqs, sns = functions.stack, boto3.client("sqs"), boto3.client("sns")
    boto3.client("ecs").create_cluster(clusterName=stack.relay_cluster_arn.rpartition("/")[2])
    for digit in "01":
        name = f"{stack.relay_queue_prefix}{digit * 32}.fifo"
        url = sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true"})["QueueUrl"]
        arn = f"arn:aws:sqs:us-east-1:123456789012:{name}"
        sns.subscribe(TopicArn=stack.topic_arn, Protocol="sqs", Endpoint=arn)
        if digit == "1":
            sqs.delete_queue(QueueUrl=url)
    functions.clock.advance(hours=1)
    functions.clean_up("close_abandoned_turns")


def main(file: Path) -> None:
    with tempfile.TemporaryDirectory() as folder, recorded_functions(Path(folder)) as functions:
        project_id = use_projects(functions)
        session_ids = [use_messages(functions, project_id)]
        run_recorded_relay(functions, project_id)
        session_ids.append(lose_turns(functions, project_id))
        delete_everything(functions, project_id, session_ids)
        lose_relays(functions)
        calls = functions.recorder.calls.items()
        recording = {role: sorted([call.action, call.resource] for call in made) for role, made in calls}
        file.write_text(json.dumps({"outputs": functions.stack.outputs, "calls": recording}, indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
