"""Access to a project changes while clients are subscribed to it, on a started server."""

import asyncio
from contextlib import AsyncExitStack

import httpx
import pytest

from tests.identity.people import Listener, Server, share, shared_session, socket_refusal, talk

SHORT_LIFE_SECONDS = 2.0


async def refusals(http: httpx.AsyncClient, project_id: str, session_id: str, message_id: str) -> set[int]:
    """The statuses of a user's requests for everything in a project."""
    paths = [
        *(f"/projects/{project_id}{part}" for part in ("", "/versions", "/sessions")),
        *(f"/sessions/{session_id}{part}" for part in ("", "/messages", "/events")),
        *(f"/messages/{message_id}{part}" for part in ("", "/full")),
    ]
    return {(await http.get(path)).status_code for path in paths}


async def test_a_removed_member_is_notified_immediately_and_receives_nothing_afterwards(server: Server) -> None:
    async with AsyncExitStack() as stack:
        owner = await stack.enter_async_context(server.http("owner"))
        project_id, session_id = await shared_session(owner, "member", "other")
        listening, other, lost = [
            await stack.enter_async_context(server.listener(user)) for user in ("owner", "other", "member")
        ]
        for listener in (listening, other, lost):
            assert (await listener.subscribe(project_id))["ok"] is True
        await talk(owner, session_id)
        await lost.wait_for("vibecode_response")
        await share(owner, project_id, "other")
        async with asyncio.timeout(5):
            await lost.wait_for_loss()
        assert lost.lost == [{"project_id": project_id, "room": f"project_{project_id}"}]
        await talk(owner, session_id, "Create a refund agent")
        for listener in (listening, other):
            await listener.wait_for("vibecode_response", 2)
        await lost.sync()
        assert len(lost.events) == lost.received_before_loss
        assert (listening.lost, other.lost) == ([], [])


async def test_a_member_who_leaves_receives_nothing_afterwards_and_others_stay_subscribed(server: Server) -> None:
    async with AsyncExitStack() as stack:
        owner, member = [await stack.enter_async_context(server.http(user)) for user in ("owner", "member")]
        project_id, session_id = await shared_session(owner, "other", "member")
        message = await talk(member, session_id)
        other, leaving = [await stack.enter_async_context(server.listener(user)) for user in ("other", "member")]
        for listener in (other, leaving):
            assert (await listener.subscribe(project_id))["ok"] is True
        left = await member.patch(f"/projects/{project_id}", json={"members": ["other"]})
        assert (left.status_code, left.json()["members"]) == (200, ["other"])
        await leaving.wait_for_loss()
        assert await refusals(member, project_id, session_id, message["message_id"]) == {404}
        await talk(owner, session_id, "Create a refund agent")
        await other.wait_for("vibecode_response")
        await leaving.sync()
        assert (len(leaving.events), other.lost) == (leaving.received_before_loss, [])


async def test_a_member_that_is_removed_during_a_turn_receives_no_more_of_it(server: Server) -> None:
    async with server.http("owner") as owner, server.listener("owner") as listening, server.listener("member") as lost:
        project_id, session_id = await shared_session(owner, "member")
        for listener in (listening, lost):
            assert (await listener.subscribe(project_id))["ok"] is True
        running = asyncio.create_task(talk(owner, session_id))
        await lost.wait_for("message_started")
        await share(owner, project_id)
        await lost.wait_for_loss()
        await running
        await listening.wait_for("vibecode_response")
        await lost.sync()
        assert len(lost.events) == lost.received_before_loss


async def test_a_removed_member_can_neither_subscribe_nor_replay_nor_read(server: Server) -> None:
    async with server.http("owner") as owner, server.http("member") as member, server.listener("member") as lost:
        project_id, session_id = await shared_session(owner, "member")
        message = await talk(member, session_id)
        assert await refusals(member, project_id, session_id, message["message_id"]) == {200}
        await lost.subscribe(project_id, {session_id: 0})
        received = list(lost.logged())
        assert received
        await share(owner, project_id)
        await lost.wait_for_loss()
        for after in (None, {}, {session_id: 0}, {session_id: received[-1]["seq"]}):
            answer = await lost.subscribe(project_id, after)
            assert (answer["ok"], answer["code"]) == (False, "project_not_found")
        assert lost.logged() == received
        assert await refusals(member, project_id, session_id, message["message_id"]) == {404}
        async with server.listener("member") as again:
            assert (await again.subscribe(project_id, {session_id: 0}))["ok"] is False
            assert again.events == []


