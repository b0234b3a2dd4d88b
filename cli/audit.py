"""`aura audit`: read and check the record."""

from __future__ import annotations

import click

from aura_ia_mcp.cluster.faults import OperatorError
from aura_ia_mcp.cluster.tokens import verify_audit
from aura_ia_mcp.configs.paths import Paths

from .audit_export import export_command
from .audit_read import search_command, show_command, tail_command
from .output import Failure, json_option, print_json, print_table
from .settings import loaded


@click.group()
def audit() -> None:
    r"""Read, search, export and check the audit record.

    The files are read as they are, with or without a running system. docs/audit.md tells what is in them.

    \b
    Examples:
      aura audit tail -f
      aura audit search --outcome refused --since 1d
      aura audit verify
    """


for command in (tail_command, search_command, show_command, export_command):
    audit.add_command(command)


@audit.command()
@json_option
@click.pass_context
def verify(ctx: click.Context, as_json: bool) -> None:
    r"""Check that no record was changed, taken out or put in.

    Each record carries the hash of the one before. Records cut off the very end leave no trace in the chain itself:
    note `records` and `head` elsewhere and compare. Exit status 1 if a chain is broken.

    \b
    Examples:
      aura audit verify
      aura audit verify --json
    """
    current = loaded(ctx).settings
    try:
        verdicts = verify_audit(current)
    except OperatorError as error:
        raise Failure(str(error)) from None
    broken = [verdict for verdict in verdicts if not verdict["intact"]]
    if as_json:
        print_json({"intact": not broken, "chains": verdicts})
    elif not verdicts:
        click.echo(f"No audit records under {Paths.of(current).audit}.")
    else:
        print_table(
            ("Writer", "Records", "Intact", "Head"),
            [(v["writer"], str(v["records"]), "yes" if v["intact"] else "NO", v["head"][:16]) for v in verdicts],
        )
    if broken:
        places = "; ".join(f"{v['writer']} at {v['broken']}: {v['why']}" for v in broken)
        raise Failure(
            f"the record is broken: {places}",
            "Keep the files as they are, and find out who could write them; records before that place still hold.",
        )
