"""The README's lines and the files in examples/, run as they are."""

import asyncio
import os
import re
import subprocess
import sys

from tests.server_process import ROOT
from tests.watcher import WAIT_SECONDS

README = (ROOT / "README.md").read_text()
EXAMPLES = ROOT / "examples"


def code_blocks() -> list[tuple[str, str]]:
    """The language and the text of each block of code in the README."""
    return re.findall(r"```(\w*)\n(.*?)```", README, re.DOTALL)


async def test_the_lines_of_curl_and_the_python_client_run_as_they_are(server_url: str) -> None:
    script = f'. {EXAMPLES}/curl.sh\n"{sys.executable}" -u {EXAMPLES}/watch.py $P $S'
    process = await asyncio.create_subprocess_exec(
        "sh",
        "-c",
        f"exec 2>&1; {script}",
        env={**os.environ, "URL": server_url},
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(WAIT_SECONDS * 2):
            printed = ""
            while "'ok': True" not in printed:
                printed += (await process.stdout.readline()).decode()
    finally:
        os.killpg(process.pid, 15)
        await process.wait()
    assert '"status":"completed"' in printed
    for name in ("message_started", "agent_iteration", "vibecode_response"):
        assert f"\n{name} {{" in printed or f"}}{name} {{" in printed


def test_the_readme_shows_the_examples_as_they_are() -> None:
    (client,) = [text for language, text in code_blocks() if language == "js"]
    (calls,) = [text for _, text in code_blocks() if "curl" in text]
    assert client in (EXAMPLES / "watch.mjs").read_text()
    assert calls in (EXAMPLES / "curl.sh").read_text()


def test_the_javascript_client_has_twelve_lines() -> None:
    (client,) = [text for language, text in code_blocks() if language == "js"]
    assert len(client.splitlines()) == 12


def test_the_port_is_written_once_for_all_that_is_to_be_typed() -> None:
    typed = [text for language, text in code_blocks() if language in ("js", "python") or "$URL" in text]
    assert sum(text.count("8765") for text in typed) == 1
