"""No secret leaves in results, errors, logs or records."""

from __future__ import annotations

from contextlib import closing
from hashlib import sha256

import pytest

from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import (
    JSON,
)
from aura_ia_mcp.gateway.graph import refusal
from aura_ia_mcp.stores.database import Database
from aura_ia_mcp.stores.records import RecordStore

from ..graph import OPERATOR, Graph, code_of
from .fixtures import TOKEN, Fixtures


async def test_secrets_leave_neither_in_results_nor_in_logs_nor_into_the_record(graph: Graph) -> None:
    items: list[JSON] = []
    reply = await graph.call("leak", on_item=items.append)
    assert reply["content"][0]["text"] == "[redacted:aura_token]"
    assert reply["structuredContent"] == {"password": "[redacted:member]"}
    assert items[0]["data"] == "token [redacted:aura_token]"
    assert await code_of(graph.call("fail", {"what": TOKEN})) == "tool_failed"
    await code_of(graph.call(TOKEN))
    raw = b"".join(path.read_bytes() for path in graph.paths.audit.rglob("*.jsonl"))
    assert TOKEN.encode() not in raw
    assert graph.records()[0]["redacted"]["found"] == {"aura_token": 2, "member": 1}, "item and result"


@pytest.mark.parametrize("arguments", [{}, {"table": True}, {"before": "x" * 980}])
async def test_a_secret_in_a_tools_error_reaches_neither_the_caller_nor_the_record(
    graph: Graph, arguments: JSON
) -> None:
    with pytest.raises(AuraError) as caught:
        await graph.call("blurt", arguments)
    failure = caught.value.failure
    for text in (str(caught.value), failure.message, failure.recovery, str(graph.records()[-1])):
        assert TOKEN not in text
        assert "aura_xxx" not in text
    assert "[redacted" in failure.message
    assert failure.audit_id


async def test_a_failure_that_an_idempotency_key_keeps_has_its_secrets_marked(graph: Graph, fixtures: Fixtures) -> None:
    for _ in range(2):
        with pytest.raises(AuraError, match="redacted:aura_token") as caught:
            await graph.call("blurt_once", key="k")
        assert TOKEN not in str(caught.value.failure)
    assert fixtures.runs == 1
    kept = graph.actors["safety"]._once._known._ended.values()
    assert TOKEN not in str([ended.failure for ended in kept])
    with closing(Database.of(graph.settings, graph.paths)) as database:
        (noted,) = RecordStore(database).all("idempotency").values()
    assert "redacted:aura_token" in str(noted["ended"])
    assert TOKEN not in str(noted)


async def test_results_and_refusals_carry_a_receipt_of_their_record(graph: Graph) -> None:
    reply = await graph.call("hidden", principal=OPERATOR)
    with pytest.raises(AuraError) as caught:
        await graph.call("hidden")
    shown = refusal(caught.value.failure)
    for meta in (reply["_meta"], shown["_meta"]):
        audit_id, _, line_hash = meta["aura/receipt"].rpartition(":")
        writer, _, seq = audit_id.partition(":")
        assert audit_id == meta["aura/audit_id"]
        line = (graph.paths.audit / writer / "00000001.jsonl").read_bytes().splitlines()[int(seq) - 1]
        assert sha256(line).hexdigest() == line_hash
