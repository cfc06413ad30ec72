"""Doorbells as a bad day delivers them: in any order, twice, or never."""

from backend.app.domain.ports import Doorbell


class LooseQueue:
    """A TurnQueue whose doorbells lie about until the test picks one."""

    def __init__(self) -> None:
        self.pending: list[Doorbell] = []

    async def ring(self, doorbell: Doorbell) -> None:
        self.pending.append(doorbell)

    async def extend(self, receipt: str, seconds: float) -> None:
        """Nothing is hidden here."""
