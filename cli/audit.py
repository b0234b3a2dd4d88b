"""`aura audit`: read and check the record."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import Any

import click

from aura_ia_mcp.cluster.audit import redact_record, verify_audit
from aura_ia_mcp.cluster.audit_read import checked_receipt
from aura_ia_mcp.cluster.faults import OperatorError
from aura_ia_mcp.configs.paths import Paths

from .audit_export import export_command
from .audit_read import search_command, show_command, tail_command
from .moment import Moment
from .output import Failure, json_option, print_json, print_table
from .progress import reading
from .settings import loaded

_FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)
_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)


def _receipt(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    try:
        return value if value is None else checked_receipt(value)
    except OperatorError as error:
        raise click.BadParameter(f"{error}.") from None


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
@click.argument("folder", metavar="[DIR]", required=False, type=_FOLDER)
@click.option("--since", type=Moment(), metavar="TIME", help="Only what was sealed since: 2h, 7d, 2026-01-31.")
@click.option(
    "--receipt",
    metavar="R",
    callback=_receipt,
    help="Also say whether the record of this receipt is there, and prove it.",
)
@click.option("--key", type=_FILE, metavar="FILE", help="The public key (PEM).")
@json_option
@click.pass_context
def verify(
    ctx: click.Context, folder: Path | None, since: float | None, receipt: str | None, key: Path | None, as_json: bool
) -> None:
    r"""Check that no record was changed, taken out, put in, moved or cut off.

    Needs the files in DIR (logs/audit by default) and the public key: the one beside them, or better a copy that you
    keep elsewhere (--key). Exit status 1, and the first record that doesn't hold, if something is wrong; 1 also for a
    receipt that can't be confirmed, since retention removed its record.

    Without DIR it also holds them against what this system knows in .aura: its key, and how many epochs it wrote.
    A DIR without records is a fault. One without epochs and key is told as such: only its chains were checked.

    \b
    Examples:
      aura audit verify
      aura audit verify --since 7d
      aura audit verify /backup/audit --key audit.pem
      aura audit verify --receipt safety-0:17:1f0c...
    """
    own = None
    if folder is None:
        own = Paths.of(loaded(ctx).settings)
        folder = own.audit
    sizes = [path.stat().st_size for path in folder.glob("*/*.jsonl")] if folder.is_dir() else []
    try:
        with reading(sum(sizes)) as progress:
            found = verify_audit(folder, key=key, since=since, receipt=receipt, progress=progress, own=own)
    except OperatorError as error:
        raise Failure(str(error)) from None
    if as_json:
        print_json(found)
    elif not found["chains"] and found["intact"]:
        click.echo(f"No audit records under {folder}.")
    else:
        _print(found)
    _pass(found, told=as_json)


@audit.command()
@click.argument("audit_id", metavar="ID")
@click.option("--reason", required=True, help="Why; it is signed and kept for good.")
@json_option
@click.pass_context
def redact(ctx: click.Context, audit_id: str, reason: str, as_json: bool) -> None:
    r"""Take away the text of a record for good; its hash stays, so that the rest still verifies.

    Works with and without a running system, in the two readable views, too.

    \b
    Example:
      aura audit redact safety-0:17 --reason "a customer's address, request 4711"
    """
    if not reason.strip():
        raise click.UsageError("--reason is empty; say why, for it is signed and kept for good.")
    by = pwd.getpwuid(os.getuid()).pw_name
    try:
        done = redact_record(loaded(ctx).settings, audit_id, reason=reason, by=by)
    except OperatorError as error:
        raise Failure(str(error)) from None
    if as_json:
        print_json(done)
    elif done["epoch"] is None:
        click.echo(f"{audit_id} had been redacted before; its text is gone.")
    else:
        click.echo(f"{audit_id} is redacted; entry {done['epoch']} of the signed epochs says so.")


def _pass(found: dict[str, Any], *, told: bool) -> None:
    """Let a verdict pass in which everything holds, the receipt too; `told` as `Failure` has it.

    Raises:
        Failure: something doesn't, or nobody can tell of the receipt any more.
    """
    if faults := found["faults"]:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise Failure(
            f"the record is broken: {faults[0]['text']}{more}",
            "Keep the files as they are, and find out who could write them; records before that place still hold.",
            told=told,
        )
    if (receipt := found["receipt"]) and receipt["state"] == "unconfirmed":
        raise Failure(
            f"the receipt can't be confirmed: retention removed record {receipt['record']}, and with it what the hash "
            "could be held against; what is kept of the chain, before and after it, holds.",
            "A copy that still has the record can tell: aura audit verify DIR --receipt R.",
            told=told,
        )


def _print(found: dict[str, Any]) -> None:
    print_table(
        ("Writer", "Records", "Checked", "Sealed", "Intact", "Head"),
        [
            (
                chain["writer"],
                str(chain["records"]),
                str(chain["checked"]),
                str(chain["sealed"]),
                "yes" if chain["intact"] else "NO",
                chain["head"][:16],
            )
            for chain in found["chains"]
        ],
    )
    begins = f", those sealed from entry {found['begins']} on" if found["begins"] > 1 else ""
    click.echo(f"{found['checked']} records checked{begins}.")
    if found["signed"]:
        click.echo(f"{found['epochs']} signed entries, the newest {found['head'][:16]}.")
    else:
        click.echo("WARNING: no signed epochs: only the chains were checked.")
    if found["unsealed"]:
        some = "record is" if found["unsealed"] == 1 else f"{found['unsealed']} records are"
        click.echo(f"The newest {some} sealed by no epoch yet.")
    if found["receipt"] is not None:
        _print_receipt(found["receipt"])
    for note in found["notes"]:
        click.echo(f"Note: {note}.")


def _print_receipt(told: dict[str, Any]) -> None:
    states = {
        "sealed": f"sealed by epoch {told['epoch']}",
        "unsealed": "there and unchanged; the next epoch seals it",
        "unconfirmed": "no longer kept: retention removed it. The receipt can't be confirmed",
    }
    click.echo(f"Receipt: record {told['record']} is {states.get(told['state'], told['state'])}.")
    proof = told["proof"]
    if proof:
        click.echo(f"  leaf {proof['index']} of {proof['size']}, root {proof['root']}")
        for each in proof["path"]:
            click.echo(f"  {each}")
