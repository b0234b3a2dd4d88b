"""The ML worker behind Tools: what it says before, while and after its models load."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from aura_ia_mcp.actors.boot import Boot
from aura_ia_mcp.actors.ml import MLWorker
from aura_ia_mcp.actors.safety import Safety
from aura_ia_mcp.actors.tools import Tools
from aura_ia_mcp.bus.bus import Context, handles
from aura_ia_mcp.bus.envelope import Header
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON, CallTool, Ping, Probe
from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.models.errors import ModelError
from aura_ia_mcp.models.worker import Answer

from .fakes import FakeModels
from .graph import GUEST, OPERATOR, Graph, code_of, until

RANK = {"query": "aaa", "candidates": ["b", "ccc", "dd"]}


@pytest.fixture
async def graph(tmp_path: Path) -> AsyncIterator[Graph]:
    graph = Graph(tmp_path, Settings.model_validate({"tools": {"breaker_failures": 2, "breaker_cooldown_s": 60}}))
    await graph.start("tools", Tools)
    await graph.start("safety", Safety)
    yield graph
    await graph.close()


async def worker(graph: Graph, models: FakeModels) -> MLWorker:
    actor: MLWorker = await graph.start("ml", lambda boot: MLWorker(boot, models))
    return actor


async def test_a_call_passes_three_layers_and_is_ranked(graph: Graph) -> None:
    ml = await worker(graph, FakeModels())
    await until(lambda: ml.state == "ready")
    reply = await graph.call("semantic_rank", RANK | {"top_k": 2})
    ranked = reply["structuredContent"]["ranked"]
    assert [(row["index"], row["candidate"]) for row in ranked] == [(1, "ccc"), (0, "b")]
    assert [row["layer"] for row in reply["_meta"]["aura/layers"]] == ["L6", "L5", "L1"]


async def test_a_blank_query_is_refused_and_a_blank_candidate_is_not(graph: Graph) -> None:
    ml = await worker(graph, FakeModels())
    await until(lambda: ml.state == "ready")
    for query in (" ", "\n\t "):
        assert await code_of(graph.call("semantic_rank", RANK | {"query": query})) == "invalid_arguments"
    reply = await graph.call("semantic_rank", {"query": "a", "candidates": [" ", "", "b"]})
    assert len(reply["structuredContent"]["ranked"]) == 3


async def test_each_caller_is_a_group_of_its_own_in_the_queue(graph: Graph) -> None:
    models = FakeModels()
    ml = await worker(graph, models)
    await until(lambda: ml.state == "ready")
    await graph.call("semantic_rank", RANK)
    await graph.call("embed_text", {"texts": ["x"]}, OPERATOR)
    await graph.call("analyze_emotion", {"text": "x"})
    assert models.groups == ["local/guest", "local/operator", "local/guest"]


async def test_while_models_load_a_call_is_refused_with_how_far_it_is(graph: Graph) -> None:
    models = FakeModels(wait=True)
    ml = await worker(graph, models)
    await until(lambda: "weights" in ml._loading.stage)
    with pytest.raises(AuraError) as caught:
        await graph.call("embed_text", {"texts": ["x"]})
    failure = caught.value.failure
    assert (failure.code, failure.outcome, failure.retryable) == ("unavailable", "not_run", True)
    assert "50% done" in failure.message
    assert failure.retry_after_s
    models.go.set()
    await until(lambda: ml.state == "ready")
    assert len((await graph.call("embed_text", {"texts": ["x"]}))["structuredContent"]["vectors"][0]) == 384


async def test_models_that_cannot_be_loaded_are_told_with_the_remedy(graph: Graph) -> None:
    ml = await worker(graph, FakeModels(fault=ModelError("file_missing", "No weights.", remedy="Install them.")))
    await until(lambda: ml.state == "failed")
    with pytest.raises(AuraError) as caught:
        await graph.call("embed_text", {"texts": ["x"]})
    assert "No weights. Install them." in caught.value.failure.message
    status = (await graph.call("get_model_status"))["structuredContent"]
    assert (status["state"], status["detail"]) == ("failed", "No weights. Install them.")


async def test_models_that_are_switched_off_say_how_to_switch_them_on(tmp_path: Path) -> None:
    graph = Graph(tmp_path, Settings.model_validate({"ml": {"load": "never"}}))
    await graph.start("tools", Tools)
    await graph.start("safety", Safety)
    await worker(graph, FakeModels())
    with pytest.raises(AuraError) as caught:
        await graph.call("embed_text", {"texts": ["x"]})
    assert "[ml]" in caught.value.failure.recovery
    await graph.close()


async def test_a_look_at_the_models_is_too_short_to_start_the_inspecting_process(graph: Graph) -> None:
    await worker(graph, FakeModels())
    shown = (await graph.call("get_model_status"))["structuredContent"]["models"]
    assert shown[1]["quality"]["dev_macro_f1"] > 0
    assert graph.actors["safety"]._inspector._worker._process is None


@pytest.mark.parametrize("arguments", [{}, {"text": "a", "texts": ["b"]}])
async def test_emotion_takes_either_a_text_or_texts(graph: Graph, arguments: dict[str, object]) -> None:
    with pytest.raises(AuraError, match=r"arguments\.text, arguments\.texts") as caught:
        await graph.call("analyze_emotion", arguments)
    assert caught.value.code == "invalid_arguments", "Tools tells, whether there is a worker or not"
    ml = await worker(graph, FakeModels())
    await until(lambda: ml.state == "ready")
    reply = await graph.call("analyze_emotion", {"texts": ["a", "b"], "top_k": 2})
    assert [len(row["labels"]) for row in reply["structuredContent"]["results"]] == [2, 2]


async def test_the_worker_runs_nothing_without_a_token_of_its_own(graph: Graph) -> None:
    ml = await worker(graph, FakeModels())
    await until(lambda: ml.state == "ready")
    message = CallTool("embed_text", {"texts": ["x"]})
    assert await code_of(graph.peers["tools"].request("ml", message, header=Header(principal=GUEST))) == "invalid_token"


async def test_a_worker_that_is_gone_is_unavailable_at_once_and_left_alone_for_a_while(graph: Graph) -> None:
    for _ in range(2):
        with pytest.raises(AuraError) as caught:
            await graph.call("embed_text", {"texts": ["x"]})
        assert (caught.value.code, caught.value.failure.outcome) == ("unavailable", "not_run")
        assert "doesn't answer" in caught.value.failure.message
    with pytest.raises(AuraError) as caught:
        await graph.call("embed_text", {"texts": ["x"]})
    assert "failed several times" in caught.value.failure.message
    assert (caught.value.failure.retry_after_s or 0) > 50
    assert await code_of(graph.call("get_model_status")) == "unavailable"
    assert (await graph.call("echo", {"text": "x"}))["structuredContent"]


class HungWorker(MLWorker):
    """Accepts messages and answers none."""

    @handles(Ping)
    async def ping(self, message: Ping, context: Context) -> JSON:
        del message, context
        return await asyncio.Future()


@pytest.mark.parametrize("greets", [True, False])
async def test_a_worker_that_hangs_is_down_and_tools_answers_within_the_deadline(
    graph: Graph, monkeypatch: pytest.MonkeyPatch, greets: bool
) -> None:
    await graph.start("ml", lambda boot: HungWorker(boot, FakeModels()))
    await graph.call("echo", {"text": "the rules are known"})
    if not greets:
        monkeypatch.setattr(graph.peers["tools"], "_connect", lambda target: asyncio.Future())
    header = Header(principal=None, deadline=time.monotonic() + 1.0)
    told = await graph.request(Probe(), header=header)
    assert told["ready"]
    assert (told["parts"]["tools/0"]["status"], told["parts"]["ml/0"]["status"]) == ("ok", "down")


# --- several workers -------------------------------------------------------------------------------------------------


class SlowModels(FakeModels):
    """Answers once `answer` is set."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.asked = asyncio.Event()
        self.answer = asyncio.Event()

    async def embed(self, texts: Sequence[str], *, group: str = "") -> list[Answer]:
        self.asked.set()
        await self.answer.wait()
        return await super().embed(texts, group=group)


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Graph]:
    limits = {"breaker_failures": 2, "breaker_cooldown_s": 60}
    graph = Graph(tmp_path, Settings.model_validate({"cluster": {"replicas": {"ml": 2}}, "tools": limits}))
    await graph.start("tools", Tools)
    await graph.start("safety", Safety)
    yield graph
    await graph.close()


