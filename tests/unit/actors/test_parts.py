"""The small parts that actors are made of."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aura_ia_mcp.actors.arguments import ArgumentCheck, SchemaError
from aura_ia_mcp.actors.catalogue import Catalogue, Servers
from aura_ia_mcp.actors.decision import covered
from aura_ia_mcp.actors.idempotency import Idempotency
from aura_ia_mcp.actors.relay import Relay
from aura_ia_mcp.actors.snapshot import Caller, Listing, Snapshot
from aura_ia_mcp.actors.sources import Listener, ToolDefinition
from aura_ia_mcp.actors.tools import Tools
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON, CallTool, GetPrompt
from aura_ia_mcp.bus.routing import replica_of
from aura_ia_mcp.bus.tokens import digest
from aura_ia_mcp.configs.settings import Settings

from .graph import Graph, Scripted, define, text_result

KEY = ("local", "guest", "k")


# --- idempotency -----------------------------------------------------------------------------------------------------


async def test_answers_are_kept_for_their_time_and_then_forgotten() -> None:
    known = Idempotency(10, 100, 10_000)
    assert await known.first(KEY, "a", 0.0) is None
    known.answered(KEY, {"n": 1}, 0.0)
    assert await known.first(KEY, "a", 9.9) == {"n": 1}
    assert await known.first(KEY, "a", 10.0) is None


async def test_an_answer_is_kept_whatever_text_is_in_it() -> None:
    known, answer = Idempotency(10, 100, 10_000), {"text": "half a pair: \ud83d", "\udc00": 1}
    assert await known.first(KEY, "a", 0.0) is None
    known.answered(KEY, answer, 0.0)
    assert await known.first(KEY, "a", 1.0) == answer


@pytest.mark.parametrize(("entries", "most_bytes"), [(3, 10**9), (10**9, 1500)])
async def test_what_is_kept_is_bounded_by_number_and_by_size(entries: int, most_bytes: int) -> None:
    known = Idempotency(100, entries, most_bytes)
    for n in range(50):
        key = ("local", "guest", str(n))
        assert await known.first(key, "a", float(n)) is None
        known.answered(key, {"text": "x" * 100}, float(n))
        assert len(known) <= min(entries, most_bytes // 256)
    assert await known.first(("local", "guest", "49"), "a", 50.0) == {"text": "x" * 100}
    assert await known.first(("local", "guest", "0"), "a", 50.0) is None


async def test_a_call_that_asks_its_client_for_more_has_not_ended() -> None:
    known = Idempotency(100, 10, 10_000)
    assert await known.first(KEY, "a", 0.0) is None
    known.answered(KEY, {"resultType": "input_required"}, 0.0)
    assert await known.first(KEY, "a", 1.0) is None


@pytest.mark.parametrize(
    ("code", "repeatable", "again"),
    [("unavailable", False, True), ("tool_failed", False, False), ("tool_failed", True, True)],
)
async def test_an_error_stands_only_if_a_repeat_could_do_harm(code: str, repeatable: bool, again: bool) -> None:
    known = Idempotency(100, 10, 10_000)
    assert await known.first(KEY, "a", 0.0) is None
    known.failed(KEY, AuraError(code, "m").failure, 0.0, repeatable=repeatable)
    if again:
        assert await known.first(KEY, "a", 1.0) is None
    else:
        with pytest.raises(AuraError) as caught:
            await known.first(KEY, "a", 1.0)
        assert caught.value.code == code


async def test_one_of_those_who_wait_takes_over_when_the_first_did_not_run() -> None:
    known = Idempotency(100, 10, 10_000)
    assert await known.first(KEY, "a", 0.0) is None
    waiting = [asyncio.create_task(known.first(KEY, "a", 0.0)) for _ in range(3)]
    await asyncio.sleep(0)
    known.failed(KEY, AuraError("unavailable", "m").failure, 0.0, repeatable=False)
    done, left = await asyncio.wait(waiting, timeout=1, return_when=asyncio.FIRST_COMPLETED)
    assert [task.result() for task in done] == [None]
    known.answered(KEY, {"n": 2}, 0.0)
    assert await asyncio.gather(*left) == [{"n": 2}] * 2


# --- relay -----------------------------------------------------------------------------------------------------------


async def test_a_slow_client_gets_the_newest_items_in_order_and_nothing_grows() -> None:
    got: list[int] = []
    go = asyncio.Event()

    async def emit(item: JSON) -> None:
        await go.wait()
        got.append(item["n"])

    async def clean(item: JSON) -> JSON:
        return item

    relay = Relay(emit, clean)
    for n in range(1000):
        relay.put({"n": n})
    await asyncio.sleep(0)
    go.set()
    await asyncio.wait_for(relay.finish(), 5)
    assert got == sorted(got)
    assert len(got) <= 257
    assert got[-1] == 999


# --- schemas ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "string"},
        {"type": "object", "properties": {"a": {"type": "objct"}}},
        {"type": "object", "properties": {"a": {"$ref": "https://example.org/x.json"}}},
        {"type": "object", "properties": {"a": {"pattern": "("}}},
    ],
)
def test_what_is_no_schema_of_an_object_is_refused(schema: JSON) -> None:
    with pytest.raises(SchemaError):
        ArgumentCheck(schema)


def test_references_within_a_schema_and_formats_are_followed() -> None:
    check = ArgumentCheck(
        {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "$defs": {"day": {"type": "string", "format": "date"}},
            "properties": {"on": {"$ref": "#/$defs/day"}},
        }
    )
    check.check("t", {"on": "2026-11-22"})
    with pytest.raises(AuraError, match=r"arguments\.on: .*date"):
        check.check("t", {"on": "tomorrow"})


@pytest.mark.parametrize(("arguments", "got"), [({"n": 1}, "none of them"), ({"a": "x", "b": "y"}, "a and b")])
def test_a_choice_between_arguments_is_refused_by_the_names_of_all(arguments: JSON, got: str) -> None:
    text = {"type": "string"}
    check = ArgumentCheck({"type": "object", "properties": {"a": text, "b": text}}, ("a", "b"))
    with pytest.raises(AuraError, match=rf"^t: give exactly one of arguments\.a, arguments\.b \(got {got}\)"):
        check.check("t", arguments)
    check.check("t", {"b": "y"})
    with pytest.raises(AuraError, match=r"arguments\.b: .*integer"):
        check.check("t", {"b": 1})


@pytest.mark.parametrize(
    "schema", [{"type": "integer"}, {"enum": ["x"]}, {"const": "x"}, {"pattern": "^x$"}, {"format": "email"}]
)
def test_a_refused_text_is_told_by_its_length_and_never_echoed(schema: JSON) -> None:
    check = ArgumentCheck({"type": "object", "properties": {"a": schema}})
    with pytest.raises(AuraError, match="got text of 15 characters") as caught:
        check.check("t", {"a": "my private word"})
    assert "private" not in str(caught.value)


@pytest.mark.parametrize("schema", [{"additionalProperties": False}, {"additionalProperties": {"type": "integer"}}])
def test_a_secret_given_as_the_name_of_an_argument_is_marked(schema: JSON) -> None:
    secret = "sk-proj-" + "aB3dE6gH9jK2mN5pQ8sT1vW4" * 2
    with pytest.raises(AuraError) as caught:
        ArgumentCheck({"type": "object", **schema}).check("t", {secret: "x", "y" * 380: "z"})
    assert secret[:20] not in str(caught.value)


def test_deep_and_huge_arguments_end_in_a_plain_refusal() -> None:
    check = ArgumentCheck({"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": False})
    deep: JSON = {}
    for _ in range(50_000):
        deep = {"b": deep}
    with pytest.raises(AuraError, match="Recursion limit"):
        check.check("t", deep)
    with pytest.raises(AuraError) as caught:
        check.check("t", {"a": "x" * 1_000_000, "y" * 1_000_000: 1})
    assert len(caught.value.failure.message) < 3000


# --- catalogue -------------------------------------------------------------------------------------------------------


def test_a_contract_has_another_fingerprint_when_anything_a_model_relies_on_changes() -> None:
    base = define("t")
    changes: list[JSON] = [
        {"title": "u"},
        {"description": "another"},
        {"input_schema": {"type": "object", "properties": {}}},
        {"output_schema": {"type": "object"}},
        {"read_only": False},
        {"destructive": True},
        {"idempotent": False},
        {"open_world": True},
        {"capability": "query"},
        {"exposed": False},
        {"audience": "ml"},
        {"calms": True},
    ]
    plain: JSON = {name: getattr(base, name) for name in ("name", "title", "description", "input_schema")}
    found = {ToolDefinition(**(plain | change)).fingerprint for change in changes}
    assert len(found | {base.fingerprint}) == len(changes) + 1
    assert ToolDefinition(**plain).fingerprint == base.fingerprint


async def test_one_bad_source_takes_nothing_from_the_others(tmp_path: Path) -> None:
    class Broken(Scripted):
        name = "broken"

        def tools(self) -> list[ToolDefinition]:
            raise RuntimeError("the file is gone")

    class Dead(Scripted):
        name = "dead"

        async def start(self, listener: Listener) -> None:
            raise RuntimeError("no such server")

        async def stop(self) -> None:
            raise RuntimeError("not even that")

    async def fine(arguments: JSON, call: object) -> JSON:
        return text_result("fine")

    graph = Graph(tmp_path)
    await graph.start("tools", Tools, Broken, Dead, lambda: Scripted(fine=fine))
    catalogue: Catalogue = graph.actors["tools"].catalogue
    assert {"fine", "echo"} <= set(catalogue.tools)
    assert {
        absent.source: "gone" in absent.reason or "no such server" in absent.reason for absent in catalogue.absent
    } == {
        "broken": True,
        "dead": True,
    }
    await graph.close()


def listing(*entries: JSON) -> Listing:
    return Listing(entries, "v")


@pytest.mark.parametrize(
    ("uri", "found"),
    [
        ("test://t/1/data", True),
        ("test://t/a%2Fb/data", True),
        ("test://t//data", False),
        ("test://t/1/2/data", False),
        ("test://t/1/data/more", False),
        ("testXX//t/1/data", False),
    ],
)
def test_a_uri_has_the_form_of_a_template_or_has_not(uri: str, found: bool) -> None:
    template = {"uriTemplate": "test://t/{id}/data", "name": "t", "_meta": {"aura/capability": "status"}}
    empty = listing()
    snapshot = Snapshot.of(
        {"tools": empty, "resources": empty, "prompts": empty, "resource_templates": listing(template)},
        Servers.of(Settings()),
    )
    assert (snapshot.resource(uri, "gateway") is not None) == found
    assert snapshot.resource(uri, "ml") is None


def test_an_entry_without_a_capability_is_for_operators_only() -> None:
    empty = listing()
    snapshot = Snapshot.of(
        {
            "tools": listing({"name": "t", "inputSchema": {}}),
            "resources": empty,
            "prompts": empty,
            "resource_templates": empty,
        },
        Servers.of(Settings()),
    )
    subject = snapshot.tool("t", "gateway")
    assert subject is not None
    assert (subject.facts.capability, subject.read_only, subject.idempotent) == ("operate", False, False)
    everybody = Caller("guest", lambda facts: facts.capability == "status")
    assert snapshot.visible("tools", "gateway", everybody)["entries"] == []


# --- routing ---------------------------------------------------------------------------------------------------------


@given(st.text(), st.integers(1, 16))
def test_a_principal_keeps_its_replica_unless_the_new_one_takes_it(principal: str, replicas: int) -> None:
    before = replica_of(principal, replicas)
    assert 0 <= before < replicas
    assert replica_of(principal, replicas) == before
    assert replica_of(principal, replicas + 1) in (before, replicas)


def test_principals_spread_over_replicas() -> None:
    found = Counter(replica_of(f"token:{n}", 4) for n in range(2000))
    assert all(400 < found[replica] < 600 for replica in range(4))
    assert replica_of("guest", 4) == replica_of("guest", 4)
    with pytest.raises(ValueError, match="at least one"):
        replica_of("guest", 0)


# --- decisions -------------------------------------------------------------------------------------------------------


def test_a_token_covers_everything_of_a_call_that_its_work_depends_on() -> None:
    base: JSON = {"tool": "t", "arguments": {"a": 1}, "inputs": {"i": 1}, "state": "s"}
    changes: list[JSON] = [{}, {"arguments": {"a": 2}}, {"inputs": {"i": 2}}, {"inputs": None}, {"state": "t"}]
    for make in (CallTool, GetPrompt):
        named = {"name": "t"} | {k: v for k, v in base.items() if k != "tool"} if make is GetPrompt else base
        found = {digest(covered(make(**(named | change)))) for change in changes}
        assert len(found) == len(changes)
