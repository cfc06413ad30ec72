"""`make sam-local`: every function under the real `sam local invoke`, and one session with `sam local start-api`.

AWS is moto, the model is the demo model, tokens come from an issuer of its own; all of them listen on loopback.
Needs what `sam build` made, and a docker-compatible engine.

python -m tests.sam_local.run            and the transcript is written to the evidence
python -m tests.sam_local.run --quick    as above, and nothing is written
"""

import argparse
import json
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.functions.lambda_events import event_of, http_event, json_of, notification_event
from tests.identity.issuer import AUDIENCE, ISSUER, TokenIssuer
from tests.infra.template_files import functions
from tests.moto_server import Moto, start_moto
from tests.sam_local.sam import Sam, find_engine
from tests.server_process import ROOT, model_process
from tests.template_stack import TemplateStack, create_stack

Json = dict[str, Any]

EVIDENCE = ROOT / "backend" / "validated_test_evidence" / "phase-005" / "sam-local.txt"
_USER = "ann"
_lines: list[str] = []


def show(line: str) -> None:
    """Print a line, and keep it for the evidence."""
    print(line, flush=True)
    _lines.append(line)


@dataclass
class Session:
    """A run: what was made so far, and what there is left to show."""

    sam: Sam
    moto: Moto
    stack: TemplateStack
    issuer: TokenIssuer
    ids: dict[str, Any] = field(default_factory=dict)
    shown: set[str] = field(default_factory=set)

    def show(self, logical_id: str, event: Json, expect: Callable[[Json], str]) -> Json:
        """Invoke a function and print what its answer was found to say."""
        began = time.monotonic()
        answer = self.sam.invoke(logical_id, event)
        summary = expect(answer)
        self.shown.add(logical_id)
        show(f"  {logical_id:<32} {time.monotonic() - began:4.1f} s  {summary}")
        return answer

    def call(self, name: str, status: int, *, token: str | None = None, **changes: Any) -> Json:
        """Invoke an HTTP function with its event: the JSON of its answer."""
        token = self.issuer.token(_USER) if token is None else token
        answer = self.show(
            _logical_id(name),
            http_event(name, token=token, **changes, **self.ids),
            lambda answer: f"{answer['statusCode']} {_summary(json_of(answer, status))}",
        )
        return json_of(answer, status)


def _logical_id(name: str) -> str:
    return f"{name.title().replace('_', '')}Function"


def _summary(body: Json) -> str:
    text = json.dumps(body)
    return text if len(text) <= 110 else f"{text[:107]}..."


def _invoke_all(run: Session) -> None:
    """The life of a project, each step by another function."""
    run.call("get_health", 200)
    run.call("create_project", 401, token="invalid")
    run.ids["project_id"] = run.call("create_project", 201)["project_id"]
    assert run.call("get_project", 200)["version"] == 1
    assert len(run.call("list_projects", 200)["projects"]) == 1
    run.call("update_project", 200, body={"name": "Climate"})
    run.ids["session_id"] = run.call("start_session", 201, body={})["session_id"]
    run.call("get_session", 200)
    run.call("list_sessions", 200)
    sent = run.call("send_message", 202)
    assert sent["status"] == "queued", sent
    run.ids["message_id"] = sent["message_id"]
    receipt_handle = _receive_notification(run)
    run.show(
        "RunTurnFunction",
        notification_event(run.ids["session_id"], run.ids["message_id"], receipt_handle),
        lambda answer: json.dumps(answer) if answer == {"batchItemFailures": []} else _fail(answer),
    )
    message = run.call("get_message", 200)
    assert message["status"] == "completed", message
    assert "+triage_agent = Agent(" in message["patch"], message
    assert len(run.call("list_messages", 200)["messages"]) == 1
    assert len(run.call("get_full_message", 200)["openai_response"]["responses"]) == 3
    assert run.call("list_events", 200)["events"][-1]["type"] == "vibecode_response"
    assert len(run.call("list_project_versions", 200)["versions"]) >= 2
    assert run.call("cancel_message", 200)["status"] == "completed"
    run.call("delete_session", 200)
    run.show("EraseSessionFunction", event_of("erase_session"), json.dumps)
    run.show("CloseAbandonedTurnsFunction", event_of("close_abandoned_turns"), json.dumps)
    run.call("delete_project", 200)
    run.call("get_project", 404)


def _receive_notification(run: Session) -> str:
    sqs = run.moto.client("sqs")
    received = sqs.receive_message(QueueUrl=run.stack.turn_queue_url, VisibilityTimeout=900)
    receipt_handle: str = received["Messages"][0]["ReceiptHandle"]
    return receipt_handle


def _fail(answer: Json) -> str:
    raise AssertionError(answer)


def _use_api(run: Session) -> None:
    """A session with the API as a client has it."""
    headers = {"Authorization": f"Bearer {run.issuer.token(_USER)}"}
    with run.sam.start_api(_free_port()) as url, httpx.Client(base_url=url, headers=headers, timeout=60) as http:
        calls = [
            ("GET", "/health", None, 200),
            ("POST", "/projects", {"name": "Support team"}, 201),
            ("POST", "/projects", {"name": ""}, 422),
            ("GET", "/projects?limit=1", None, 200),
            ("GET", "/sessions/none", None, 404),
        ]
        for method, path, body, status in calls:
            began = time.monotonic()
            answer = http.request(method, path, json=body)
            assert answer.status_code == status, answer.text
            took = time.monotonic() - began
            show(f"  {method:<5} {path:<20} {took:4.1f} s  {status} {_summary(answer.json())}")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def main() -> int:
    """Run all. 1 where something is not as it should be; 0 also where no engine is there, after saying so."""
    parser = argparse.ArgumentParser(prog="sam_local", description="Every function under the real `sam local`.")
    parser.add_argument("--quick", action="store_true", help="nothing is written")
    quick = parser.parse_args().quick
    if (missing := find_engine()) is not None:
        print(f"sam-local was SKIPPED: no docker-compatible engine ({missing}). DOCKER_HOST names another one.")
        return 0
    with ExitStack() as closing:
        folder = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="vibewire-sam-")))
        moto = closing.enter_context(start_moto())
        issuer = closing.enter_context(TokenIssuer())
        model = closing.enter_context(model_process())
        stack = create_stack(moto.client)
        moto.client("ecs").create_cluster(clusterName=stack.relay_cluster_arn.rpartition("/")[2])
        answers = {"JwksUrl": issuer.jwks_url, "JwtIssuer": ISSUER, "JwtAudience": AUDIENCE, "OpenAiBaseUrl": model.url}
        variables = {name: stack.environment_of(name, **answers) for name in functions()}
        for given in variables.values():
            if "VIBEWIRE_MEMORY_DIR" in given:
                given["VIBEWIRE_MEMORY_DIR"] = "/tmp"  # noqa: S108 - SAM mounts no file system; each container has its own
        run = Session(Sam(moto, folder, variables), moto, stack, issuer)
        show("sam local invoke, each function with its event; seconds are those of a container's lifetime")
        _invoke_all(run)
        assert run.shown == set(functions()), set(functions()) - run.shown
        show("sam local start-api")
        _use_api(run)
    show(f"All {len(run.shown)} functions answered as they should.")
    if not quick:
        EVIDENCE.write_text("\n".join(_lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
