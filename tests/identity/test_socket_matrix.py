"""Each event that a client may emit, from each kind of caller, on a started server."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any, cast

import pytest

from backend.relay.relay import Relay
from backend.relay.settings import RelaySettings
from tests.identity.bad_tokens import BAD_TOKENS, bad_token
from tests.identity.people import Json, RawSocket, Server, refused_client, shared_session, socket_refusal, talk

EVENTS = ("subscribe", "unsubscribe")
BAD_TOKEN_KINDS = [
    "empty",
    "garbage",
    "another signature",
    "alg=none",
    "HS256 with the public key",
    "expired",
    "for another audience",
]
# Longer than any packet that a client may send: the connection ends.
TOO_LONG = {"a megabyte", "a megabyte of nothing"}
UNKNOWN = "01900000-0000-7000-8000-ffffffffffff"


@pytest.fixture
async def shared(server: Server) -> AsyncIterator[tuple[str, str]]:
    """A project of `owner` that is shared with `member`, and its session with one answered message."""
    async with server.http("owner") as owner:
        project_id, session_id = await shared_session(owner, "member")
        await talk(owner, session_id)
        yield project_id, session_id


def token_of(server: Server, kind: str | None) -> Json | None:
    return None if kind is None else {"token": bad_token(kind, server.issuer, "owner")}


def test_every_event_that_the_relay_handles_is_in_the_matrix() -> None:
    nothing = cast(Any, None)
    handlers = Relay(nothing, nothing, nothing, RelaySettings()).sio.handlers
    assert {namespace: set(events) for namespace, events in handlers.items()} == {
        "/": {"connect", "disconnect", *EVENTS}
    }


@pytest.mark.parametrize("kind", [None, *BAD_TOKEN_KINDS])
async def test_a_client_without_a_valid_token_is_refused_with_the_reason(server: Server, kind: str | None) -> None:
    refusal = await socket_refusal(server.url, auth=token_of(server, kind))
    assert refusal["data"] == {"code": "invalid_token"}
    words = {None: "Send a bearer token.", "empty": "Send a bearer token.", "expired": "The token has expired."}
    assert refusal["message"] == words.get(kind, "The token is not valid.")


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("kind", [None, *BAD_TOKEN_KINDS])
async def test_events_of_a_refused_client_are_ignored(
    server: Server, shared: tuple[str, str], kind: str | None, event: str
) -> None:
    asked = json.dumps([event, {"project_id": shared[0], "after": {shared[1]: 0}}])
    async with RawSocket(server.url) as socket:
        await socket.post(f"421{asked}")
        await socket.connect(token_of(server, kind))
        await socket.post(f"422{asked}")
        assert json.loads(await socket.answer_to("44"))["data"] == {"code": "invalid_token"}
        await socket.post(f"423{asked}")
        # The same connection with a good token: by its answer the others would have come.
        await socket.connect({"token": server.issuer.token("stranger")})
        await socket.answer_to("40{")
        await socket.post(f"424{json.dumps(['unsubscribe', {'project_id': 'x'}])}")
        await socket.answer_to("434")
    assert [packet for packet in socket.packets if packet.startswith(("42", "431", "432", "433"))] == []


async def test_every_bad_token_is_refused_with_a_message(server: Server) -> None:
    silent: list[str] = []
    for kind in BAD_TOKENS:
        if kind in TOO_LONG:
            continue
        async with RawSocket(server.url) as socket:
            try:
                await socket.connect(token_of(server, kind))
                refusal = json.loads(await socket.answer_to("44", seconds=2))
                assert refusal["data"] == {"code": "invalid_token"}
            except (TimeoutError, AssertionError):
                silent.append(kind)
    assert silent == []


@pytest.mark.parametrize("kind", sorted(TOO_LONG))
async def test_a_token_of_a_megabyte_closes_only_its_connection(server: Server, kind: str) -> None:
    async with refused_client() as client:
        await client.connect(server.url, transports=["websocket"], auth=token_of(server, kind), wait_timeout=0.5)
    async with server.listener("owner") as owner:
        await owner.sync()


@pytest.mark.parametrize("auth", [{}, "text", ["token"], 7, {"token": None}, {"token": 7}, {"token": ["a"]}])
async def test_a_client_without_a_token_is_asked_for_one(server: Server, auth: object) -> None:
    async with RawSocket(server.url) as socket:
        await socket.connect(auth)
        refusal = json.loads(await socket.answer_to("44"))
    assert refusal == {"message": "Send a bearer token.", "data": {"code": "invalid_token"}}


@pytest.mark.parametrize("place", ["TOKEN", "Token", "authorization", "access_token"])
async def test_a_token_is_only_accepted_in_the_auth_object(server: Server, place: str) -> None:
    token = server.issuer.token("owner")
    refusal = await socket_refusal(
        f"{server.url}?token={token}", auth={place: token}, headers={"Authorization": f"Bearer {token}"}
    )
    assert refusal["data"] == {"code": "invalid_token"}


async def test_no_other_namespace_is_open(server: Server) -> None:
    async with RawSocket(server.url) as socket:
        await socket.post(f"40/admin,{json.dumps({'token': server.issuer.token('owner')})}")
        assert await socket.answer_to("44/admin,")


@pytest.mark.parametrize("person", ["stranger", "member", "owner"])
async def test_connected_users_may_subscribe_to_their_projects(
    server: Server, shared: tuple[str, str], person: str
) -> None:
    project_id, session_id = shared
    async with server.listener(person) as listener:
        answer = await listener.subscribe(project_id, {session_id: 0})
        if person == "stranger":
            assert (answer["ok"], answer["code"]) == (False, "project_not_found")
            unknown = await listener.subscribe(UNKNOWN, {session_id: 0})
            assert unknown == {**answer, "detail": answer["detail"].replace(project_id, UNKNOWN)}
            assert listener.events == []
        else:
            assert (answer["ok"], answer["truncated"], answer["deleted"]) == (True, [], [])
            seqs = [event["seq"] for event in listener.logged()]
            assert seqs == list(range(1, answer["last_seq"][session_id] + 1))


@pytest.mark.parametrize("person", ["stranger", "member", "owner"])
async def test_any_project_can_be_unsubscribed_from_and_nothing_is_revealed(
    server: Server, shared: tuple[str, str], person: str
) -> None:
    async with server.listener(person) as listener:
        for project_id in (shared[0], UNKNOWN):
            answer = await listener.call("unsubscribe", {"project_id": project_id})
            assert answer == {"ok": True, "room": f"project_{project_id}"}


async def test_after_with_a_session_of_another_user_is_truncated_and_sends_nothing(
    server: Server, shared: tuple[str, str]
) -> None:
    async with server.http("stranger") as http, server.listener("stranger") as stranger:
        project_id, session_id = await shared_session(http)
        answer = await stranger.subscribe(project_id, {shared[1]: 0, UNKNOWN: 0, session_id: 0})
        assert answer["ok"] is True
        assert sorted(answer["truncated"]) == sorted([shared[1], UNKNOWN])
        assert answer["deleted"] == []
        assert set(answer["last_seq"]) <= {session_id}
        assert stranger.events == []


async def test_users_outside_of_a_project_receive_none_of_its_events(server: Server, shared: tuple[str, str]) -> None:
    project_id, session_id = shared
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(server.http("stranger"))
        owner, member, stranger, silent = [
            await stack.enter_async_context(server.listener(user)) for user in ("owner", "member", "stranger", "owner")
        ]
        own_id, _ = await shared_session(http)
        assert (await stranger.subscribe(own_id, {session_id: 0}))["ok"] is True
        assert (await stranger.subscribe(project_id, {session_id: 0}))["ok"] is False
        for listener in (owner, member):
            assert (await listener.subscribe(project_id))["ok"] is True
        talker = await stack.enter_async_context(server.http("member"))
        await talk(talker, session_id, "Create a refund agent")
        for listener in (owner, member):
            await listener.wait_for("vibecode_response")
            assert listener.received("text_delta")
        for outsider in (stranger, silent):
            await outsider.sync()
            assert outsider.events == []
