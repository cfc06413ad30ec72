"""`make evidence`: writes backend/validated_test_evidence/phase-005/ from what it runs now.

Each file begins with the command, date and commit that made it. Nothing in that folder is written by hand.

python -m tests.evidence.write_evidence                  as `make evidence` does
python -m tests.evidence.write_evidence --folder FOLDER  into another folder
"""

import argparse
import asyncio
import json
import shlex
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import httpx

from tests.server_process import ROOT, model_process, vibewire_process
from tests.watcher import Watcher

FOLDER = ROOT / "backend" / "validated_test_evidence" / "phase-005"
MADE_ELSEWHERE = ("nfs-memory.txt", "sam-local.txt")  # by `make nfs` and `make sam-local`, where they can run
REQUEST_TESTS = "tests/integration/test_phase_005_sessions.py"
PROMPTS = ("Create a triage agent, but reject once", "Make it Spanish")

CURL_SCRIPT = """
curl -s $U/projects --json '{"name": "Support team"}' | tee /dev/stderr | cut -d'"' -f4 > $T/p
curl -s -X POST $U/projects/$(cat $T/p)/sessions | tee /dev/stderr | cut -d'"' -f4 > $T/s
curl -s $U/sessions/$(cat $T/s)/messages --json '{"prompt": "Create a triage agent"}'
curl -s $U/sessions/$(cat $T/s)/messages --json '{"prompt": "Make it Spanish"}' | tee /dev/stderr | cut -d'"' -f4 > $T/m
curl -s $U/sessions/$(cat $T/s)/messages
curl -s $U/messages/$(cat $T/m)/full
curl -s "$U/sessions/$(cat $T/s)/events?after=12"
curl -s -X POST $U/projects/$(cat $T/p)/sessions --json '{"node_id": "triage_agent"}'
curl -s $U/projects/$(cat $T/p)/versions
curl -s -X DELETE $U/sessions/$(cat $T/s)
curl -si $U/sessions/$(cat $T/s)
"""


def header(command: str) -> str:
    """What made a file: command, date and commit; `dirty` where the tree had changes that were not committed."""
    commit = _git("rev-parse", "HEAD")
    dirty = " (dirty)" if _git("status", "--porcelain", "--", ":!backend/validated_test_evidence") else ""
    return f"# command: {command}\n# date:    {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC\n# commit:  {commit}{dirty}\n\n"


def write_pytest_report(folder: Path) -> None:
    """The request's tests, one line each."""
    command = ["-m", "pytest", "-v", "-m", "", "-p", "no:cacheprovider", REQUEST_TESTS]
    done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False)
    report = done.stdout.replace(str(ROOT), ".").replace(sys.executable, "python")
    (folder / "pytest.txt").write_text(header(shlex.join(["python", *command])) + report)
    if done.returncode:
        sys.exit(report)


def write_curl_transcript(folder: Path, url: str) -> None:
    """A session with curl, from a project to its deletion."""
    lines = []
    with tempfile.TemporaryDirectory() as scratch:
        for command in CURL_SCRIPT.strip().splitlines():
            script = f"U={url}; T={scratch}; {command}"
            done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
            lines += [f"$ {command}", (done.stderr + done.stdout).strip(), ""]
    intro = f"# U={url}, T: a temporary folder\n\n"
    (folder / "curl.txt").write_text(header("make evidence") + intro + "\n".join(lines))


async def write_socket_transcript(folder: Path, url: str) -> None:
    """Every event of a session of two messages, the first of which is rejected once."""
    async with httpx.AsyncClient(base_url=url, timeout=40) as http, Watcher(url) as watcher:
        project_id = (await http.post("/projects", json={"name": "Support team"})).json()["project_id"]
        session_id = (await http.post(f"/projects/{project_id}/sessions")).json()["session_id"]
        ack = await watcher.subscribe(project_id)
        for prompt in PROMPTS:
            await http.post(f"/sessions/{session_id}/messages", json={"prompt": prompt})
        await watcher.wait_for("code_changed", len(PROMPTS))
    said = [f"emit subscribe {json.dumps({'project_id': project_id})}", f"ack {json.dumps(ack)}", ""]
    received = [f"{event['type']} {json.dumps(event, ensure_ascii=False)}" for event in watcher.events]
    (folder / "socketio.txt").write_text(header("make evidence") + "\n".join(said + received) + "\n")


def main() -> None:
    """Run everything and write the folder anew."""
    parser = argparse.ArgumentParser(prog="write_evidence", description="The evidence, from what it runs now.")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where it is written")
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        if old.name not in MADE_ELSEWHERE:
            old.unlink()
    write_pytest_report(folder)
    with (
        tempfile.TemporaryDirectory() as data_dir,
        model_process() as model,
        vibewire_process(Path(data_dir), model.url) as server,
    ):
        write_curl_transcript(folder, server.url)
        asyncio.run(write_socket_transcript(folder, server.url))
    print(f"Wrote {', '.join(sorted(path.name for path in folder.iterdir()))} in {folder}")


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    main()
