"""Model responses in the table, with their complete bodies, compressed."""

from backend.app.adapters.aws.items.documents import PART_BYTES, pack_text, part_name, unpack_text
from backend.app.adapters.aws.items.sessions import usage_of
from backend.app.adapters.stored_response import response_of, stored_response
from backend.app.domain.messages.message import ModelResponse, TurnRef
from shared.aws_item import Item, Write, put
from shared.aws_table import AwsTable
from shared.table_keys import response_name, responses_prefix, session_partition


async def response_writes(table: AwsTable, turn: TurnRef, response: ModelResponse) -> list[Write]:
    """The writes that store a response. All parts of a large one but the first are stored immediately; they are not
    visible without the first.
    """
    partition = session_partition(turn.session_id)
    name = response_name(turn.number, response.attempt, response.call)
    packed = pack_text(response.body)
    pieces = [packed[start : start + PART_BYTES] for start in range(0, len(packed), PART_BYTES)]
    for part, piece in enumerate(pieces[1:], start=1):
        await table.write(part=put({"pk": partition, "sk": part_name(name, part), "body": piece}))
    head = {
        "pk": partition,
        "sk": name,
        **stored_response(response),
        "parts": len(pieces),
        "body": pieces[0],
    }
    return [put(head)]


async def read_responses(table: AwsTable, message: Item) -> list[ModelResponse]:
    """All responses of a message, by attempt and call."""
    found: list[tuple[Item, list[bytes]]] = []
    async for item in table.query(message["pk"], responses_prefix(message["number"])):
        if "response_id" in item:
            found.append((item, [item["body"]]))
        elif found and item["sk"].startswith(found[-1][0]["sk"]):
            found[-1][1].append(item["body"])  # parts follow the first item
    message_id = message["message_id"]
    return [response_of(head, message_id, usage_of(head), unpack_text(b"".join(pieces))) for head, pieces in found]
