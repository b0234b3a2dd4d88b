"""`aura approvals`: what waits for somebody's agreement, and saying yes or no to it."""

from __future__ import annotations

from typing import Any

import click

from aura_ia_mcp.gateway.client import Client

from .approval_watch import follow
from .approval_words import cut, next_step, standing, tell, what
from .backend import ask
from .output import Failure, json_option, print_json, print_table
from .settings import loaded
from .tools import refusal

_STATUSES = ("pending", "approved", "denied", "expired", "used")
_MOST = 200
_ID_CHARS = 16
_WITHIN_S = 30.0

Approval = dict[str, Any]


@click.group()
def approvals() -> None:
    r"""List, show and decide what waits for somebody's agreement. Ids may be shortened while they stay unambiguous.

    \b
    Examples:
      aura approvals list --status pending
      aura approvals show 3f9a
      aura approvals approve 3f9a
      aura approvals deny 3f9a --reason "not on a Friday"
      aura approvals watch
    """


@approvals.command("list")
@click.option("--status", type=click.Choice(_STATUSES), help="Only these.")
@click.option("--limit", type=click.IntRange(1, _MOST), default=50, show_default=True, help="How many at most.")
@json_option
@click.pass_context
def list_(ctx: click.Context, status: str | None, limit: int, as_json: bool) -> None:
    r"""List approvals, the last changed first.

    \b
    Examples:
      aura approvals list
      aura approvals list --status pending --json
    """
    given = {"limit": limit} | ({"status": status} if status else {})

    async def work(client: Client) -> Approval:
        return await _call(client, "list_approvals", given)

    found = ask(loaded(ctx), work)
    if as_json:
        print_json(found)
        return
    rows = [
        (row["approval_id"], standing(row), what(row), row["by"], row["risk"], cut(row["reason"]))
        for row in found["approvals"]
    ]
    if not rows:
        click.echo("Nothing waits." if status in (None, "pending") else f"Nothing is {status}.", err=True)
        return
    print_table(("Approval", "Status", "What", "Asked by", "Risk", "Why"), rows)
    more = " There are more: --limit." if found["more"] else ""
    click.echo(f"`aura approvals show ID` tells all of one.{more}", err=True)


@approvals.command()
@click.argument("approval_id", metavar="ID")
@json_option
@click.pass_context
def show(ctx: click.Context, approval_id: str, as_json: bool) -> None:
    r"""Show what will run, why it was held, its risk, and by when to decide.

    \b
    Example:
      aura approvals show 3f9a
    """

    async def work(client: Client) -> Approval:
        return await _call(client, "get_approval", {"approval_id": await _whole(client, approval_id)})

    found = ask(loaded(ctx), work)
    if as_json:
        print_json(found)
    else:
        tell(found)


@approvals.command()
@click.argument("approval_id", metavar="ID")
@click.option("--reason", default="", help="Why, for the record.")
@json_option
@click.pass_context
def approve(ctx: click.Context, approval_id: str, reason: str, as_json: bool) -> None:
    r"""Agree to it. Nobody agrees to what they asked for.

    \b
    Example:
      aura approvals approve 3f9a
    """
    _decide(ctx, approval_id, "approve", reason, as_json=as_json)


@approvals.command()
@click.argument("approval_id", metavar="ID")
@click.option("--reason", required=True, help="Why; whoever asked is told.")
@json_option
@click.pass_context
def deny(ctx: click.Context, approval_id: str, reason: str, as_json: bool) -> None:
    r"""Say no. The same call stays refused, with the reason, until the approval would have expired.

    \b
    Example:
      aura approvals deny 3f9a --reason "not on a Friday"
    """
    _decide(ctx, approval_id, "deny", reason, as_json=as_json)


@approvals.command()
@click.option("--every", type=click.FloatRange(1, 3600), default=5.0, show_default=True, help="Seconds between looks.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@click.pass_context
def watch(ctx: click.Context, every: float, as_json: bool) -> None:
    r"""Follow: a line for what waits now, and for each change, until Ctrl-C.

    Each look is a call of list_approvals: it counts against your own rate limit and leaves a record in the audit. While
    the limit is used up, or the system is away, it says so and waits.

    \b
    Examples:
      aura approvals watch
      aura approvals watch --every 30 --json
    """

    async def work(client: Client) -> None:
        await follow(client, every, as_json=as_json)

    try:
        ask(loaded(ctx), work)
    except KeyboardInterrupt:
        return


def _decide(ctx: click.Context, approval_id: str, decision: str, reason: str, *, as_json: bool) -> None:
    async def work(client: Client) -> Approval:
        given = {"approval_id": await _whole(client, approval_id), "decision": decision}
        return await _call(client, "decide_approval", given | ({"reason": reason} if reason else {}))

    found = ask(loaded(ctx), work)
    if as_json:
        print_json(found)
    else:
        click.echo(next_step(found))


async def _call(client: Client, tool: str, arguments: dict[str, Any]) -> Approval:
    """A tool's structured result.

    Raises:
        Failure: it was refused.
    """
    result = await client.call_tool(tool, arguments, timeout_s=_WITHIN_S)
    if result.get("isError"):
        raise refusal(result)
    found: Approval = result["structuredContent"]
    return found


async def _whole(client: Client, prefix: str) -> str:
    """The id that begins so.

    Raises:
        Failure: none does, or several do.
    """
    if len(prefix) >= _ID_CHARS:
        return prefix
    rows = (await _call(client, "list_approvals", {"limit": _MOST}))["approvals"]
    found = [row for row in rows if prefix and row["approval_id"].startswith(prefix.lower())]
    if len(found) == 1:
        whole: str = found[0]["approval_id"]
        return whole
    if not found:
        raise Failure(
            f"no approval begins with {prefix!r}.", "`aura approvals list` shows them; old ones need all of it."
        )
    several = "; ".join(f"{row['approval_id']} ({what(row)}, {row['status']})" for row in found[:5])
    raise Failure(f"{len(found)} approvals begin with {prefix!r}: {several}.", "Write more of the id.")
