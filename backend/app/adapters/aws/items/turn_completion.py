"""The transaction that completes a turn: it writes code version, message, session and event together."""

from backend.app.adapters.aws.items.code import code_version_writes
from backend.app.adapters.aws.items.messages import ending_change, text_writes
from backend.app.adapters.aws.items.open_messages import ending_writes
from backend.app.adapters.aws.items.turn_fence import OWN, own_update
from backend.app.adapters.aws.project_store import ACTIVE as ACTIVE_PROJECT
from backend.app.adapters.timestamps import to_iso
from backend.app.domain.errors import StaleBaseError, TurnFencedError
from backend.app.domain.messages.message import MessageStatus, TurnAnswer, TurnRef
from backend.app.domain.projects.project import CodeVersion
from shared.aws_event_log import event_body
from shared.aws_item import Change, Item, Write, check, update
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
    """The writes that complete the turn's message, except those that log the event. `session`: its item as read."""
    texts, documents = await text_writes(
        table, turn.session_id, turn.number, turn.attempt, content=answer.content, patch=answer.patch
    )
    ended = ending_change(MessageStatus.COMPLETED, None, event.created_at, attempt=turn.attempt)
    answered = {
        **texts,
        "base_version": answer.base_version,
        "version": event.version,
        "iterations": answer.iterations,
    }
    return {
        "message": own_update(turn, ended | Change(answered), f"{OWN} AND attribute_not_exists(#cancel_requested)"),
        **ending_writes(
            session,
            turn.session_id,
            turn.number,
            event.created_at,
            event.token_usage,
            sets={"completed_number": turn.number},
        ),
        "texts": documents,
        **await _project_writes(table, turn, version),
    }


async def find_completion(table: AwsTable, turn: TurnRef) -> VibecodeResponseEvent | None:
    """The event that completed the turn's message; None if it has expired from the log."""
    partition = session_partition(turn.session_id)
    async for item in table.query(partition, EVENT_PREFIX, forward=False, page_size=20):
        event = logged_event_adapter.validate_json(event_body(item))
        if isinstance(event, VibecodeResponseEvent) and event.message_id == turn.message_id:
            return event
    return None


async def require_base(table: AwsTable, turn: TurnRef, version: CodeVersion | None) -> None:
    """Raises TurnFencedError if the project is deleted, StaleBaseError if its code has changed."""
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
    changed = update(
        project_key(turn.project_id),
        Change(attributes, adds={"revision": 1}),
        f"{ACTIVE_PROJECT} AND #version = :base",
        base=version.version - 1,
    )
    return {"project": changed, "code": writes}
