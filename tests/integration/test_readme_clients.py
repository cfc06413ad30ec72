"""The README's own lines, run as they are printed."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx

from tests.server_process import ROOT
from tests.watcher import WAIT_SECONDS

README = (ROOT / "README.md").read_text()


def block(begins: str) -> str:
    """The first block of code in the README after those words."""
    found = re.search(r"```\w*\n(.*?)```", README[README.index(begins) :], re.DOTALL)
    assert found is not None
    return found[1]


async def test_the_lines_of_curl_and_the_python_client_run_as_they_are_printed(
    server_url: str, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    lines = block("or with curl: create a project").replace(
        "export URL=http://127.0.0.1:8765", f"export URL={server_url}"
    )
    assert server_url in lines
    (tmp_path / "watch.py").write_text(block("```python"))
    script = f'{lines}\n"{sys.executable}" -u watch.py $P $S'
    process = await asyncio.create_subprocess_exec(
        "sh", "-c", f"exec 2>&1; {script}", cwd=tmp_path, env=os.environ, stdout=subprocess.PIPE, start_new_session=True
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


def test_the_port_is_written_once_for_all_that_is_to_be_typed() -> None:
    blocks = re.findall(r"```(\w*)\n(.*?)```", README, re.DOTALL)
    typed = [text for language, text in blocks if language in ("js", "python") or "$URL" in text]
    assert sum(text.count("8765") for text in typed) == 1
