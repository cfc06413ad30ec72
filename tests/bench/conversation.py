"""What is said in every measured turn: requests that always change the code and keep its size, and earlier turns."""

import json
from typing import Any

from backend.app.domain.projects.project import STARTER_CODE

Item = dict[str, Any]

CODE = STARTER_CODE
PROJECT_NAME = "Bench"
ITEMS_A_TURN = 4
_LANGUAGES = ("Spanish", "Italian")  # of one length


def request_of(number: int) -> str:
    """What the person asks in the turn of a number: 0, 1, 2 ..."""
    return f"Make the assistant answer in {_LANGUAGES[number % 2]}"


def turn_items(number: int) -> list[Item]:
    """What such a turn leaves in the memory: the same as after a real one, but for the call's id."""
    old, new = _LANGUAGES[(number + 1) % 2], _LANGUAGES[number % 2]
    diff = (
        '@@\n \n assistant = Agent(\n     name="Assistant",\n'
        f'-    instructions="You are a helpful assistant. Always answer in {old}.",\n'
        f'+    instructions="You are a helpful assistant. Always answer in {new}.",\n )\n \n \n'
    )
    call_id = f"call_{number:032x}"
    text = f"assistant now always answers in {new}."
    part = {"annotations": [], "text": text, "type": "output_text", "logprobs": []}
    return [
        {"role": "user", "content": request_of(number)},
        {
            "arguments": json.dumps({"diff": diff}),
            "call_id": call_id,
            "name": "submit_patch",
            "type": "function_call",
            "status": "completed",
        },
        {
            "call_id": call_id,
            "output": "Applied. Now say in one to three sentences what you changed.",
            "type": "function_call_output",
        },
        {"content": [part], "role": "assistant", "status": "completed", "type": "message"},
    ]


def history(items: int) -> list[list[Item]]:
    """Earlier turns with so many items in all."""
    return [turn_items(number) for number in range(items // ITEMS_A_TURN)]
