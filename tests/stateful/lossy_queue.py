"""Notifications as a bad day delivers them: in any order, twice, or never."""

from backend.app.domain.ports import TurnNotification


class LossyQueue:
    """A TurnQueue whose notifications lie about until the test picks one."""

    def __init__(self) -> None:
        self.pending: list[TurnNotification] = []

    async def enqueue(self, notification: TurnNotification) -> None:
        self.pending.append(notification)

    async def extend(self, receipt_handle: str, seconds: float) -> None:
        """Nothing is hidden here."""
