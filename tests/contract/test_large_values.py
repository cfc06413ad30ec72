"""Values that are too large for one item of a table, on every engine: seeded noise, which compression cannot shrink."""

import json
import random
from base64 import b64encode
from dataclasses import asdict, replace

from backend.app.domain.messages.message import Item
from backend.app.domain.projects.project import CodeVersion, ProjectChange
from backend.app.domain.projects.workflow.workflow import MAX_NODES_BYTES, Node
from shared.event_size import MAX_EVENT_BYTES
from tests.contract.builders import (
    QUEUE_LIMIT,
    answer_of,
    claim,
    claimed_turn,
    complete,
    current_message,
    delete,
    draft_message,
    response_of,
    stored_project,
    stored_session,
)
from tests.contract.engines import TestedEngine
from tests.contract.event_builders import answer_event, iteration_event, usage_event
from tests.contract.raw_stores import RawStore

SEED = 20261123


def noise(characters: int, seed: int = SEED) -> str:
    text = b64encode(random.Random(seed).randbytes(characters)).decode()[:characters]
    return text.replace("+", "é").replace("/", "☂")


async def test_a_response_of_two_megabytes_is_stored_completely(engine: TestedEngine) -> None:
    turn = await claimed_turn(engine)
    small, large = response_of(turn, 1), response_of(turn, 2)
    large = replace(large, body=json.dumps({"output": [{"text": noise(2_000_000)}]}))
    for response in (large, small):
        await engine.turns.record_response(turn, response, usage_event(engine, turn))
    assert await engine.messages.list_responses(turn.message_id) == [small, large]


async def test_a_long_prompt_answer_and_patch_are_stored_completely(engine: TestedEngine) -> None:
    session = await stored_session(engine)
    draft = draft_message(engine, session, noise(700_000, 1))
    message, *_ = await engine.messages.queue_message(draft, QUEUE_LIMIT)
    turn = await claim(engine, message.message_id)
    content, patch = noise(900_000, 2), noise(500_000, 3)
    answer = replace(answer_of(), content=content, patch=patch)
    await engine.turns.complete_turn(turn, answer, None, answer_event(engine, turn))
    found = await current_message(engine, turn)
    assert (found.prompt, found.content, found.patch) == (draft.prompt, content, patch)
    (listed,) = (await engine.messages.list_messages(session.session_id, 10, None, ascending=True)).items
    assert listed == found


async def test_the_items_of_a_long_turn_are_stored_completely(engine: TestedEngine) -> None:
    turn = await claimed_turn(engine)
    items: list[Item] = [{"role": "user", "content": noise(300_000, seed)} for seed in range(6)]
    await complete(engine, turn, items=items)
    (completed,) = await engine.turns.list_completed_turns(turn.session_id, 0, 10)
    assert list(completed.items) == items


async def test_nodes_that_were_stored_without_a_bound_are_read_within_it(engine: TestedEngine, raw: RawStore) -> None:
    project = await stored_project(engine)
    letters = chr(0x20000) * 195
    names = [f"{letters}{number:04d}" for number in range(50)]
    nodes = [{"name": f"agent_{number}", "handoffs": names, "tools": names} for number in range(200)]
    raw.write_nodes_as_before_the_bound(project.project_id, nodes)
    found = await engine.projects.find_project(project.project_id)
    version = await engine.projects.find_code_version(project.project_id, 1)
    assert found is not None
    assert version is not None
    assert (found.nodes, found.nodes_truncated) == (version.nodes, version.nodes_truncated)
    assert found.nodes_truncated
    assert [node.name for node in found.nodes] == [f"agent_{number}" for number in range(200)]
    assert len(json.dumps([asdict(node) for node in found.nodes], ensure_ascii=False).encode()) <= MAX_NODES_BYTES


async def test_small_nodes_that_were_stored_without_a_bound_are_complete(engine: TestedEngine, raw: RawStore) -> None:
    project = await stored_project(engine)
    raw.write_nodes_as_before_the_bound(project.project_id, [{"name": "a", "handoffs": ["b"], "tools": ["c"]}])
    found = await engine.projects.find_project(project.project_id)
    assert found is not None
    assert (found.nodes, found.nodes_truncated) == ((Node("a", ("b",), ("c",)),), False)


async def test_code_with_many_nodes_is_stored_completely(engine: TestedEngine) -> None:
    project = await stored_project(engine)
    nodes = tuple(Node(f"agent_{seed}", ("billing",) * 3, ("search",), tools_known=False) for seed in range(200))
    version = CodeVersion(project.project_id, 2, noise(256_000), nodes, None, "Large", engine.clock.now())
    await engine.projects.update_project(project.project_id, ProjectChange(code=version), engine.clock.now())
    assert await engine.projects.find_code_version(project.project_id, 2) == version
    found = await engine.projects.find_project(project.project_id)
    assert found is not None
    assert (found.code, found.nodes) == (version.code, version.nodes)


async def test_an_event_of_the_largest_size_is_logged_and_read(engine: TestedEngine) -> None:
    turn = await claimed_turn(engine)
    event = iteration_event(engine, turn, "x" * (MAX_EVENT_BYTES - 1_000))
    logged = [await engine.turns.append_event(turn, event) for _ in range(3)]
    page = await engine.events.read_events(turn.project_id, turn.session_id, 0)
    assert page is not None
    assert list(page.events) == logged


async def test_a_list_of_large_messages_ends_before_it_holds_too_much(engine: TestedEngine) -> None:
    session = await stored_session(engine)
    for seed in range(8):
        await engine.messages.queue_message(draft_message(engine, session, noise(800_000, seed)), QUEUE_LIMIT)
    found: list[int] = []
    cursor: str | None = None
    while True:
        page = await engine.messages.list_messages(session.session_id, 100, cursor, ascending=True)
        found += [message.number for message in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert found == list(range(1, 9))


async def test_what_is_large_is_erased_too(engine: TestedEngine) -> None:
    session = await stored_session(engine)
    turn = await claimed_turn(engine, session)
    large = replace(response_of(turn), body=json.dumps({"output": [{"text": noise(900_000)}]}))
    await engine.turns.record_response(turn, large, usage_event(engine, turn))
    await complete(engine, turn, items=[{"content": noise(900_000)}])
    await delete(engine, session)
    await engine.erasure.erase_records(session.session_id, final=True)
    assert await engine.messages.list_responses(turn.message_id) == []
    assert await engine.turns.list_completed_turns(session.session_id, 0, 10) == []
