"""Appends to the event log within transactions: the sequence counter goes from n to n + 1 along with the event."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import TypeVar

from backend.app.domain.errors import EventLogBusyError
from shared.aws_event_log import event_item
from shared.aws_item import Change, Write, put, update
from shared.aws_table import AwsTable, ConditionFailedError, pause
from shared.events import LoggedBase
from shared.table_keys import seq_key

AnyLogged = TypeVar("AnyLogged", bound=LoggedBase)

_REMEMBERED_SESSIONS = 1_000
# How long appends are retried against concurrent writers. A heartbeat is at most 20 s old by default, so a turn that
# gives up after this time still holds its lease of 60 s.
_PATIENCE_SECONDS = 20.0


class SessionDeletedError(Exception):
    """The session is deleted: nothing can be logged for it."""


class AwsEventWriter:
    """Numbers and logs events. It remembers the positions of the counters, so that most appends need no read."""

    def __init__(self, table: AwsTable, *, patience_seconds: float = _PATIENCE_SECONDS) -> None:
        self._table = table
        self._patience_seconds = patience_seconds
        self._last_seqs: OrderedDict[str, int] = OrderedDict()

    async def log(self, event: AnyLogged, writes: Mapping[str, Write | Sequence[Write]]) -> AnyLogged:
        """Number the event with the session's next `seq` and log it, in one transaction with other writes.

        Returns the event with its number. Raises SessionDeletedError, EventLogBusyError if concurrent writers won every
        retry, and ConditionFailedError with the names of the other writes whose conditions failed.
        """
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + self._patience_seconds
        attempt = 0
        while True:
            numbered = event.model_copy(update={"seq": await self._next_seq(event)})
            try:
                await self._table.write(**writes, log=self._log_writes(numbered))
            except ConditionFailedError as error:
                self._drop_position(event.session_id)
                if others := error.failed - {"log"}:
                    raise ConditionFailedError(others) from error
                if loop.time() >= give_up_at:
                    raise EventLogBusyError(
                        "Others keep writing to this session's event log. Try again in a few seconds.",
                        session_id=event.session_id,
                    ) from error
                await pause(attempt)
                attempt += 1
            else:
                self.learn(event.session_id, numbered.seq)
                return numbered

    def learn(self, session_id: str, last_seq: int) -> None:
        """Remember a position of the session's counter that was just read; an older one is ignored."""
        self._last_seqs[session_id] = max(last_seq, self._last_seqs.get(session_id, 0))
        self._last_seqs.move_to_end(session_id)
        if len(self._last_seqs) > _REMEMBERED_SESSIONS:
            self._last_seqs.popitem(last=False)

    def _drop_position(self, session_id: str) -> None:
        self._last_seqs.pop(session_id, None)

    async def _next_seq(self, event: LoggedBase) -> int:
        known = self._last_seqs.get(event.session_id)
        if known is not None:
            return known + 1
        counter = await self._table.get(seq_key(event.project_id, event.session_id))
        if counter is None:
            raise SessionDeletedError(event.session_id)
        return int(counter["last_seq"]) + 1

    def _log_writes(self, event: LoggedBase) -> list[Write]:
        counted = update(
            seq_key(event.project_id, event.session_id),
            Change(sets={"last_seq": event.seq}),
            "#last_seq = :last",
            last=event.seq - 1,
        )
        return [counted, put(event_item(event))]
