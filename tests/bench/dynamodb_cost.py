"""`make bench-dynamodb`: what a turn uses of DynamoDB, counted, as the session grows.

The turn service on the AWS engine over moto, with the real agent on the demo model; nothing is timed.

python -m tests.bench.dynamodb_cost            a session of 100 turns
python -m tests.bench.dynamodb_cost --quick    of 5
"""

import argparse
import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3

from backend.app.api.services import Services
from backend.app.domain.ports import TurnNotification
from backend.app.domain.turns.outcome import Done
from backend.app.memory.memory_files import MemoryFiles
from backend.app.memory.sqlite_memory import SQLiteMemory
from backend.app.wiring import build_services
from backend.app.wiring_agent import WorkerServices, build_worker_services
from backend.app.wiring_aws import build_aws_engine
from tests.bench.dynamodb_meter import READS, Bill, DynamoDbMeter
from tests.bench.measuring import table
from tests.model_server.server import ModelServer
from tests.moto_aws import REGION, moto_in_process

USER = "ann"
_PROMPTS = ("Create a triage agent", "Create a billing agent", "Make it Spanish", "Which agents are there?")
_SHOWN = (1, 2, 5, 10, 25, 50, 100)
_SHOWN_QUICKLY = (1, 2, 5)
_HEADER = ("turn", "calls", "reads", "writes", "read units", "write units", "KB read", "KB written")


@dataclass(frozen=True)
class MeteredSession:
    """A session, its services, and the meter of their calls."""

    services: Services
    worker: WorkerServices
    meter: DynamoDbMeter
    session_id: str

    async def run_turn(self, prompt: str) -> tuple[Bill, Bill]:
        """Send a message without waiting, and handle its notification: what each of the two used."""
        self.meter.take()
        message = await self.services.messages.send_message(USER, self.session_id, prompt, wait_seconds=0)
        sent = self.meter.take()
        notification = TurnNotification(self.session_id, message.message_id)
        assert await self.worker.turns.run_turn(notification, "receipt-handle") == Done()
        return sent, self.meter.take()


@asynccontextmanager
async def metered_session(folder: Path) -> AsyncIterator[MeteredSession]:
    """A new session on an empty table."""
    with moto_in_process() as moto:
        looking = boto3.client("dynamodb", region_name=REGION)
        meter = DynamoDbMeter(moto.services.dynamodb.client, looking)
        async with ModelServer() as model:
            settings = moto.settings.model_copy(update={"openai_base_url": model.base_url})
            engine = build_aws_engine(settings, moto.services)
            services = build_services(settings, engine)
            worker = build_worker_services(settings, engine, SQLiteMemory(MemoryFiles(folder)), "none", max_turns=1)
            project = await services.projects.create_project(USER, "Support metered", None)
            session, _ = await services.sessions.start_session(USER, project.project_id, None)
            yield MeteredSession(services, worker, meter, session.session_id)
            await engine.flush()
            await engine.close()
            await worker.client.close()
        meter.close()


def _line(name: str, bill: Bill) -> list[str]:
    reads = sum(count for call, count in bill.calls.items() if call in READS)
    calls = sum(bill.calls.values())
    kilobytes = (bill.read_bytes / 1000, bill.written_bytes / 1000)
    numbers = (calls, reads, calls - reads, bill.read_units, bill.write_units)
    return [name, *(f"{number:g}" for number in numbers), *(f"{size:.1f}" for size in kilobytes)]


async def _measure(shown: Sequence[int]) -> None:
    with tempfile.TemporaryDirectory(prefix="vibewire-bench-") as name:
        async with metered_session(Path(name)) as metered:
            lines: list[list[str]] = []
            for number in range(1, shown[-1] + 1):
                sent, ran = await metered.run_turn(_PROMPTS[-1] if number > 2 else _PROMPTS[number - 1])
                if number in shown:
                    lines += [_line(f"{number}: send_message", sent), _line(f"{number}: run_turn", ran)]
            print(table(_HEADER, lines))


def main() -> None:
    """Count and print."""
    parser = argparse.ArgumentParser(prog="dynamodb_cost", description="What a turn uses of DynamoDB.")
    parser.add_argument("--quick", action="store_true", help="a short session")
    given = parser.parse_args()
    asyncio.run(_measure(_SHOWN_QUICKLY if given.quick else _SHOWN))


if __name__ == "__main__":
    main()
