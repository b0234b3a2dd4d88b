"""The floor: an aiohttp handler that reads a JSON body and answers with JSON of the same form. Nothing is governed."""

from __future__ import annotations

import asyncio
import json
import socket

import uvloop
from aiohttp import web

from .processes import end_with_input, tell


async def echo(request: web.Request) -> web.Response:
    """Answer `tools/call` of `echo` without looking at anything else."""
    message = await request.json()
    text = message["params"]["arguments"]["text"]
    result = {"content": [{"type": "text", "text": text}], "structuredContent": {"text": text}, "isError": False}
    answer = {"jsonrpc": "2.0", "id": message["id"], "result": result}
    return web.Response(body=json.dumps(answer).encode(), content_type="application/json")


async def main() -> None:
    """Serve on a free port until the input ends."""
    app = web.Application()
    app.router.add_post("/mcp", echo)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    listener = socket.create_server(("127.0.0.1", 0))
    await web.SockSite(runner, listener).start()
    tell({"port": listener.getsockname()[1], "path": "/mcp"})
    await asyncio.Event().wait()


if __name__ == "__main__":
    end_with_input()
    uvloop.run(main())
