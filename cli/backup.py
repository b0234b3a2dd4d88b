"""`aura backup` and `aura restore`: all that must survive, in one file."""

from __future__ import annotations

from pathlib import Path

import click

from aura_ia_mcp.cluster.faults import OperatorError

from .output import Failure, json_option, print_json
from .settings import loaded


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace a file of this name.")
@json_option
@click.pass_context
def backup(ctx: click.Context, file: Path, force: bool, as_json: bool) -> None:
    r"""Write all that must survive into one file, while a system runs or not.

    It holds the database (SQLite or PostgreSQL), keys, the operator's token, own rule files and the audit record, so
    keep it as you keep a key. It doesn't hold the settings (configs/aura.toml).

    \b
    Example:
      aura backup aura-backup.tar.gz
    """
    from aura_ia_mcp.cluster.backup import backup as make  # noqa: PLC0415 - the database's libraries

    try:
        done = make(loaded(ctx).settings, file, replace=force)
    except OperatorError as error:
        raise Failure(str(error)) from None
    if as_json:
        print_json(done)
    else:
        click.echo(f"{file}: {done['bytes']:,} bytes, {_content(done)}")


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, exists=True, path_type=Path))
@click.option("--force", is_flag=True, help="Set aside what is there already, under names with `before`.")
@json_option
@click.pass_context
def restore(ctx: click.Context, file: Path, force: bool, as_json: bool) -> None:
    r"""Put a backup back: whole, or not at all. No system may run meanwhile.

    The settings in force say where to, so a backup of SQLite restores into PostgreSQL and the other way round. Whatever
    happened after the backup was made is undone: revoke again which tokens were revoked since.

    \b
    Examples:
      aura restore aura-backup.tar.gz
      aura restore aura-backup.tar.gz --force && aura audit verify
    """
    from aura_ia_mcp.cluster.restore import restore as put_back  # noqa: PLC0415 - the database's libraries

    try:
        done = put_back(loaded(ctx).settings, file, force=force)
    except OperatorError as error:
        raise Failure(str(error)) from None
    if as_json:
        print_json(done)
        return
    click.echo(f"Restored as of {done['made_at']}: {_content(done)}.")
    for path in done["set_aside"]:
        click.echo(f"Set aside: {path}", err=True)
    click.echo("Next: aura audit verify, then aura serve.", err=True)


def _content(done: dict[str, object]) -> str:
    rows = done["rows"]
    tables = ", ".join(f"{table} {count:,}" for table, count in rows.items()) if isinstance(rows, dict) else ""
    return f"{tables}, files of the audit record {done['audit_files']}"
