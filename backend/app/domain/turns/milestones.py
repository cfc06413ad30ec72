"""Logs the milestones of a turn, so that it can be followed in a terminal and found in the logs of AWS."""

import logging

from backend.app.domain.messages.message import TurnRef
from backend.app.domain.ports import Clock

logger = logging.getLogger(__name__)


class Milestones:
    """The milestones of one attempt: each line has the turn's ids and the seconds since the claim.

    Make one when the turn was claimed. A milestone quotes no prompt, answer or code.
    """

    def __init__(self, turn: TurnRef, clock: Clock) -> None:
        self._turn = turn
        self._clock = clock
        self._claimed_at = clock.now()

    def log(self, milestone: str) -> None:
        """Log a milestone at INFO."""
        turn = self._turn
        seconds = (self._clock.now() - self._claimed_at).total_seconds()
        ids = {
            "message_id": turn.message_id,
            "session_id": turn.session_id,
            "project_id": turn.project_id,
            "attempt": turn.attempt,
        }
        logger.info(
            "Turn %s of session %s, attempt %s, %.2f s: %s",
            turn.message_id,
            turn.session_id,
            turn.attempt,
            seconds,
            milestone,
            extra=ids,
        )
