"""Which sessions a TurnStore lists as due."""

import asyncio
from datetime import timedelta

from backend.app.domain.sessions.session import Session
from tests.contract.engines import TestedEngine

START = timedelta(seconds=20)


async def due_sessions(engine: TestedEngine) -> list[str]:
    return [session_id async for session_id in engine.turns.list_due_sessions(engine.clock.now())]


async def expect_due(engine: TestedEngine, *sessions: Session) -> None:
    """The read may lag behind: it is asked until it has caught up."""
    expected = sorted(session.session_id for session in sessions)
    async with asyncio.timeout(10):
        while True:
            if sorted(await due_sessions(engine)) == expected:
                return
