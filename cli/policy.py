"""`aura policy`: check a policy, show its rules, and see what they make of a call."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from aura_ia_mcp.cluster.faults import OperatorError, PolicyFault
from aura_ia_mcp.cluster.policy import GUEST, Caller, check_policy, explain_policy, show_policy
from aura_ia_mcp.cluster.tokens import KINDS

from .output import Failure, json_option, print_json, print_table
from .replay import replay_command, what_if_command
from .settings import loaded

_MOST_TRUST = 5
_EFFECTS = {
    "allow": "runs",
    "confirm": "runs once the client's own user has confirmed it",
    "approve": "needs somebody's approval",
    "deny": "is refused",
}
file_option = click.option("--file", type=click.Path(path_type=Path), help="Another policy than the one in force here.")


@click.group()
def policy() -> None:
    r"""Check a policy, show its rules, and see what they make of calls, past ones too. No running system is needed.

    \b
    Examples:
      aura policy check configs/policy.yaml
      aura policy show
      aura policy explain embed_text --as ci
      aura policy replay
    """


policy.add_command(replay_command)
policy.add_command(what_if_command)


@policy.command()
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def check(file: Path, as_json: bool) -> None:
    r"""Say whether FILE is a policy, and if not, at which line and column it fails. Exit status 1 if it isn't.

    \b
    Example:
      aura policy check configs/policy.yaml
    """
    try:
        found = check_policy(file)
    except PolicyFault as error:
        if as_json:
            place = {"line": error.line, "column": error.column}
            print_json({"file": str(file), "ok": False, "message": error.message} | place)
        else:
            click.echo(str(error))
        raise click.exceptions.Exit(1) from None
    except OperatorError as error:
        raise Failure(str(error)) from None
    if as_json:
        print_json({"ok": True, **found})
        return
    for warning in found["warnings"]:
        click.echo(f"{file}: warning: {warning}", err=True)
    click.echo(f"{file}: in order; {found['rules']} rules, version {found['version']}")


@policy.command()
@click.argument("tool", required=False)
@file_option
@json_option
@click.pass_context
def show(ctx: click.Context, tool: str | None, file: Path | None, as_json: bool) -> None:
    r"""Show the rules of the policy, or those that could be about TOOL.

    \b
    Examples:
      aura policy show
      aura policy show execute_command
    """
    try:
        found = show_policy(loaded(ctx).settings, tool, file)
    except OperatorError as error:
        raise Failure(str(error)) from None
    if as_json:
        print_json(found)
        return
    rows = [(rule["id"], rule["says"], rule["about"]) for rule in found["rules"]]
    print_table(("Rule", "Says", "When"), rows, f"Policy {found['version']} ({found['file']})")
    click.echo("What no rule allows is denied. `aura policy explain TOOL` shows the built-in rules, too.", err=True)


@policy.command()
@click.argument("tool")
@click.option("--as", "name", default=GUEST, show_default=True, help="Who calls: a token's name, operator or guest.")
@click.option("--role", "roles", multiple=True, help="With this role instead of the token's; may be repeated.")
@click.option("--kind", type=click.Choice(KINDS), help="Instead of the token's.")
@click.option("--tenant", help="Instead of the token's.")
@click.option("--trust", type=click.FloatRange(0, _MOST_TRUST), help="Instead of that of the roles.")
@click.option("--args", "arguments", default="{}", metavar="JSON", help="The call's arguments.")
@click.option("--at", type=click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%d"]), help="When, in UTC; now unless given.")
@click.option("--all", "everything", is_flag=True, help="Rules about other tools or callers, too.")
@file_option
@json_option
@click.pass_context
def explain(
    ctx: click.Context,
    tool: str,
    name: str,
    roles: tuple[str, ...],
    kind: str | None,
    tenant: str | None,
    trust: float | None,
    arguments: str,
    at: datetime | None,
    everything: bool,
    file: Path | None,
    as_json: bool,
) -> None:
    r"""Say what would become of a call of TOOL, and each rule's part in it.

    Inspection of the arguments, the risk score and safe mode are left out: they belong to a running system.

    \b
    Examples:
      aura policy explain embed_text
      aura policy explain execute_command --as operator
      aura policy explain embed_text --role guest --kind human --at 2026-03-02T20:00
    """
    given = _object(arguments)
    caller = Caller(name, roles or None, kind, tenant, trust)
    now = None if at is None else at.replace(tzinfo=UTC).timestamp()
    try:
        found = explain_policy(loaded(ctx).settings, tool, caller, arguments=given, file=file, now=now)
    except OperatorError as error:
        raise Failure(str(error)) from None
    if as_json:
        print_json(found)
    else:
        _tell(found, everything=everything, given=bool(given))


def _tell(found: dict[str, Any], *, everything: bool, given: bool) -> None:
    verdict, caller = found["verdict"], found["caller"]
    click.echo(
        f"{found['tool']} called by {caller['id']} ({caller['kind']}, roles {', '.join(caller['roles']) or 'none'},"
        f" trust {caller['trust']:g}) {_EFFECTS[verdict['effect']]}."
    )
    click.echo(f"  Rule    {verdict['rule']}: {verdict['reason']}")
    if verdict["remedy"]:
        click.echo(f"  Remedy  {verdict['remedy']}")
    if verdict["hidden"]:
        click.echo("  Hidden  the caller is told that there is no such tool")
    for label, member in (("Rates ", "rates"), ("Redact", "redact")):
        if verdict[member]:
            click.echo(f"  {label}  {', '.join(verdict[member])}")
    if verdict["approvers"] > 1:
        click.echo(f"  Agree   {verdict['approvers']} different approvers")
    if found["starts"] and verdict["sandbox"] != "full":
        click.echo(f"  Sandbox {verdict['sandbox']} at most")
    for note in verdict["notes"]:
        click.echo(f"  Note    {note}")
    if verdict["read_arguments"] and not given:
        click.echo("  Note    a condition looks at the arguments; give them with --args")
    shown = [each for each in found["rules"] if everything or each["concerns"]]
    rows = [(each["rule"] + "*" * each["built_in"], each["says"], _match(each), each["why"]) for each in shown]
    click.echo()
    print_table(("Rule", "Says", "Matches", "Why"), sorted(rows, key=lambda row: row[2] != "yes"))
    left = len(found["rules"]) - len(shown)
    more = f" {left} more about other tools or callers: --all." if left else ""
    click.echo(f"* is built in. Policy {found['version']} ({found['file']}).{more}", err=True)


def _match(each: dict[str, Any]) -> str:
    return "yes" if each["matched"] else "no" if each["built_in"] else "no, only if"


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise click.UsageError(f"--args is not JSON: {error}. Quote it for the shell with '…'.") from None
    if not isinstance(value, dict):
        raise click.UsageError('--args must be a JSON object, as in --args \'{"text": "hello"}\'.')
    return value
