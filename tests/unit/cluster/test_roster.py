"""How a start waits for the actors, with actors that are no Ray's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest

from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.cluster import roster
from aura_ia_mcp.cluster.roster import Member, Roster
from aura_ia_mcp.cluster.tree import TREE, Seat


async def _serves() -> dict[str, Any]:
    return {"ready": True, "error": "", "pid": 1}


async def _fails() -> dict[str, Any]:
    return {"ready": False, "error": "state.sqlite can't be used"}


async def _never() -> dict[str, Any]:
    await asyncio.Event().wait()
    return {}


def waiting_for(**actors: Callable[[], Awaitable[dict[str, Any]]]) -> Roster:
    """A roster whose actors answer in these ways when they are asked whether they are ready."""
    made = Roster("head", lambda _: None)
    for name, answer in actors.items():
        handle = SimpleNamespace(ready=SimpleNamespace(remote=answer), status=SimpleNamespace(remote=_serves))
        assignment: Any = None
        made.members[name] = Member(Seat(name, TREE[0]), assignment, handle)
    return made


async def test_a_start_is_over_when_all_serve() -> None:
    told: list[tuple[str, int, int]] = []
    await waiting_for(a=_serves, b=_serves).ready(5.0, lambda *each: told.append(each))
    assert [each[1:] for each in told] == [(1, 2), (2, 2)]


async def test_one_that_can_not_start_ends_the_wait_for_those_that_wait_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(roster, "_OTHERS_S", 0.0)
    with pytest.raises(AuraError) as found:
        await asyncio.wait_for(waiting_for(records=_fails, safety=_never).ready(600.0, lambda *_: None), 5.0)
    assert str(found.value) == "the actors did not start: records: state.sqlite can't be used"


async def test_all_that_can_not_start_are_told_together() -> None:
    with pytest.raises(AuraError, match=r"a: state.sqlite can't be used; b: state.sqlite can't be used"):
        await waiting_for(a=_fails, b=_fails).ready(5.0, lambda *_: None)


async def test_those_that_say_nothing_in_time_are_named() -> None:
    with pytest.raises(AuraError, match=r"no answer within 0 s from b"):
        await waiting_for(b=_never).ready(0.0, lambda *_: None)