async def both(graph: Graph, *models: FakeModels) -> None:
    for number, model in enumerate(models):
        actor = await graph.start(f"ml/{number}", partial(_worker_of, model))
        if model.go.is_set():
            await until(partial(_is_ready, actor))


def _is_ready(actor: MLWorker) -> bool:
    return actor.state == "ready"


def _worker_of(models: FakeModels, boot: Boot) -> MLWorker:
    return MLWorker(boot, models)


async def who_embeds(graph: Graph) -> str:
    reply = await graph.call("embed_text", {"texts": ["x"]})
    return str(reply["_meta"]["aura/layers"][-1]["actor"])


async def test_workers_take_turns(two: Graph) -> None:
    await both(two, FakeModels(), FakeModels())
    assert [await who_embeds(two) for _ in range(4)] == ["ml/0", "ml/1", "ml/0", "ml/1"]


async def test_the_worker_with_the_fewest_calls_in_flight_gets_the_next(two: Graph) -> None:
    slow = SlowModels()
    await both(two, slow, FakeModels())
    first = asyncio.create_task(who_embeds(two))
    await asyncio.wait_for(slow.asked.wait(), 5)
    assert [await who_embeds(two) for _ in range(3)] == ["ml/1"] * 3
    slow.answer.set()
    assert await first == "ml/0"


