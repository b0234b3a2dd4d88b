"""The way from a command to the running system."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from aura_ia_mcp.configs.load import Loaded
from aura_ia_mcp.configs.paths import Paths
from aura_ia_mcp.gateway.client import Client, ClientError, NotRunningError

from .output import Failure

_T = TypeVar("_T")


def ask(loaded: Loaded, work: Callable[[Client], Awaitable[_T]]) -> _T:
    """Run `work` with a client of the running system.

    That is the one at `AURA_BACKEND_URL`, else the one of this state folder. The token is `AURA_TOKEN`; without it this
    state folder's own system is asked as its operator, and a URL as a guest: the operator's token never leaves here.

    Raises:
        Failure: nobody answers, or it refused.
    """
    paths = Paths.of(loaded.settings)
    target: str | Path = loaded.backend_url or paths.ingress
    token = os.environ.get("AURA_TOKEN") or (None if loaded.backend_url else _operator_token(paths))

    async def run() -> _T:
        async with Client(target, token, name="aura-cli") as client:
            return await work(client)

    try:
        return asyncio.run(run())
    except NotRunningError:
        where = loaded.backend_url or f"for the state folder {paths.state}"
        remedy = "Start one with `aura serve`, or `make serve` in a fresh clone."
        if not loaded.backend_url and not loaded.settings.system.state_dir.is_absolute():
            remedy += " If one runs, go to the folder where it was started: that is where its state lies."
        raise Failure(f"no Aura system answers {where}.", remedy) from None
    except ClientError as error:
        remedy = str(error.failure.get("recovery") or "")
        message = str(error).removesuffix(f". {remedy}").rstrip(".") + "."
        raise Failure(message, remedy, code=str(error.failure.get("code") or "")) from None


def _operator_token(paths: Paths) -> str | None:
    try:
        return paths.operator_token.read_text("ascii").strip() or None
    except (OSError, UnicodeDecodeError):
        return None
