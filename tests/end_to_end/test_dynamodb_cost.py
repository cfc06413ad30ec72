"""A turn uses the same of DynamoDB however long its session is."""

from pathlib import Path

from tests.bench.dynamodb_cost import metered_session


async def test_a_turns_use_of_dynamodb_does_not_grow_with_its_session(tmp_path: Path) -> None:
    async with metered_session(tmp_path) as session:
        bills = [await session.run_turn("Which agents are there?") for _ in range(12)]
    calls = [(sent.calls, ran.calls) for sent, ran in bills]
    units = [(sent.read_units, sent.write_units, ran.read_units, ran.write_units) for sent, ran in bills]
    # The first turn makes the memory; from the second on all are alike.
    assert calls[1:] == calls[1:2] * 11
    assert units[1:] == units[1:2] * 11
    assert sum(calls[1][0].values()) <= 6
    assert sum(calls[1][1].values()) <= 17
