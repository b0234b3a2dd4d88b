"""`aura token`: make, list and revoke bearer tokens."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from aura_ia_mcp.cluster.faults import OperatorError
from aura_ia_mcp.cluster.tokens import KINDS, create_token, list_tokens, revoke_token

from .moment import Duration
from .output import Failure, json_option, print_json, print_table
from .settings import loaded


@click.group()
def token() -> None:
    r"""Make, list and revoke the bearer tokens by which clients say who they are.

    \b
    Examples:
      aura token create ci --role agent --ttl 30d
      aura token list
      aura token revoke ci
    """


@token.command()
@click.argument("name")
@click.option("--role", "roles", multiple=True, required=True, help="What its holder may do; may be repeated.")
@click.option("--ttl", type=Duration(), default="30d", show_default=True, help="90m, 12h, 30d or never.")
@click.option("--kind", type=click.Choice(KINDS), default="agent", show_default=True)
@click.option("--tenant", default="local", show_default=True, help="Whose data it may see.")
@json_option
@click.pass_context
def create(
    ctx: click.Context, name: str, roles: tuple[str, ...], ttl: float | None, kind: str, tenant: str, as_json: bool
) -> None:
    r"""Make a token and show it, once: only its digest is kept.

    \b
    Examples:
      aura token create ci --role agent
      aura token create laptop --role operator --kind human --ttl never
    """
    try:
        text, record = create_token(loaded(ctx).settings, name, roles, ttl_s=ttl, kind=kind, tenant=tenant)
    except OperatorError as error:
        raise Failure(str(error)) from None
    if as_json:
        print_json({"value": text, **record})
        return
    click.echo(text)
    click.echo(
        f"Made for {name} ({kind}, {', '.join(roles)}), valid until {_when(record['expires_at'])}. "
        "It isn't shown again.\n"
        "Give it to a client as `Authorization: Bearer TOKEN`, or to this command as AURA_TOKEN.",
        err=True,
    )


@token.command("list")
@json_option
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    r"""List the tokens, revoked and expired ones too.

    \b
    Examples:
      aura token list
      aura token list --json
    """
    try:
        records = list_tokens(loaded(ctx).settings)
    except OperatorError as error:
        raise Failure(str(error)) from None
    if as_json:
        print_json({"tokens": records})
    elif not records:
        click.echo("No tokens yet. Make one: aura token create NAME --role agent")
    else:
        print_table(
            ("Name", "State", "Kind", "Roles", "Tenant", "Made", "Expires"),
            [
                (
                    r["name"],
                    r["state"],
                    r["kind"],
                    ", ".join(r["roles"]),
                    r["tenant"],
                    _when(r["created_at"]),
                    _when(r["expires_at"]),
                )
                for r in records
            ],
        )


@token.command()
@click.argument("name")
@json_option
@click.pass_context
def revoke(ctx: click.Context, name: str, as_json: bool) -> None:
    r"""End a token. A running system refuses it within `gateway.auth_cache_s`.

    \b
    Example:
      aura token revoke ci
    """
    current = loaded(ctx).settings
    try:
        record = revoke_token(current, name)
    except OperatorError as error:
        raise Failure(str(error)) from None
    if as_json:
        print_json(record)
    else:
        click.echo(f"Revoked {name}. A running system refuses it within {current.gateway.auth_cache_s:g} s.")


def _when(unix_s: float | None) -> str:
    return "never" if unix_s is None else datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%d %H:%M UTC")
