"""The older era on the wire: opening, calls, lists, sessions."""

from __future__ import annotations

import pytest
from aiohttp.http import SERVER_SOFTWARE

from aura_ia_mcp.bus.envelope import Principal
from aura_ia_mcp.bus.messages import CallTool, Complete

from .conftest import Running, Start, Talk, request

VERSIONS = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]
PROGRESS = {"progressToken": "p1"}


@pytest.mark.parametrize("version", [*VERSIONS, "1999-01-01"])
async def test_initialize_settles_on_a_revision_that_both_know(running: Running, version: str) -> None:
    params = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    reply = await running.post(request(1, "initialize", params))
    assert reply.status == 200
    assert reply.answer["result"]["protocolVersion"] == (version if version in VERSIONS else "2025-11-25")
    assert reply.answer["result"]["serverInfo"]["version"] == "1.2.3"


@pytest.mark.parametrize("path", ["/mcp", "/mcp/stream"])
async def test_both_paths_serve(running: Running, path: str) -> None:
    params = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    async with running.http.post(running.base + path, json=request(1, "initialize", params)) as response:
        assert response.status == 200


async def test_a_call_that_streams_nothing_is_answered_in_json(running: Running) -> None:
    talk = await running.open()
    reply = await talk.call(1, "echo", text="hi")
    assert reply.headers["Content-Type"] == "application/json"
    assert reply.json == {
        "jsonrpc": "2.0",
        "id": 1,
        "result": {
            "content": [{"type": "text", "text": "hi"}],
            "isError": False,
            "structuredContent": {"text": "hi"},
        },
    }


async def test_progress_comes_before_the_answer_on_a_primed_stream(running: Running) -> None:
    talk = await running.open()
    reply = await talk.call(1, "count", PROGRESS)
    assert reply.headers["Content-Type"] == "text/event-stream"
    assert reply.events[0].data == ""
    assert reply.events[0].id is not None
    assert [m["params"]["progress"] for m in reply.messages[:-1]] == [1, 2, 3]
    assert {m["params"]["progressToken"] for m in reply.messages[:-1]} == {"p1"}
    assert reply.answer["id"] == 1


async def test_nobody_gets_progress_who_did_not_ask_for_it(running: Running) -> None:
    reply = await (await running.open()).call(1, "count")
    assert reply.headers["Content-Type"] == "application/json"


async def test_a_client_that_takes_no_stream_gets_its_answer_alone(running: Running) -> None:
    talk = await running.open()
    params = {"name": "count", "arguments": {}, "_meta": PROGRESS}
    reply = await talk.ask(1, "tools/call", params, Accept="application/json")
    assert reply.json["result"]["content"][0]["text"] == "counted"


async def test_log_messages_pass_from_the_level_that_the_client_set(running: Running) -> None:
    talk = await running.open()
    assert len((await talk.call(1, "log", level="info")).messages) == 4
    assert (await talk.ask(2, "logging/setLevel", {"level": "error"})).json["result"] == {}
    assert len((await talk.call(3, "log", level="info")).messages) == 1
    assert len((await talk.call(4, "log", level="critical")).messages) == 4
    assert (await talk.ask(5, "logging/setLevel", {"level": "loud"})).json["error"]["code"] == -32602


async def test_resources_prompts_and_completion_are_served(running: Running) -> None:
    talk = await running.open()
    lists = {"tools": 10, "resources": 1, "prompts": 1}
    for what, count in lists.items():
        assert len((await talk.ask(what, f"{what}/list")).json["result"][what]) == count
    assert (await talk.ask(2, "resources/templates/list")).json["result"]["resourceTemplates"]
    read = await talk.ask(3, "resources/read", {"uri": "test://text"})
    assert read.json["result"]["contents"][0]["text"] == "hello"
    missing = await talk.ask(4, "resources/read", {"uri": "test://none"})
    assert (missing.json["error"]["code"], missing.json["error"]["data"]["uri"]) == (-32002, "test://none")
    prompt = await talk.ask(5, "prompts/get", {"name": "greet", "arguments": {"name": "x"}})
    assert prompt.json["result"]["messages"]
    params = {"ref": {"type": "ref/prompt", "name": "greet"}, "argument": {"name": "name", "value": "A"}}
    assert (await talk.ask(6, "completion/complete", params)).json["result"]["completion"]["values"] == ["A!"]
    assert running.graph.requests[-1][1] == Complete(params["ref"], params["argument"], server="gateway")
    assert (await talk.ask(7, "ping")).json["result"] == {}


async def test_a_refusal_is_a_tool_result_that_says_what_to_do(running: Running) -> None:
    talk = await running.open()
    reply = await talk.call(1, "refuse", code="rate_limited", retry_after_s=7.0)
    result = reply.json["result"]
    assert (reply.status, result["isError"]) == (200, True)
    assert "refused by the test" in result["content"][0]["text"]
    assert "Retry after 7 s" in result["content"][0]["text"]
    assert result["_meta"]["aura/error"]["code"] == "rate_limited"


@pytest.mark.parametrize("code", ["unavailable", "mailbox_full", "deadline_exceeded", "forbidden", "stopping"])
async def test_no_refusal_of_a_call_is_an_http_error(running: Running, code: str) -> None:
    reply = await (await running.open()).call(1, "refuse", code=code)
    assert (reply.status, reply.json["result"]["isError"]) == (200, True)


