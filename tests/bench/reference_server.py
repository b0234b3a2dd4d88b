"""The reference: the MCP SDK's own Streamable HTTP server on uvicorn, as its documentation shows it.

`python -m tests.bench.reference_server sse|json`: stateful with event streams (its default), or with JSON answers.
Both also answer the 2026 era. Only the log is quieter than by default, which spares it a line per request.
"""

from __future__ import annotations

import asyncio
import socket
import sys

import uvicorn
from mcp.server.mcpserver import MCPServer
from pydantic import BaseModel

from .processes import end_with_input, tell


class Echo(BaseModel):
    """The result of `echo`."""

    text: str


def build() -> MCPServer:
    """A server with the one tool."""
    server = MCPServer("reference", log_level="WARNING")

    @server.tool(name="echo", description="Returns the given text.")
    async def echo(text: str) -> Echo:
        return Echo(text=text)

    return server


async def main(mode: str) -> None:
    """Serve on a free port until the input ends."""
    app = build().streamable_http_app(json_response=mode == "json")
    # With the protocol named, as a socket that uvicorn opens has it: else asyncio leaves Nagle's delay on (40 ms).
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    tell({"port": listener.getsockname()[1], "path": "/mcp"})
    await server.serve(sockets=[listener])


if __name__ == "__main__":
    end_with_input()
    asyncio.run(main(sys.argv[1]))