async def test_a_call_goes_to_the_other_worker_when_one_is_away(two: Graph) -> None:
    await both(two, FakeModels(), FakeModels())
    await two.end("ml/0")
    assert [await who_embeds(two) for _ in range(4)] == ["ml/1"] * 4
    figures = two.actors["tools"]._figures()
    assert figures["breakers"] == {"ml/0": "open", "ml/1": "closed"}
    await two.end("ml/1")
    assert await code_of(who_embeds(two)) == "unavailable"


async def test_a_call_goes_to_the_other_worker_while_one_loads(two: Graph) -> None:
    loading = FakeModels(wait=True)
    await both(two, loading, FakeModels())
    try:
        assert [await who_embeds(two) for _ in range(3)] == ["ml/1"] * 3
        status = (await two.call("get_model_status"))["structuredContent"]
        assert status["state"] == "ready"
        assert [(row["name"], row["state"]) for row in status["workers"]] == [("ml/0", "loading"), ("ml/1", "ready")]
        assert {card["worker"] for card in status["models"]} == {"ml/0", "ml/1"}
    finally:
        loading.go.set()


async def test_health_and_readiness_ask_every_worker(two: Graph) -> None:
    await both(two, FakeModels(), FakeModels())
    await two.end("ml/1")
    checks = (await two.call("check_health"))["structuredContent"]["checks"]
    assert (checks["ml/0"]["status"], checks["ml/1"]["status"]) == ("ok", "down")
    parts = (await two.request(Probe(), None))["parts"]
    assert (parts["ml/0"]["status"], parts["ml/1"]["status"]) == ("ok", "down")
    status = (await two.call("get_model_status"))["structuredContent"]
    assert [(row["name"], row["state"]) for row in status["workers"]] == [("ml/0", "ready"), ("ml/1", "silent")]