async def test_the_graph_gets_who_and_what_and_until_when(running: Running) -> None:
    running.graph.token("t1", Principal("token:ci", roles=("senior",)))
    talk = await running.open(token="t1", elicitation={})
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    meta = {"callId": "c1", "threadId": "t9", "aura/timeout_s": 5, "aura/client": {"name": "codex-mcp-client"}}
    params = {"name": "echo", "arguments": {"text": "x"}, "_meta": meta}
    meta = meta | {"aura/client": {"name": "t", "version": "1", "user_agent": SERVER_SOFTWARE}}
    await talk.ask(1, "tools/call", params, traceparent=trace, Idempotency_Key="header")
    message, header = running.graph.calls[0]
    assert message == CallTool(
        "echo", {"text": "x"}, "gateway", meta, "t9:c1", {"elicitation": {}}, None, None, "2025-11-25"
    )
    assert header.principal == Principal("token:ci", roles=("senior",))
    assert header.trace == trace
    assert 4 < header.remaining_s < 5
    assert header.session
    assert header.session not in talk.headers["Mcp-Session-Id"]


async def test_a_session_remembers_what_its_client_called_itself(running: Running) -> None:
    info = {"name": "n" * 300, "version": "0.169.0"}
    params = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": info}
    opened = await running.post(request(0, "initialize", params), User_Agent="codex-mcp-client/0.169.0")
    talk = Talk(running, {"Mcp-Session-Id": opened.headers["Mcp-Session-Id"]})
    for number in range(2):
        await talk.ask(number, "tools/call", {"name": "echo", "arguments": {"text": "x"}}, User_Agent="other")
    found = [message.meta for message, _ in running.graph.calls]
    said = {"name": "n" * 200, "version": "0.169.0", "user_agent": "codex-mcp-client/0.169.0"}
    assert found == [{"aura/client": said}] * 2


async def test_the_idempotency_header_is_the_key_without_a_call_id(running: Running) -> None:
    talk = await running.open()
    await talk.ask(1, "tools/call", {"name": "echo"}, Idempotency_Key="k" * 300)
    await talk.ask(2, "tools/call", {"name": "echo"}, Idempotency_Key="k1")
    assert [len(running.graph.calls[0][0].key), running.graph.calls[1][0].key] == [64, "k1"]


async def test_only_a_tool_that_may_run_twice_is_retried(running: Running) -> None:
    talk = await running.open()
    await talk.ask(0, "tools/list")
    await talk.call(1, "echo")
    await talk.call(2, "refuse", code="unavailable")
    retries = [how["retry"] for _, message, how in running.graph.requests if isinstance(message, CallTool)]
    assert retries == [True, False]


async def test_a_session_belongs_to_the_credential_that_opened_it(running: Running) -> None:
    running.graph.token("t1", Principal("token:one"))
    running.graph.token("t2", Principal("token:two"))
    mine = await running.open(token="t1")
    session = mine.headers["Mcp-Session-Id"]
    assert (await mine.ask(1, "ping")).status == 200
    for headers in ({}, {"Authorization": "Bearer t2"}):
        for method in ("post", "get", "delete"):
            sent = {"Mcp-Session-Id": session, "Accept": "text/event-stream, application/json", **headers}
            body = request(2, "ping") if method == "post" else None
            async with running.http.request(method, running.url, headers=sent, json=body) as response:
                assert response.status == 404
    assert (await mine.ask(3, "ping")).status == 200


async def test_unknown_and_missing_sessions_are_told_apart(running: Running) -> None:
    unknown = await running.post(request(1, "ping"), Mcp_Session_Id="nope")
    assert (unknown.status, unknown.json["id"]) == (404, 1)
    assert "initialize" in unknown.json["error"]["message"]
    missing = await running.post(request(1, "ping"))
    assert missing.status == 400


async def test_a_session_of_one_virtual_server_is_unknown_on_another(start: Start) -> None:
    running = await start(servers=[{"name": "gateway", "port": 0}, {"name": "ml", "port": 0, "tools": ["echo"]}])
    talk = await running.open()
    async with running.http.post(running.gateway.urls[1], json=request(1, "ping"), headers=talk.headers) as response:
        assert response.status == 404


async def test_sessions_are_bounded_per_principal(start: Start) -> None:
    running = await start(max_sessions_per_principal=2)
    first = await running.open()
    held = await running.open()
    stream = await held.stream()
    await running.open()
    assert (await first.ask(1, "ping")).status == 404
    assert (await held.ask(1, "ping")).status == 200
    stream.close()


async def test_an_unserved_version_header_is_refused_with_those_served(running: Running) -> None:
    talk = await running.open()
    reply = await talk.ask(1, "ping", MCP_Protocol_Version="2031-01-01")
    assert reply.status == 400


async def test_an_item_that_is_not_json_is_dropped_and_the_call_goes_on(running: Running) -> None:
    reply = await (await running.open()).call(1, "count", PROGRESS, broken=True)
    assert reply.json["result"]["content"][0]["text"] == "counted"


async def test_a_changed_role_counts_in_an_open_session(start: Start) -> None:
    running = await start(auth_cache_s=0)
    running.graph.token("t1", Principal("token:one", roles=("senior",)))
    talk = await running.open(token="t1")
    running.graph.token("t1", Principal("token:one", roles=("junior",)))
    await talk.call(1, "echo")
    assert running.graph.calls[0][1].principal == Principal("token:one", roles=("junior",))
