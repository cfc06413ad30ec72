"""The transaction that ends a turn well: code version, message, session and event land together."""

from backend.app.adapters.aws.items.code import code_version_writes
from backend.app.adapters.aws.items.messages import ending_attributes, text_writes
from backend.app.adapters.aws.items.open_messages import ending_writes
from backend.app.adapters.aws.items.turn_fence import OWN, own_update
from backend.app.adapters.aws.project_store import ACTIVE as ACTIVE_PROJECT
from backend.app.adapters.timestamps import to_iso
from backend.app.domain.errors import StaleBaseError, TurnFencedError
from backend.app.domain.messages.message import MessageStatus, TurnAnswer, TurnRef
from backend.app.domain.projects.project import CodeVersion
from shared.aws_event_log import event_body
from shared.aws_item import Item, Write, check, update
from shared.aws_table import AwsTable
from shared.events import VibecodeResponseEvent, logged_event_adapter
from shared.table_keys import EVENT_PREFIX, project_key, session_partition


async def completion_writes(
    table: AwsTable,
    session: Item,
    turn: TurnRef,
    answer: TurnAnswer,
    version: CodeVersion | None,
    event: VibecodeResponseEvent,
) -> dict[str, Write | list[Write]]:
    """What completes the turn's message, the logging of the event apart. `session`: its item as it was read."""
    texts, documents = await text_writes(
        table, turn.session_id, turn.number, turn.attempt, content=answer.content, patch=answer.patch
    )
    change, values = ending_attributes(MessageStatus.COMPLETED, None, event.created_at, attempt=turn.attempt)
    answered = {
        **texts,
        "base_version": answer.base_version,
        "version": event.version,
        "iterations": answer.iterations,
    }
    sets = ", ".join(f"#{name} = :{name}" for name in answered)
    return {
        "message": own_update(
            turn,
            change.replace("SET ", f"SET {sets}, "),
            f"{OWN} AND attribute_not_exists(#cancel_requested)",
            **values,
            **answered,
        ),
        **ending_writes(
            session,
            turn.session_id,
            turn.number,
            event.created_at,
            event.token_usage,
            change="SET #completed_number = :completed",
            completed=turn.number,
        ),
        "texts": documents,
        **await _project_writes(table, turn, version),
    }


async def find_completion(table: AwsTable, turn: TurnRef) -> VibecodeResponseEvent | None:
    """The event by which the turn's message was completed; None where the log keeps it no more."""
    partition = session_partition(turn.session_id)
    async for item in table.query(partition, EVENT_PREFIX, forward=False, page_size=20):
        event = logged_event_adapter.validate_json(event_body(item))
        if isinstance(event, VibecodeResponseEvent) and event.message_id == turn.message_id:
            return event
    return None


async def require_base(table: AwsTable, turn: TurnRef, version: CodeVersion | None) -> None:
    """Raises TurnFencedError where the project is gone, StaleBaseError where its code is another one."""
    project = await table.get(project_key(turn.project_id))
    if project is None or "deleted" in project:
        raise TurnFencedError("the project was deleted")
    if version is not None and version.version != project["version"] + 1:
        raise StaleBaseError(f"the code is at version {project['version']}")


async def _project_writes(
    table: AwsTable, turn: TurnRef, version: CodeVersion | None
) -> dict[str, Write | list[Write]]:
    if version is None:
        return {"project": check(project_key(turn.project_id), ACTIVE_PROJECT)}
    pointer, writes = await code_version_writes(table, version)
    attributes = {**pointer, "version": version.version, "updated_at": to_iso(version.created_at)}
    sets = ", ".join(f"#{name} = :{name}" for name in attributes)
    changed = update(
        project_key(turn.project_id),
        f"SET {sets} ADD #revision :one",
        f"{ACTIVE_PROJECT} AND #version = :base",
        **attributes,
        one=1,
        base=version.version - 1,
    )
    return {"project": changed, "code": writes}
