from __future__ import annotations

import pytest

from aura_ia_mcp.bus.envelope import Principal
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.gateway.authentication import Identity
from aura_ia_mcp.gateway.jsonrpc import Answer, RpcError
from aura_ia_mcp.gateway.replay import GET_STREAM
from aura_ia_mcp.gateway.sessions import Session, Sessions

ONE = Identity(Principal("one"), "digest-one")
OTHER = Identity(Principal("other"), "digest-other")
ONE_AGAIN = Identity(Principal("one"), "digest-two")


class Open:
    def __init__(self) -> None:
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


def sessions(most: int = 10, own: int = 10, clock: list[float] | None = None) -> Sessions:
    now = clock or [0.0]
    return Sessions(most, own, 60.0, 1000, lambda: now[0])


def opened(store: Sessions, identity: Identity = ONE) -> Session:
    return store.open(identity, "gateway", "2025-11-25", {})


def test_a_session_is_found_by_the_credential_that_opened_it_alone() -> None:
    store = sessions()
    session = opened(store)
    assert store.find(session.id, ONE, "gateway") is session
    for identity, server in ((OTHER, "gateway"), (ONE_AGAIN, "gateway"), (ONE, "ml")):
        with pytest.raises(RpcError) as refused:
            store.find(session.id, identity, server)
        assert refused.value.status == 404
    with pytest.raises(RpcError) as unknown:
        store.find("unheard-of", ONE, "gateway")
    assert unknown.value.message == refused.value.message


def test_the_oldest_idle_session_makes_room_for_a_new_one() -> None:
    clock = [0.0]
    store = sessions(most=2, clock=clock)
    first = opened(store)
    clock[0] = 1.0
    second = opened(store)
    first.open["1"] = Open()
    clock[0] = 2.0
    opened(store)
    assert first in list(store)
    assert second.closed


@pytest.mark.parametrize(("most", "own", "status"), [(1, 10, 503), (10, 1, 429)])
def test_a_session_in_use_makes_no_room(most: int, own: int, status: int) -> None:
    store = sessions(most, own)
    session = opened(store)
    session.events.attach(GET_STREAM, lambda: None)
    with pytest.raises(RpcError) as refused:
        opened(store)
    assert refused.value.status == status
    assert "Retry-After" in refused.value.headers


def test_one_principal_takes_no_room_from_another() -> None:
    store = sessions(own=1)
    kept = opened(store, OTHER)
    opened(store)
    opened(store)
    assert kept in list(store)
    assert len(store) == 2


def test_an_idle_session_ends_and_one_in_use_stays() -> None:
    clock = [0.0]
    store = sessions(clock=clock)
    idle, used = opened(store), opened(store)
    used.open["1"] = Open()
    clock[0] = 61.0
    assert store.sweep() == 1
    assert list(store) == [used]
    assert idle.closed


def test_the_end_of_a_session_cancels_its_requests() -> None:
    store = sessions()
    session, request = opened(store), Open()
    session.open["1"] = request
    store.end(session)
    assert request.cancelled


async def test_an_answer_reaches_the_question_and_an_answer_to_nothing_is_ignored() -> None:
    session = opened(sessions())
    number, future = session.question()
    session.answered(Answer("unheard-of", {}))
    session.answered(Answer(number, {"action": "accept"}))
    session.answered(Answer(number, {"action": "decline"}))
    assert await future == {"action": "accept"}


async def test_an_error_of_the_client_fails_the_question() -> None:
    session = opened(sessions())
    number, future = session.question()
    session.answered(Answer(number, {}, {"code": -1, "message": "no"}))
    with pytest.raises(AuraError, match="no"):
        await future


async def test_a_question_does_not_outlive_its_session() -> None:
    store = sessions()
    session = opened(store)
    _, future = session.question()
    store.end(session)
    with pytest.raises(AuraError) as ended:
        await future
    assert ended.value.code == "cancelled"


def test_a_cancellation_that_overtakes_its_request_is_kept_for_it() -> None:
    session = opened(sessions())
    session.cancel("late")
    assert session.unwanted("late")
    assert not session.unwanted("late")
    assert not session.unwanted("other")


def test_subscriptions_are_bounded() -> None:
    session = opened(sessions())
    for number in range(1000):
        session.subscribe(f"test://{number}")
    session.subscribe("test://0")
    with pytest.raises(RpcError):
        session.subscribe("test://one-too-many")


def test_a_resource_event_goes_to_its_subscribers_only() -> None:
    store = sessions()
    one, other = opened(store), opened(store, OTHER)
    one.subscribe("test://a")
    store.resource_updated("test://a")
    assert one.events.held_bytes > 0
    assert other.events.held_bytes == 0
