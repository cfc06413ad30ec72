"""The SAM command line, run against a stand-in for AWS on this machine."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.infra.template_files import load_template
from tests.moto_server import Moto
from tests.server_process import ROOT

Json = dict[str, Any]

SAM = ROOT / ".venv-sam" / "bin" / "sam"
BUILD = ROOT / ".aws-sam" / "build"
_INVOKE_SECONDS = 120
_START_SECONDS = 60.0
_STOP_SECONDS = 30


class SamError(Exception):
    """SAM ended with an error, or what it printed is no answer of a function."""


class Sam:
    """`sam local` with what `sam build` made.

    Args:
        moto: what the functions take for AWS.
        folder: for SAM's files.
        variables: of each function, by its logical id.
    """

    def __init__(self, moto: Moto, folder: Path, variables: dict[str, dict[str, str]]) -> None:
        self._folder = folder
        # Also for SAM itself, which else asks AWS for the account at each call.
        self._environment = {**os.environ, **moto.environment, "SAM_CLI_TELEMETRY": "0"}
        self._template = BUILD / "template-local.json"
        self._variables = folder / "variables.json"
        endpoint = {"AWS_ENDPOINT_URL": moto.url}
        self._variables.write_text(json.dumps({name: {**given, **endpoint} for name, given in variables.items()}))
        template = load_template(BUILD / "template.yaml")
        # SAM sets only variables that the template declares.
        template["Globals"]["Function"]["Environment"]["Variables"]["AWS_ENDPOINT_URL"] = ""
        self._template.write_text(json.dumps(template))

    def invoke(self, logical_id: str, event: Json) -> Json:
        """What the function returned. Raises SamError."""
        path = self._folder / f"{logical_id}.json"
        path.write_text(json.dumps(event))
        done = subprocess.run(
            [SAM, "local", "invoke", logical_id, "--event", path, *self._options()],
            cwd=ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=_INVOKE_SECONDS,
            check=False,
        )
        lines = done.stdout.strip().splitlines()
        # SAM ends well also where the function could not be started: only its answer counts.
        if done.returncode or not lines:
            raise SamError(f"{logical_id}: {done.stderr}")
        try:
            answer = json.loads(lines[-1])
        except ValueError:
            raise SamError(f"{logical_id}: {lines[-1]}\n{done.stderr}") from None
        if not isinstance(answer, dict) or "errorType" in answer:
            raise SamError(f"{logical_id}: {answer}\n{done.stderr}")
        return answer

    @contextmanager
    def start_api(self, port: int) -> Iterator[str]:
        """The HTTP API on loopback; its URL."""
        url = f"http://127.0.0.1:{port}"
        log = (self._folder / "start-api.log").open("w+")
        with subprocess.Popen(
            [SAM, "local", "start-api", "--port", str(port), *self._options()],
            cwd=ROOT,
            env=self._environment,
            stdout=log,
            stderr=log,
        ) as process:
            try:
                _wait_for(url, process, log.name)
                yield url
            finally:
                process.send_signal(signal.SIGTERM)  # it ignores SIGINT where it runs in the background
                process.wait(_STOP_SECONDS)
                log.close()

    def _options(self) -> list[str | Path]:
        options: list[str | Path] = ["--template", self._template, "--env-vars", self._variables]
        # The stand-ins listen on this host's loopback.
        options += ["--docker-network", "host", "--region", "us-east-1"]
        if image := os.environ.get("SAM_INVOKE_IMAGE"):
            options += ["--invoke-image", image, "--skip-pull-image"]
        return options


def find_engine() -> str | None:
    """Why there is no container engine to run SAM's functions with; None where there is one."""
    try:
        asked = subprocess.run(["docker", "version"], capture_output=True, text=True, timeout=30, check=False)
    except FileNotFoundError:
        return "the docker command is not installed"
    except subprocess.TimeoutExpired:
        return "the engine does not answer"
    return None if asked.returncode == 0 else asked.stderr.strip().splitlines()[-1]


def _wait_for(url: str, process: "subprocess.Popen[bytes]", log: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(f"{url}/health", timeout=_START_SECONDS)
        except httpx.TransportError:
            time.sleep(0.2)
        else:
            return
    raise SamError(f"start-api did not answer: {Path(log).read_text()}")