async def test_an_added_member_receives_past_and_future_events(server: Server) -> None:
    async with server.http("owner") as owner, server.http("new") as new, server.listener("new") as listener:
        project_id, session_id = await shared_session(owner)
        message = await talk(owner, session_id)
        assert (await listener.subscribe(project_id, {session_id: 0}))["ok"] is False
        assert await refusals(new, project_id, session_id, message["message_id"]) == {404}
        await share(owner, project_id, "new")
        assert (await listener.subscribe(project_id, {session_id: 0}))["truncated"] == []
        assert await refusals(new, project_id, session_id, message["message_id"]) == {200}
        await talk(new, session_id, "Create a refund agent")
        await listener.wait_for("vibecode_response", 2)
        assert [event["seq"] for event in listener.logged()] == list(range(1, len(listener.logged()) + 1))


async def test_a_member_that_is_added_again_misses_nothing(server: Server) -> None:
    async with server.http("owner") as owner, server.listener("member") as listener:
        project_id, session_id = await shared_session(owner, "member")
        assert (await listener.subscribe(project_id))["ok"] is True
        await talk(owner, session_id)
        await listener.wait_for("vibecode_response")
        await share(owner, project_id)
        await listener.wait_for_loss()
        await talk(owner, session_id, "Create a refund agent")
        await share(owner, project_id, "member")
        assert (await listener.subscribe(project_id, {session_id: listener.logged()[-1]["seq"]}))["ok"] is True
        assert len(listener.received("vibecode_response")) == 2
        assert [event["seq"] for event in listener.logged()] == list(range(1, len(listener.logged()) + 1))


async def test_all_subscribers_of_a_project_are_notified_that_its_sessions_are_deleted_with_it(server: Server) -> None:
    async with (
        server.http("owner") as owner,
        server.listener("owner") as listening,
        server.listener("member") as member,
    ):
        project_id, session_id = await shared_session(owner, "member")
        sessions = {session_id}
        for number in range(5):
            started = await owner.post(f"/projects/{project_id}/sessions", json={"node_id": f"node_{number}"})
            sessions.add(started.json()["session_id"])
        for listener in (listening, member):
            assert (await listener.subscribe(project_id))["ok"] is True
        assert (await owner.delete(f"/projects/{project_id}")).status_code == 200
        for listener in (listening, member):
            await listener.wait_for_loss()
            assert {event["session_id"] for event in listener.received("session_deleted")} == sessions
            answer = await listener.subscribe(project_id, {session_id: 0})
            assert (answer["ok"], answer["code"]) == (False, "project_not_found")
        assert (await owner.get(f"/sessions/{session_id}")).status_code == 404


async def test_a_socket_dies_with_its_token_and_a_fresh_one_misses_nothing(server: Server) -> None:
    async with server.http("owner") as http, server.listener("owner", life=SHORT_LIFE_SECONDS) as dying:
        project_id, session_id = await shared_session(http)
        assert (await dying.subscribe(project_id))["ok"] is True
        await talk(http, session_id)
        await dying.wait_for("vibecode_response")
        await dying.wait_for_completion()
        last = dying.logged()[-1]["seq"]
        await talk(http, session_id, "Create a refund agent")
        async with server.listener("owner") as fresh:
            answer = await fresh.subscribe(project_id, {session_id: last})
            await talk(http, session_id, "Create a shipping agent")
            await fresh.wait_for("vibecode_response", 2)
        assert answer["truncated"] == []
        seqs = [event["seq"] for event in dying.logged() + fresh.logged()]
        assert seqs == list(range(1, len(seqs) + 1))
        assert dying.logged()[-1]["seq"] == last


@pytest.mark.parametrize("seconds_ago", [0.5, 5, 60])
async def test_a_socket_with_a_token_that_has_died_is_refused(server: Server, seconds_ago: float) -> None:
    refusal = await socket_refusal(server.url, auth={"token": server.issuer.token("owner", life=-seconds_ago)})
    assert refusal == {"message": "The token has expired.", "data": {"code": "invalid_token"}}


async def test_two_users_receive_only_events_of_their_own_projects(server: Server) -> None:
    async with AsyncExitStack() as stack:
        listeners: dict[str, Listener] = {}
        owned: dict[str, tuple[str, str]] = {}
        turns = []
        for user in ("ann", "bob"):
            http = await stack.enter_async_context(server.http(user))
            listeners[user] = await stack.enter_async_context(server.listener(user))
            owned[user] = await shared_session(http)
            assert (await listeners[user].subscribe(owned[user][0]))["ok"] is True
            turns.append(talk(http, owned[user][1]))
        assert (await listeners["ann"].subscribe(owned["bob"][0]))["ok"] is False
        await asyncio.gather(*turns)
        for user, listener in listeners.items():
            await listener.wait_for("vibecode_response")
            await listener.sync()
            assert {event["project_id"] for event in listener.events} == {owned[user][0]}
