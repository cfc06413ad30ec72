"""The use cases of messages: send and wait, read, cancel."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid5

from backend.app.domain.authorization import Authorization
from backend.app.domain.blank_text import is_blank
from backend.app.domain.engine import Engine
from backend.app.domain.errors import InvalidInputError, PromptTooLongError, SessionNotFoundError
from backend.app.domain.event_factory import EventFactory
from backend.app.domain.limits import Limits
from backend.app.domain.messages.message import Message, MessageError, MessageStatus, ModelResponse
from backend.app.domain.page import Page
from backend.app.domain.ports import TurnNotification
from backend.app.domain.sessions.session import Session
from backend.app.domain.turns.next_message import LONGEST_HIDDEN, notify_of_message_behind
from shared.event_size import fit_event
from shared.events import MessageCancelledEvent, MessageQueuedEvent

CANCELLED = MessageError("cancelled", "The message was cancelled.")


@dataclass(frozen=True, slots=True)
class FullMessage:
    """A message with everything the model said for it."""

    message: Message
    responses: Sequence[ModelResponse]


def message_id_of_key(session_id: str, idempotency_key: str) -> str:
    """The message id that an `Idempotency-Key` stands for in a session: a UUIDv5 (RFC 9562); one rule serves both."""
    return str(uuid5(UUID(session_id), idempotency_key))


class MessageService:
    """The use cases of messages. Every method takes the caller's user id first."""

    def __init__(self, engine: Engine, limits: Limits, wait_slots: int) -> None:
        self._engine = engine
        self._authorization = Authorization(engine)
        self._events = EventFactory(engine.clock, engine.ids)
        self._limits = limits
        self._wait_slots = wait_slots

    async def send_message(
        self,
        user_id: str,
        session_id: str,
        prompt: str,
        *,
        message_id: str | None = None,
        idempotency_key: str | None = None,
        wait_seconds: float,
    ) -> Message:
        """Queue a turn and wait at most `wait_seconds` for it to end. Returns the message as it is then.

        Returns without waiting where all wait slots are taken. Sending the same `message_id` (or key) again in the
        session returns the same message and runs it only once.
        Raises SessionNotFoundError, InvalidInputError, PromptTooLongError, MessageIdConflictError,
        TooManyQueuedMessagesError.
        """
        session = await self._authorization.require_session(user_id, session_id)
        self._check_prompt(prompt)
        if message_id is None:
            message_id = (
                self._engine.ids.new_id() if idempotency_key is None else message_id_of_key(session_id, idempotency_key)
            )
        message = await self._queue_message(session, message_id, prompt)
        if not message.status.is_open or wait_seconds <= 0:
            return message
        ended = await self._wait_for_completion(message, wait_seconds)
        if ended is not message:
            # A user who was removed from the project during the wait must not read the answer.
            await self._authorization.require_still(user_id, session)
        return ended

    async def get_message(self, user_id: str, message_id: str) -> Message:
        """The message. Raises MessageNotFoundError."""
        return await self._authorization.require_message(user_id, message_id)

    async def list_messages(
        self, user_id: str, session_id: str, limit: int, cursor: str | None, *, ascending: bool
    ) -> tuple[Session, Page[Message]]:
        """The messages of a session by number, and the session itself. Raises SessionNotFoundError."""
        session = await self._authorization.require_session(user_id, session_id)
        return session, await self._engine.messages.list_messages(session_id, limit, cursor, ascending=ascending)

    async def get_full_message(self, user_id: str, message_id: str) -> FullMessage:
        """The message with every model response, those of failed attempts included. Raises MessageNotFoundError."""
        message = await self._authorization.require_message(user_id, message_id)
        return FullMessage(message, await self._engine.messages.list_responses(message_id))

    async def cancel_message(self, user_id: str, message_id: str) -> Message:
        """Cancel a message: immediately where it is queued, within a second or so where it is running.

        An ended message is returned unchanged. The session's next message is started without delay. Raises
        MessageNotFoundError. Safe to repeat.
        """
        message = await self._authorization.require_message(user_id, message_id)
        event = MessageCancelledEvent(**self._events.of_message(message), code=CANCELLED.code, detail=CANCELLED.detail)
        message, logged = await self._engine.messages.cancel_message(message_id, event.created_at, event)
        if logged is not None:
            await self._engine.bus.publish(logged)
        if message.status is MessageStatus.CANCELLED:
            # Also for a repeated call: the process of the first one may have died before it enqueued anything.
            await notify_of_message_behind(self._engine, message)
        return message

    def _check_prompt(self, prompt: str) -> None:
        if is_blank(prompt):
            raise InvalidInputError("The prompt is empty: it has no visible character.")
        size = len(prompt.encode())
        if size > self._limits.prompt_bytes:
            raise PromptTooLongError(
                f"The prompt has {size} bytes of UTF-8; at most {self._limits.prompt_bytes} are allowed."
            )

    async def _queue_message(self, session: Session, message_id: str, prompt: str) -> Message:
        message, is_new, cancelled_at = await self._engine.messages.queue_message(
            Message(
                message_id=message_id,
                session_id=session.session_id,
                project_id=session.project_id,
                prompt=prompt,
                created_at=self._engine.clock.now(),
            ),
            self._limits.queued_messages,
        )
        if is_new:
            queued = MessageQueuedEvent(**self._events.of_message(message, message.created_at), prompt=prompt)
            await self._engine.bus.publish(fit_event(queued, f"/messages/{message_id}"))
        if message.status.is_open:
            # A hidden notification of a message that was cancelled before this one would block this one's.
            is_blocked = cancelled_at is not None and cancelled_at > self._engine.clock.now() - LONGEST_HIDDEN
            # Also for a message that was sent before: the process that sent it may have died before it enqueued.
            await self._engine.queue.enqueue(TurnNotification(session.session_id, message_id, is_rescue=is_blocked))
        return message

    async def _wait_for_completion(self, message: Message, wait_seconds: float) -> Message:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_seconds
        async with self._engine.wait_slots.hold(self._wait_slots, wait_seconds) as may_wait:
            if not may_wait:
                return message
            while message.status.is_open and (left := deadline - loop.time()) > 0:
                await self._engine.completion_waiter.wait_for_completion(message, left)
                found = await self._engine.messages.find_message(message.message_id)
                if found is None:
                    raise SessionNotFoundError(message.session_id)  # deleted during the wait
                message = found
        return message
