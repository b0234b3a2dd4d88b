"""`aura audit`: check the record."""

from __future__ import annotations

import click

from aura_ia_mcp.cluster.faults import OperatorError
from aura_ia_mcp.cluster.tokens import verify_audit
from aura_ia_mcp.configs.paths import Paths

from .output import Failure, json_option, print_json, print_table
from .settings import loaded


@click.group()
def audit() -> None:
    r"""Check the audit record.

    \b
    Example:
      aura audit verify
    """


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
