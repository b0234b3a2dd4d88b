"""Tools, resources and prompts that the tests of governed calls look into."""

from __future__ import annotations

import asyncio

from aura_ia_mcp.actors.sources import Offer, RpcError, ToolCall
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import (
    JSON,
)

from ..graph import Scripted, define, text_result

TOKEN = "aura_" + "x" * 43


class Fixtures(Scripted):
    """Tools that tests look into."""

    def __init__(self) -> None:
        super().__init__(
            count=self._count,
            write=self._count,
            hidden=self._count,
            locked=self._count,
            slow=self._slow,
            leak=self._leak,
            fail=self._fail,
            blurt=self._blurt,
            blurt_once=self._blurt,
            explain=self._explain,
            talk=self._talk,
            question=self._question,
        )
        self.definitions["write"] = define("write", read_only=False, idempotent=False)
        self.definitions["blurt_once"] = define("blurt_once", read_only=False, idempotent=False)
        self.definitions["hidden"] = define("hidden", exposed=False)
        self.definitions["locked"] = define("locked", capability="read_logs")
        self.definitions["slow"] = define("slow", timeout_s=0.2, concurrency=1)
        self.runs = 0
        self.cancelled = 0
        self.go = asyncio.Event()
        self.go.set()
        self.entered = asyncio.Event()

    async def _count(self, arguments: JSON, call: ToolCall) -> JSON:
        self.runs += 1
        self.entered.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return text_result(f"run {self.runs}")

    async def _slow(self, arguments: JSON, call: ToolCall) -> JSON:
        self.entered.set()
        await asyncio.Event().wait()
        return {}

    async def _leak(self, arguments: JSON, call: ToolCall) -> JSON:
        await call.log("info", f"token {TOKEN}")
        return {"content": [{"type": "text", "text": TOKEN}], "structuredContent": {"password": "hunter2"}}

    async def _fail(self, arguments: JSON, call: ToolCall) -> JSON:
        raise ValueError(f"no such thing as {arguments.get('what')}")

    async def _blurt(self, arguments: JSON, call: ToolCall) -> JSON:
        self.runs += 1
        if "table" in arguments:
            raise AuraError("unavailable", f"no connection with {TOKEN}", recovery=f"Renew {TOKEN}.")
        raise ValueError(f"{arguments.get('before', '')}refused: {TOKEN}")

    async def _explain(self, arguments: JSON, call: ToolCall) -> JSON:
        raise RpcError(-32021, "needs sampling", {"requiredCapabilities": {"sampling": {}}})

    async def _talk(self, arguments: JSON, call: ToolCall) -> JSON:
        for step in range(3):
            await call.progress(step, 2, f"step {step}")
        return text_result("done")

    async def _question(self, arguments: JSON, call: ToolCall) -> JSON:
        answer = await call.ask("elicitation/create", {"message": "name?"})
        return text_result(str(answer["content"]["name"]))

    def resources(self) -> list[Offer]:
        return [
            Offer({"uri": "test://one", "name": "one"}),
            Offer({"uri": "test://log", "name": "log"}, "read_logs"),
        ]

    def resource_templates(self) -> list[Offer]:
        return [Offer({"uriTemplate": "test://t/{id}/data", "name": "t"})]

    async def read(self, uri: str, call: ToolCall) -> JSON | None:
        if not uri.startswith("test://"):
            return None
        return {"contents": [{"uri": uri, "text": f"of {uri} {TOKEN}"}]}

    def prompts(self) -> list[Offer]:
        return [Offer({"name": "p", "arguments": [{"name": "a"}]})]

    async def get_prompt(self, name: str, arguments: JSON, call: ToolCall) -> JSON:
        return {"messages": [{"role": "user", "content": {"type": "text", "text": arguments["a"]}}]}

    async def complete(self, ref: JSON, argument: JSON, context: JSON, call: ToolCall) -> JSON | None:
        return {"completion": {"values": [argument["value"] + "!"]}}
