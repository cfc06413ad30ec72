"""Enqueues a notification of a session's next message, whose own may be blocked behind another one in the queue."""

from datetime import timedelta

from backend.app.domain.engine import Engine
from backend.app.domain.messages.message import Message, MessageStatus
from backend.app.domain.ports import TurnNotification

# The longest that a notification stays hidden: the longest that AWS lets a function run. A retry waits for less.
LONGEST_HIDDEN = timedelta(minutes=15)


async def notify_of_next_message(engine: Engine, session_id: str) -> None:
    """Enqueue a notification of the session's next open message, once a rescue has ended the one before it.

    The next message's own notification may be blocked behind the one that was lost.
    """
    message = await engine.turns.find_open_message(session_id)
    if message is not None:
        await engine.queue.enqueue(TurnNotification(session_id, message.message_id, is_rescue=True))


async def notify_of_message_behind(engine: Engine, cancelled: Message) -> None:
    """Enqueue a notification of the message that follows a cancelled one, where no worker has claimed it.

    The cancelled message's own notification may stay hidden for minutes, until its retry. Nothing is enqueued where a
    message before the cancelled one is still open. Safe to repeat.
    """
    following = await engine.turns.find_open_message(cancelled.session_id)
    if following is None or following.status is not MessageStatus.QUEUED or following.number < cancelled.number:
        return
    await engine.queue.enqueue(TurnNotification(following.session_id, following.message_id, is_rescue=True))
