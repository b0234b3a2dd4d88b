"""Following approvals: a look now and then, for as long as it takes, through busy times and restarts."""

from __future__ import annotations

import asyncio
from typing import Any

import click

from aura_ia_mcp.gateway.client import Client, ClientError, NotRunningError

from .approval_words import print_change
from .tools import refusal

_MOST = 200
_WITHIN_S = 30.0
_LONGEST_WAIT_S = 300.0

Approval = dict[str, Any]


class _NotNowError(Exception):
    """A look got no answer, and a later one may.

    Args:
        why: for a person.
        wait_s: seconds until the next can succeed, where that is known.
    """

    def __init__(self, why: str, wait_s: float = 0.0) -> None:
        super().__init__(why)
        self.wait_s = wait_s


async def follow(client: Client, every_s: float, *, as_json: bool) -> None:
    """Print what waits now, then each change, until cancelled; trouble that passes is told once and waited out.

    Args:
        client: of the running system. Each look is a call of it.
        every_s: seconds between looks.
        as_json: print one JSON object a line.

    Raises:
        Failure: it was refused for good.
        ClientError: likewise, or (`NotRunningError`) nobody answered the first look.
    """
    seen: dict[str, Approval] | None = None
    waiting = False
    while True:
        wait_s = every_s
        try:
            rows = await _look(client, first=seen is None and not waiting)
        except _NotNowError as trouble:
            wait_s = min(max(every_s, trouble.wait_s), _LONGEST_WAIT_S)
            if not waiting:
                click.echo(f"aura: {str(trouble).rstrip('.')}. Still watching.", err=True)
            waiting = True
        else:
            _tell(rows, seen, as_json=as_json)
            seen, waiting = {row["approval_id"]: row for row in rows}, False
        await asyncio.sleep(wait_s)


async def _look(client: Client, *, first: bool) -> list[Approval]:
    try:
        result = await client.call_tool("list_approvals", {"limit": _MOST}, timeout_s=_WITHIN_S)
    except NotRunningError as error:
        if first:
            raise  # more likely the wrong place than a restart
        raise _NotNowError(str(error)) from error
    except ClientError as error:
        silent = not error.failure and not error.status  # no answer, or half of one
        if silent or error.failure.get("retryable"):
            raise _NotNowError(str(error), _wait_of(error.failure)) from error
        raise
    if result.get("isError"):
        failure = (result.get("_meta") or {}).get("aura/error") or {}
        if failure.get("retryable"):
            raise _NotNowError(str(failure.get("message")), _wait_of(failure))
        raise refusal(result)
    rows: list[Approval] = result["structuredContent"]["approvals"]
    return rows


def _wait_of(failure: dict[str, Any]) -> float:
    return float(failure.get("retry_after_s") or 0.0)


def _tell(rows: list[Approval], seen: dict[str, Approval] | None, *, as_json: bool) -> None:
    """Print what changed since the last look; at the first, what is pending."""
    for row in reversed(rows):
        before = None if seen is None else seen.get(row["approval_id"])
        if row != before and (seen is not None or row["status"] == "pending"):
            print_change(row, as_json=as_json)
