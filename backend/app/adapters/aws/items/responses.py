"""Model responses in the table: the whole body, compressed."""

from backend.app.adapters.aws.items.documents import PART_BYTES, pack_text, unpack_text
from backend.app.adapters.aws.items.sessions import usage_of
from backend.app.domain.messages.message import ModelResponse, TurnRef
from shared.aws_item import Item, Write, put
from shared.aws_table import AwsTable
from shared.table_keys import response_name, responses_prefix, session_partition

_PART_DIGITS = 4


async def response_writes(table: AwsTable, turn: TurnRef, response: ModelResponse) -> list[Write]:
    """What stores a response. Of a large one all parts but the first are stored at once; alone nobody finds them."""
    partition = session_partition(turn.session_id)
    name = response_name(turn.number, response.attempt, response.call)
    packed = pack_text(response.body)
    pieces = [packed[start : start + PART_BYTES] for start in range(0, len(packed), PART_BYTES)]
    for part, piece in enumerate(pieces[1:], start=1):
        await table.write(part=put({"pk": partition, "sk": f"{name}#{part:0{_PART_DIGITS}d}", "body": piece}))
    head = {
        "pk": partition,
        "sk": name,
        "attempt": response.attempt,
        "call": response.call,
        "agent": response.agent,
        "iteration": response.iteration,
        "response_id": response.response_id,
        "model": response.model,
        **response.usage.model_dump(),
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
            found[-1][1].append(item["body"])  # parts follow their head
    return [_response_of(message["message_id"], head, unpack_text(b"".join(pieces))) for head, pieces in found]


def _response_of(message_id: str, head: Item, body: str) -> ModelResponse:
    return ModelResponse(
        message_id=message_id,
        attempt=head["attempt"],
        call=head["call"],
        agent=head["agent"],
        iteration=head["iteration"],
        response_id=head["response_id"],
        model=head["model"],
        usage=usage_of(head),
        body=body,
    )
