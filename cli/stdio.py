"""`aura stdio`: MCP over standard input and output."""

from __future__ import annotations

import logging
import sys

import click

from aura_ia_mcp.cluster.stdio import serve_stdio

from .settings import loaded


@click.command()
@click.pass_context
def stdio(ctx: click.Context) -> None:
    r"""Speak MCP over stdin and stdout, for clients that start their servers themselves.

    A thin client of the system that runs in this folder (or at AURA_BACKEND_URL). If none runs one is started, and
    ends with its last client. Standard output carries the protocol only. AURA_TOKEN says who calls; else a guest.
    State and logs lie in the folder where this runs, so `cwd` decides which system that is.

    \b
    Example, in Codex's config.toml:
      [mcp_servers.aura_local]
      command = "aura"
      args = ["stdio"]
      cwd = "/path/to/aura-ia-mcp"
    """
    current = loaded(ctx)
    level = current.settings.system.log_level
    logging.basicConfig(level=level, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    ctx.exit(serve_stdio(current.settings, origins=current.sources, backend_url=current.backend_url))
