"""Sends a prompt as a client does that wants its end: on AWS a request waits for some seconds only."""

from typing import Any

import httpx

_REQUESTS = 6


async def send_to_its_end(http: httpx.AsyncClient, session_id: str, prompt: str) -> dict[str, Any]:
    """Send a prompt, and the same message again while it is answered with 202: the ended message."""
    path = f"/sessions/{session_id}/messages"
    answer = await http.post(path, json={"prompt": prompt})
    for _ in range(_REQUESTS):
        if answer.status_code != 202:
            break
        again = {"prompt": prompt, "message_id": answer.json()["message_id"]}
        answer = await http.post(path, json=again, headers={"Prefer": "wait=20"})
    assert answer.status_code == 200, answer.text
    message: dict[str, Any] = answer.json()
    return message
