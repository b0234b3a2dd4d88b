"""A local model for Codex that thinks nothing: a server of the Responses API that plays the script in the prompt.

It keeps no state about a conversation. The prompt holds the script, one JSON list between two marks, and the number
of tool outputs in the request's `input` says which step is due:

- `{"call": "semantic_rank", "server": "aura_gateway", "arguments": {...}}` calls an MCP tool,
- `{"say": "The best is {0}", "from": [[0, "ranked", 0, "candidate"]]}` ends the turn with a message; each path begins
  with the number of a tool output, so what is said is computed from what the tools really answered.

It speaks to Codex 0.169 and 0.153 (tools in namespaces) and 0.66 (flat names), as the request lists them.
"""

from __future__ import annotations

import json
from collections import deque
from types import TracebackType
from typing import Any, Self

from aiohttp import web

JSON = dict[str, Any]
_BEGIN, _END = "<script>", "</script>"
_USAGE: JSON = {
    "input_tokens": 1,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 1,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 2,
}


def scripted(*steps: JSON) -> str:
    """A prompt that carries these steps."""
    return f"Play this script: {_BEGIN}{json.dumps(list(steps))}{_END}"


class ScriptedModel:
    """The server, on a free port of 127.0.0.1 between `async with` and its end.

    Attributes:
        requests: the newest 100 request bodies, as Codex sent them.
    """

    def __init__(self) -> None:
        self.requests: deque[JSON] = deque(maxlen=100)
        app = web.Application(client_max_size=16 * 1024 * 1024)
        app.router.add_post("/v1/responses", self._respond)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)

    @property
    def url(self) -> str:
        """What Codex calls `base_url`."""
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}/v1"

    def config(self) -> str:
        """The lines of Codex's config.toml that make this its model; they come before any table."""
        return (
            'model = "scripted"\nmodel_provider = "scripted"\n'
            "check_for_update_on_startup = false\n"
            '[model_providers.scripted]\nname = "scripted"\nwire_api = "responses"\n'
            f'base_url = "{self.url}"\nrequest_max_retries = 0\nstream_max_retries = 0\n'
        )

    async def __aenter__(self) -> Self:
        """Listen."""
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the port."""
        await self._runner.cleanup()

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.requests.append(body)
        item = _due(body)
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        for event in (
            {"type": "response.created", "response": {"id": "r"}},
            {"type": "response.output_item.done", "item": item},
            {"type": "response.completed", "response": {"id": "r", "usage": _USAGE}},
        ):
            await stream.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
        await stream.write_eof()
        return stream


def _due(body: JSON) -> JSON:
    """The output item of the step that is due."""
    steps, outputs = _script(body["input"]), _outputs(body["input"])
    if len(outputs) >= len(steps):
        return _message("The script is over.")
    step = steps[len(outputs)]
    if "call" in step:
        return _call(step, body.get("tools", []), len(outputs))
    return _message(step["say"].format(*(_at(outputs, path) for path in step.get("from", ()))))


def _script(items: list[JSON]) -> list[JSON]:
    """The newest script among the user's messages; without one, the model has nothing to say."""
    for item in reversed(items):
        if item.get("type") == "message" and item.get("role") == "user":
            said = "".join(part.get("text", "") for part in item["content"])
            if _BEGIN in said:
                found: list[JSON] = json.loads(said.split(_BEGIN, 1)[1].split(_END, 1)[0])
                return found
    return []


def _outputs(items: list[JSON]) -> list[Any]:
    return [_output(item["output"]) for item in items if item.get("type") == "function_call_output"]


def _output(output: Any) -> Any:
    """The JSON value in a tool's output, or its text; Codex puts a line about the time before it."""
    if isinstance(output, list):
        output = "".join(part.get("text", "") for part in output)
    start = output.find("{")
    if start < 0:
        return output
    try:
        return json.JSONDecoder().raw_decode(output, start)[0]
    except ValueError:
        return output


def _at(value: Any, path: list[Any]) -> Any:
    for step in path:
        value = value[step]
    return value


def _call(step: JSON, tools: list[JSON], number: int) -> JSON:
    namespace, arguments = f"mcp__{step['server']}", json.dumps(step["arguments"])
    call: JSON = {"type": "function_call", "call_id": f"call-{number}", "arguments": arguments}
    if any(tool.get("type") == "namespace" and tool.get("name") == namespace for tool in tools):
        return call | {"name": step["call"], "namespace": namespace}
    return call | {"name": f"{namespace}__{step['call']}"}


def _message(said: str) -> JSON:
    content = [{"type": "output_text", "text": said, "annotations": []}]
    return {"type": "message", "role": "assistant", "id": "m", "content": content}
