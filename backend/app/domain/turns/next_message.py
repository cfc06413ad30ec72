"""Notifies of a session's next message, where the notification that it has may be held up behind another."""

from datetime import timedelta

from backend.app.domain.messages.message import Message, MessageStatus
from backend.app.domain.ports import TurnNotification, TurnQueue
from backend.app.domain.turns.ports import TurnStore

# The longest that a notification is hidden: what AWS lets a function run for. A retry waits for less.
LONGEST_HIDDEN = timedelta(minutes=15)


async def notify_of_next(turns: TurnStore, queue: TurnQueue, session_id: str) -> None:
    """After a rescue that ended its message: notify of the session's next one, whose own notification may be held up
    behind the one that was lost.
    """
    message = await turns.find_open_message(session_id)
    if message is not None:
        await queue.enqueue(TurnNotification(session_id, message.message_id, is_rescue=True))


async def notify_behind(turns: TurnStore, queue: TurnQueue, cancelled: Message) -> None:
    """After a cancel: notify of the message that comes next, where no worker has begun it.

    The cancelled one's notification may stay hidden for minutes, until its retry. A message that was cancelled behind
    others changes nothing for them. Safe to repeat.
    """
    following = await turns.find_open_message(cancelled.session_id)
    if following is None or following.status is not MessageStatus.QUEUED or following.number < cancelled.number:
        return
    await queue.enqueue(TurnNotification(following.session_id, following.message_id, is_rescue=True))
