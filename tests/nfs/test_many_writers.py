"""Workers on three hosts add turns to one memory concurrently, and are killed while they do."""

import os
import random
from collections import Counter
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from tests.nfs.conftest import Report, SharedFolder
from tests.nfs.ledger import Ledger
from tests.nfs.on_server import check_nothing_is_lost_or_torn
from tests.nfs.workers import Worker, end, memory_sync_of

TURNS = int(os.environ.get("VIBEWIRE_TEST_NFS_TURNS", "300"))
KILLS = int(os.environ.get("VIBEWIRE_TEST_NFS_KILLS", "200"))
WRITERS = 4
MINUTES = 20
MORE_THAN_ENOUGH = 10**6


def host_of(shared: SharedFolder, writer: int) -> Path:
    """Four writers share three hosts."""
    return shared.clients[writer % len(shared.clients)]


async def test_four_writers_on_three_hosts_lose_and_tear_no_turn(
    shared: SharedFolder, ledger: Ledger, seed: int, report: Report
) -> None:
    await memory_sync_of(shared.clients[0], ledger).refresh(ledger.session())
    workers = [Worker(host_of(shared, number), ledger.file, seed + number, TURNS) for number in range(WRITERS)]
    end([worker.start() for worker in workers], MINUTES * 60)
    assert ledger.notes("wrong") == []
    assert ledger.notes("quarantined") == []
    newest = await check_nothing_is_lost_or_torn(shared.server, ledger)
    report(
        f"{WRITERS} writers on {len(shared.clients)} hosts: {ledger.session().completed_number} turns, "
        f"{newest} in the file, lost 0, torn 0; tried again: {dict(Counter(ledger.notes('retried')))}"
    )
    assert ledger.session().completed_number == TURNS
    await check_that_the_next_turn_knows_all(shared, ledger)


async def test_random_kills_lose_and_tear_no_turn(
    shared: SharedFolder, ledger: Ledger, seed: int, report: Report
) -> None:
    await memory_sync_of(shared.clients[0], ledger).refresh(ledger.session())
    while_writing = kill_at_random(shared, ledger, random.Random(seed))
    assert ledger.notes("wrong") == []
    assert ledger.notes("quarantined") == []
    newest = await check_nothing_is_lost_or_torn(shared.server, ledger)
    report(
        f"{KILLS} kills, {while_writing} of them in the middle of adding: {ledger.session().completed_number} turns "
        f"completed, {ledger.kept()} known to be added, {newest} in the file, lost 0, torn 0; "
        f"tried again: {dict(Counter(ledger.notes('retried')))}"
    )
    assert while_writing > KILLS / 10
    await check_that_the_next_turn_knows_all(shared, ledger)


def kill_at_random(shared: SharedFolder, ledger: Ledger, chance: random.Random) -> int:
    """Kill one worker after the other, and start another in its place. Returns how many were adding turns just then."""

    def new_worker(number: int) -> Worker:
        return Worker(host_of(shared, number), ledger.file, chance.randrange(10**9), MORE_THAN_ENOUGH, spills=True)

    workers = [new_worker(number) for number in range(WRITERS)]
    processes = [worker.start() for worker in workers]
    while_writing = 0
    try:
        for _ in range(KILLS):
            victim = chance.randrange(WRITERS)
            processes[victim].join(chance.uniform(0.1, 1.0))  # a random moment; none of them ends by itself
            assert processes[victim].exitcode is None
            while_writing += workers[victim].writing.value
            kill_now(processes[victim])
            workers[victim] = new_worker(victim)
            processes[victim] = workers[victim].start()
    finally:
        for worker in workers:
            worker.stop.set()
        end(processes, 120)
    return while_writing


def kill_now(process: ForkServerProcess) -> None:
    process.kill()
    end([process], 60)


async def check_that_the_next_turn_knows_all(shared: SharedFolder, ledger: Ledger) -> None:
    """The next turn begins on some host, which adds what the memory lacks."""
    snapshot = await memory_sync_of(shared.clients[2], ledger).refresh(ledger.session())
    assert snapshot.last_number == ledger.session().completed_number
    assert await check_nothing_is_lost_or_torn(shared.server, ledger) == ledger.session().completed_number
