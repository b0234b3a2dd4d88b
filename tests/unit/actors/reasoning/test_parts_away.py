"""ask: with a language engine, without one, and while a part below is away."""

from __future__ import annotations

import time

import pytest

from aura_ia_mcp.bus.bus import Bus, Context, handles
from aura_ia_mcp.bus.envelope import Header
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON, Compose

from ..graph import GUEST
from ..inside import Inside
from .calls import FACTS, ask, found


class Speaker:
    """A language engine of a test."""

    @handles(Compose)
    async def compose(self, message: Compose, context: Context) -> JSON:
        return {"text": f"{len(message.material)} steps, all well.", "model": "test"}

    async def start(self, bus: Bus) -> None:
        pass

    async def stop(self) -> None:
        pass


async def test_with_a_language_engine_the_answer_is_in_its_words(inside: Inside) -> None:
    await inside.graph.end("language")
    await inside.graph.peer("language", Speaker())
    inside.router.route = {"kind": "tool", "name": "check_health"}
    told = await ask(inside)
    assert (told["answer"], told["composed"], told["notes"]) == ("1 steps, all well.", True, [])


async def test_while_language_is_away_its_layer_is_not_claimed(inside: Inside) -> None:
    await inside.graph.end("language")
    inside.router.route = {"kind": "tool", "name": "check_health"}
    answer = await inside.call("ask", {"request": "x"}, FACTS, GUEST)
    assert "language/0" not in [row["actor"] for row in answer["_meta"]["aura/layers"]]
    assert found("ask", answer)["status"] == "done"


@pytest.mark.parametrize(("role", "whom"), [("router", "Router"), ("workflow", "Workflow")])
async def test_a_part_that_is_away_is_named_and_reasoning_is_not_taken_for_it(
    inside: Inside, role: str, whom: str
) -> None:
    inside.router.route = {"kind": "tool", "name": "check_health"}
    await inside.graph.end(role)
    header = Header(principal=GUEST, deadline=time.monotonic() + 1.0)
    with pytest.raises(AuraError, match=whom) as caught:
        await inside.call("ask", {"request": "x"}, FACTS, GUEST, header=header)
    assert caught.value.code == "unavailable"
    assert caught.value.failure.retry_after_s
