"""`aura explain`: tell why a call was decided as it was."""

from __future__ import annotations

from typing import Any

import click

from aura_ia_mcp.cluster.audit_read import stamp
from aura_ia_mcp.cluster.explain import explain_record
from aura_ia_mcp.cluster.faults import OperatorError

from .output import Failure, json_option, plain, print_json, print_table
from .settings import loaded


@click.command()
@click.argument("audit_id")
@json_option
@click.pass_context
def explain(ctx: click.Context, audit_id: str, as_json: bool) -> None:
    r"""Tell why the call of record AUDIT_ID was allowed, held or refused, layer by layer.

    The id is the `aura/audit_id` of a result or refusal; a receipt will do. Records of approvals are explained, too.

    \b
    Examples:
      aura explain safety-0:17
      aura explain safety-0:17 --json
    """
    try:
        found = explain_record(loaded(ctx).settings, audit_id)
    except OperatorError as error:
        raise Failure(plain(str(error))) from None
    if as_json:
        print_json(found)
    else:
        _tell(found)


def _tell(found: dict[str, Any]) -> None:
    asked, versions = found["asked"], found["versions"]
    click.echo(plain(f"{found['audit_id']}, {stamp(found['at'])}"))
    click.echo(plain(found["summary"]))
    roles = ", ".join(asked["roles"]) or "none"
    through = f" through {asked['server']}" if asked["server"] else ""
    click.echo()
    click.echo(plain(f"Asked by {asked['principal']} ({asked['kind']}, roles {roles}): {asked['what']}{through}."))
    rows = [(each["layer"], each["part"], plain(each["verdict"]), plain(each["why"])) for each in found["steps"]]
    print_table(("Layer", "Part", "Verdict", "Why"), rows)
    if found["rules"]:
        matched = [(each["rule"] + "*" * each["decided"], each["says"], plain(each["why"])) for each in found["rules"]]
        print_table(("Rule", "Says", "About"), matched, "Rules that matched; * decided")
    if found["remedy"]:
        click.echo(plain(f"To be allowed: {found['remedy']}"))
    for each in found["related"]:
        click.echo(plain(f"See {each['audit_id']} ({each['kind']}): {each['relation']}."))
    if found["cut"]:
        click.echo(f"There may be more: {found['cut']}.", err=True)
    named = ", ".join(f"{name} {str(value)[:16]}" for name, value in versions.items() if value != "")
    click.echo(plain(f"Versions: {named}. Hash of all inputs: {found['inputs']['all'][:16]}."), err=True)
