"""`aura audit export`: the record, or part of it, for other programs."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import click

from aura_ia_mcp.cluster.audit_read import Entry, search, size, stamp
from aura_ia_mcp.cluster.faults import OperatorError

from .audit_read import filters, wanted_of
from .output import Failure
from .progress import reading
from .settings import loaded

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_COLUMNS: dict[str, Callable[[Entry], Any]] = {
    "id": lambda entry: entry.id,
    "time": lambda entry: stamp(entry.at),
    "kind": lambda entry: entry.record["kind"],
    "who": lambda entry: entry.says.who,
    "what": lambda entry: entry.says.what,
    "verdict": lambda entry: entry.says.verdict,
    "outcome": lambda entry: entry.says.outcome,
    "error": lambda entry: entry.says.error,
    "rule": lambda entry: entry.says.rule,
    **{
        name: lambda entry, name=name: entry.record.get(name, "")  # type: ignore[misc]
        for name in ("ms", "server", "session", "call", "cause", "opened", "approval", "args", "policy", "roles")
    },
}


@click.command("export")
@click.option("--format", "form", type=click.Choice(["json", "csv"]), help="json unless --out ends in .csv.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="A new file; else standard output.")
@filters
@click.pass_context
def export_command(ctx: click.Context, /, form: str | None, out: Path | None, **wanted: Any) -> None:
    r"""Write records out, oldest first: as JSON lines, byte for byte as they are, or as a CSV table.

    The table has one column for each of the main things; a cell that a spreadsheet would take for a formula begins
    with an apostrophe. FILE is complete or not there at all, and nobody else may read it.

    \b
    Examples:
      aura audit export --since 7d --out week.jsonl
      aura audit export --kind call --outcome refused --out refused.csv
    """
    settings, query = loaded(ctx).settings, wanted_of(**wanted)
    form = form or ("csv" if out is not None and out.suffix.lower() == ".csv" else "json")
    write = _csv if form == "csv" else _json
    try:
        if out is None:
            write(search(settings, query), sys.stdout.buffer)
            sys.stdout.buffer.flush()
            return
        with _new(out) as file, reading(size(settings, query)) as read:
            count = write(search(settings, query, read), file)
    except OperatorError as error:
        raise Failure(str(error)) from None
    click.echo(f"{out}: {count} records", err=True)


def _json(entries: Iterator[Entry], file: BinaryIO) -> int:
    count = 0
    for entry in entries:
        file.write(entry.line + b"\n")
        count += 1
    return count


def _csv(entries: Iterator[Entry], file: BinaryIO) -> int:
    count = 0
    text = io.TextIOWrapper(file, "utf-8", errors="backslashreplace", newline="", write_through=True)
    try:
        rows = csv.writer(text)
        rows.writerow(_COLUMNS)
        for entry in entries:
            rows.writerow([_cell(column(entry)) for column in _COLUMNS.values()])
            count += 1
    finally:
        text.detach()
    return count


def _cell(value: Any) -> Any:
    """Harmless in a spreadsheet: what callers named themselves could begin a formula."""
    if isinstance(value, (dict, list)):
        value = json.dumps(value)
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


@contextmanager
def _new(path: Path) -> Iterator[BinaryIO]:
    """A file that is there, whole, once the block has ended well.

    Raises:
        Failure: there is one of this name, or it can't be written.
    """
    if path.exists():
        raise Failure(f"{path} is there already", "Name another file, or move that one away.")
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(fd, "wb") as file:
                yield file
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise Failure(
            f"{path} can't be written: {error.strerror or error}", "Free disk space, or name another."
        ) from None
