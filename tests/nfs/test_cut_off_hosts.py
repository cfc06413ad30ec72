"""A host loses the network in mid-commit and reconnects after another host has written."""

import time
from collections import Counter

from backend.app.domain.errors import TurnError
from backend.app.domain.messages.message import TurnRef
from tests.nfs.conftest import Report, SharedFolder
from tests.nfs.ledger import Ledger
from tests.nfs.on_server import check_nothing_is_lost_or_torn, has_hot_journal
from tests.nfs.workers import HeldWriter, end, large_turn, let_go, memory_sync_of, small_turn

MINUTES = 5


async def complete_turn_on(shared: SharedFolder, ledger: Ledger, client: int) -> None:
    """One turn as a worker on that host has it."""
    session = ledger.session()
    memory_sync = memory_sync_of(shared.clients[client], ledger)
    assert (await memory_sync.refresh(session)).last_number == session.completed_number
    turn = small_turn(session.completed_number + 1)
    assert ledger.complete(turn)
    await memory_sync.commit(
        session, TurnRef(turn.message_id, session.session_id, session.project_id, turn.number, 1), turn
    )


async def go_on_elsewhere(shared: SharedFolder, ledger: Ledger, client: int) -> Counter[str]:
    """Complete a turn on that host, trying again as the queue would. Returns what stood in the way, and how often."""
    in_the_way: Counter[str] = Counter()
    deadline = time.monotonic() + MINUTES * 60
    while True:
        try:
            await complete_turn_on(shared, ledger, client)
        except TurnError as error:
            if not error.retryable or time.monotonic() > deadline:
                raise
            in_the_way[error.code] += 1
        else:
            return in_the_way


async def test_a_cable_pulled_in_mid_commit_leaves_no_torn_turn_and_the_cut_off_host_is_refused(
    shared: SharedFolder, ledger: Ledger, report: Report
) -> None:
    for client in (0, 1, 2):
        await complete_turn_on(shared, ledger, client)
    held = HeldWriter(shared.clients[0], ledger.file, first=4)
    process = held.start()
    try:
        assert held.reached.wait(120)
        with shared.cable_out(0):
            began = time.monotonic()
            in_the_way = await go_on_elsewhere(shared, ledger, 1)
            seconds = time.monotonic() - began
            assert ledger.session().completed_number == 4
            assert await check_nothing_is_lost_or_torn(shared.server, ledger) == 4
        held.go_on.set()
        end([process], 180)
    finally:
        let_go(held.go_on.set, process)
    report(f"disconnected in mid-commit: the next host wrote after {seconds:.0f} s, blocked by: {dict(in_the_way)}")
    report(f"the disconnected host, back with its partial commit: {ledger.notes('held writer')}")
    (outcome,) = ledger.notes("held writer")
    assert not outcome.startswith("added")
    assert ledger.notes("quarantined") == []
    for client in (0, 1, 2):
        await complete_turn_on(shared, ledger, client)
    assert await check_nothing_is_lost_or_torn(shared.server, ledger) == 7


async def test_a_cable_that_is_back_soon_only_makes_a_commit_slower(shared: SharedFolder, ledger: Ledger) -> None:
    for client in (0, 1, 2):
        await complete_turn_on(shared, ledger, client)
    turns = [large_turn(4), large_turn(5)]
    assert all(ledger.complete(turn) for turn in turns)
    held = HeldWriter(shared.clients[0], ledger.file, first=4)
    process = held.start()
    try:
        assert held.reached.wait(120)
        with shared.cable_out(0):
            held.go_on.set()
            process.join(2)
            assert process.is_alive()
        end([process], 180)
    finally:
        let_go(held.go_on.set, process)
    assert ledger.notes("held writer") == ["added: True"]
    assert await check_nothing_is_lost_or_torn(shared.server, ledger) == 5


async def test_a_host_killed_in_mid_commit_is_rolled_back_by_one_that_had_just_looked(
    shared: SharedFolder, ledger: Ledger
) -> None:
    for client in (0, 1, 2):
        await complete_turn_on(shared, ledger, client)
    for killed, following in ((0, 1), (1, 2), (2, 0)):
        newest = ledger.session().completed_number
        await memory_sync_of(shared.clients[following], ledger).refresh(ledger.session())  # its caches are warm now
        held = HeldWriter(shared.clients[killed], ledger.file, first=newest + 1)
        process = held.start()
        try:
            assert held.reached.wait(120)
        finally:
            process.kill()
            end([process], 60)
        assert has_hot_journal(shared.server, ledger.ref)
        await complete_turn_on(shared, ledger, following)
        assert not has_hot_journal(shared.server, ledger.ref)
        assert await check_nothing_is_lost_or_torn(shared.server, ledger) == newest + 1
    assert ledger.notes("quarantined") == []


async def test_a_rolled_back_journal_stays_for_the_next_host_that_dies(shared: SharedFolder, ledger: Ledger) -> None:
    for client in (0, 1, 2):
        await complete_turn_on(shared, ledger, client)
    for killed, reading in ((0, 1), (2, 1), (1, 0)):
        held = HeldWriter(shared.clients[killed], ledger.file, first=4)
        process = held.start()
        try:
            assert held.reached.wait(120)
        finally:
            process.kill()
            end([process], 60)
        # The one that rolls it back, and one that only looks: each reads the three turns, and neither writes.
        for client in (reading, 2):
            snapshot = await memory_sync_of(shared.clients[client], ledger).refresh(ledger.session())
            assert snapshot.last_number == 3
            assert not has_hot_journal(shared.server, ledger.ref)
    assert await check_nothing_is_lost_or_torn(shared.server, ledger) == 3
