"""The Router: with the meaning, without it, and what it says about that."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from aura_ia_mcp.actors.router import Router, decide
from aura_ia_mcp.bus.address import Address
from aura_ia_mcp.bus.envelope import Header
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import Embed, Message, Route
from aura_ia_mcp.models.errors import ModelError
from aura_ia_mcp.models.intents import IntentModel


@pytest.fixture(scope="module")
def model() -> IntentModel:
    return IntentModel.load()


@dataclass
class FakeBus:
    """Answers Embed with a vector or with a refusal."""

    vector: list[float] | None = None
    asked: list[Message] = field(default_factory=list)
    address: Address = field(default_factory=lambda: Address("router"))

    async def request(self, target: str, message: Message, **options: Any) -> dict[str, Any]:
        self.asked.append(message)
        if self.vector is None:
            raise AuraError("unavailable", "the models are being loaded")
        return {"vectors": [self.vector], "model": "m"}

    async def send(self, target: str, message: Message, **options: Any) -> None:
        """Reports go nowhere."""

    def stats(self) -> dict[str, Any]:
        return {}


@dataclass
class FakeContext:
    header: Header


async def routed(model: IntentModel, bus: FakeBus, request: str, tokens: dict[str, bytes]) -> dict[str, Any]:
    router = Router(None, lambda: model)  # type: ignore[arg-type]
    await router.start(bus)  # type: ignore[arg-type]
    try:
        reply: dict[str, Any] = await router.route(Route(request), FakeContext(Header(tokens=tokens)))  # type: ignore[arg-type]
    finally:
        await router.stop()
    return reply


async def test_without_a_token_it_routes_by_words_and_says_so(model: IntentModel) -> None:
    bus = FakeBus()
    reply = await routed(model, bus, "list all roles", {})
    assert (reply["kind"], reply["name"], reply["meaning"], bus.asked) == ("tool", "list_roles", False, [])
    assert [row["layer"] for row in reply["_meta"]["aura/layers"]] == ["L2"]


async def test_with_a_token_it_asks_for_the_meaning_of_exactly_the_request(model: IntentModel) -> None:
    bus = FakeBus([1.0] + [0.0] * 383)
    reply = await routed(model, bus, "list all roles", {"ml": b"t"})
    assert bus.asked == [Embed(["list all roles"])]
    assert reply["meaning"] is True


async def test_while_the_ml_worker_is_away_it_still_routes(model: IntentModel) -> None:
    reply = await routed(model, FakeBus(), "list all roles", {"ml": b"t"})
    assert (reply["name"], reply["meaning"]) == ("list_roles", False)


async def test_data_that_cannot_be_loaded_is_told_with_the_remedy() -> None:
    def load() -> IntentModel:
        raise ModelError("file_missing", "No weights.", remedy="Restore them.")

    router = Router(None, load)  # type: ignore[arg-type]
    await router.start(FakeBus())  # type: ignore[arg-type]
    with pytest.raises(AuraError, match="No weights") as caught:
        await router.route(Route("x"), FakeContext(Header()))  # type: ignore[arg-type]
    assert (caught.value.code, caught.value.failure.recovery) == ("unavailable", "Restore them.")
    await router.stop()


@pytest.mark.parametrize(
    ("request_text", "name"),
    [("Welche Rollen gibt es?", "list_roles"), ("Montre-moi les derniers journaux", "get_recent_logs")],
)
def test_common_requests_in_other_languages_are_understood(model: IntentModel, request_text: str, name: str) -> None:
    assert decide(model, request_text).name == name


@pytest.mark.parametrize("request_text", ["delete all logs", "Lösche alle Logs", "删除所有日志", "Svuota il database"])
def test_a_destructive_request_reaches_no_tool_that_reads(model: IntentModel, request_text: str) -> None:
    decision = decide(model, request_text)
    assert (decision.kind, decision.destructive) == ("none", True)


def test_a_request_without_words_goes_nowhere(model: IntentModel) -> None:
    for text in ("", " ", "\ud800", "!" * 5000):
        assert decide(model, text).kind == "none"
