"""A prompt to a server whose model's server answers as a test plans it."""

from pathlib import Path

import httpx

from tests.integration.raw_answers import response, text_item
from tests.integration.talk import Json, Servers, check_log, log_of, send, start_session

ALWAYS = 100
KEY = "sk-proj-Zk3vQ9wLx71mTnB2"
QUESTION = "Which agents are there?"
HI = response(text_item("hi"))


def name_of(value: object) -> str:
    return str(value)[:60]


async def ask(servers: Servers, http: httpx.AsyncClient, *faults: Json, prompt: str = "Create a triage agent") -> Json:
    """The message that the faults are planned for, ended; whatever they are, it can be read, and the next one works."""
    session_id = (await start_session(http))["session_id"]
    await servers.plan_faults(*faults)
    message = await send(http, session_id, prompt)
    await servers.drop_faults()
    assert (message["error"] or {}).get("code") != "internal_error"
    assert (await http.get(f"/messages/{message['message_id']}/full")).status_code == 200
    check_log(await log_of(http, session_id))
    assert (await send(http, session_id, QUESTION))["status"] == "completed"
    return message


def failure(message: Json) -> tuple[str, int]:
    assert message["status"] == "failed"
    return message["error"]["code"], message["attempt"]


def stored_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
