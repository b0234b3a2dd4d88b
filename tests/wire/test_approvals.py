"""Approvals over plain HTTP: which tool each request calls, and how its answers look."""

from __future__ import annotations

from typing import Any

import pytest

from aura_ia_mcp.bus.envelope import Principal
from aura_ia_mcp.bus.errors import AuraError

from .conftest import JSON, Running
from .graph import text

ID = "0123456789abcdef"


@pytest.fixture
def answers(running: Running, monkeypatch: pytest.MonkeyPatch) -> JSON:
    """What the tools answer, by name: a result, or an error's code."""
    table: JSON = {"list_approvals": {"approvals": [], "more": False}, "get_approval": {}, "decide_approval": {}}

    def answer(message: Any, arguments: JSON) -> JSON:
        del arguments
        found = table[message.tool]
        if isinstance(found, str):
            raise AuraError(found, "no")
        return text("", structuredContent=found)

    monkeypatch.setattr(running.graph, "_at_once", answer)
    return table


async def ask(running: Running, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, JSON]:
    async with running.http.request(method, running.base + path, json=body, headers=headers) as response:
        return response.status, await response.json()


def called(running: Running) -> tuple[str, JSON]:
    message, _ = running.graph.calls[-1]
    return message.tool, message.arguments


@pytest.mark.parametrize(
    ("method", "path", "body", "tool", "arguments"),
    [
        ("GET", "/approvals", None, "list_approvals", {}),
        ("GET", "/approvals?status=pending&limit=3", None, "list_approvals", {"status": "pending", "limit": 3}),
        ("GET", "/approvals?limit=many", None, "list_approvals", {"limit": "many"}),
        ("GET", f"/approvals/{ID}", None, "get_approval", {"approval_id": ID}),
        (
            "POST",
            f"/approvals/{ID}",
            {"decision": "deny", "reason": "no", "approval_id": "another"},
            "decide_approval",
            {"approval_id": ID, "decision": "deny", "reason": "no"},
        ),
    ],
)
async def test_each_request_is_a_call_of_its_tool_under_the_callers_name(
    running: Running, answers: JSON, method: str, path: str, body: Any, tool: str, arguments: JSON
) -> None:
    running.graph.token("ada-token", Principal("ada", kind="human", roles=("operator",)))
    status, found = await ask(running, method, path, body, Authorization="Bearer ada-token")
    assert (status, found) == (200, answers[tool])
    assert called(running) == (tool, arguments)
    principal = running.graph.calls[-1][1].principal
    assert principal is not None
    assert principal.id == "ada"


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("approval_conflict", 409),
        ("unknown_approval", 404),
        ("unknown_tool", 403),
        ("forbidden", 403),
        ("invalid_arguments", 400),
        ("unavailable", 503),
    ],
)
async def test_a_refusal_has_the_status_that_http_has_for_it(
    running: Running, answers: JSON, code: str, status: int
) -> None:
    answers["decide_approval"] = code
    found, said = await ask(running, "POST", f"/approvals/{ID}", {"decision": "approve"})
    assert (found, said["error"]["code"]) == (status, code)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("POST", "/approvals", 405), ("DELETE", f"/approvals/{ID}", 405), ("GET", "/approvals/a/b", 404)],
)
async def test_nothing_else_is_served_there(running: Running, method: str, path: str, status: int) -> None:
    assert (await ask(running, method, path))[0] == status
    assert running.graph.calls == []


@pytest.mark.parametrize("body", [b"{", b"[1]"])
async def test_a_body_that_says_nothing_decides_nothing(running: Running, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    async with running.http.post(f"{running.base}/approvals/{ID}", data=body, headers=headers) as response:
        assert (response.status, (await response.json())["error"]["code"]) == (400, "malformed")
    async with running.http.post(f"{running.base}/approvals/{ID}", data=b"{}") as response:
        assert response.status == 415
    assert running.graph.calls == []


async def test_an_unknown_token_is_refused_in_the_form_of_the_helpers(running: Running) -> None:
    status, said = await ask(running, "GET", "/approvals", Authorization="Bearer nobody")
    assert (status, said["error"]["code"]) == (401, "unauthenticated")
