"""What the command line prints: results on stdout, everything else on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import IO, Any

import click

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86_400


class Failure(click.ClickException):
    """The command failed (exit status 1): says what happened, and what to do next.

    Args:
        message: what happened, and why.
        recovery: what to do; may be empty.
        code: the failure's code in `bus.errors.TABLE`, where the running system gave one.
        told: the JSON that the command printed tells of it already.
    """

    def __init__(self, message: str, recovery: str = "", *, code: str = "", told: bool = False) -> None:
        super().__init__(message)
        self.recovery = recovery
        self.code = code
        self.told = told

    def show(self, file: IO[Any] | None = None) -> None:
        """Print both on stderr."""
        click.echo(f"aura: {self.message}", file=file, err=True)
        if self.recovery:
            click.echo(f"      {self.recovery}", file=file, err=True)

    def as_json(self) -> str:
        """One line, which fits below lines of JSON too: {"error": {"message", "recovery"?, "code"?}}."""
        said = {"message": self.message, "recovery": self.recovery, "code": self.code}
        return json.dumps({"error": {name: text for name, text in said.items() if text}}, ensure_ascii=False)


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def print_json(value: Any) -> None:
    """Print JSON: indented for people at a terminal and for files alike."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def duration(seconds: float) -> str:
    """Seconds in the two largest units that matter."""
    whole = int(seconds)
    if whole < _MINUTE_S:
        return f"{whole} s"
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S} min {whole % _MINUTE_S} s"
    if whole < _DAY_S:
        return f"{whole // _HOUR_S} h {whole % _HOUR_S // _MINUTE_S} min"
    return f"{whole // _DAY_S} d {whole % _DAY_S // _HOUR_S} h"


def plain(text: str) -> str:
    """The text with all that a terminal could take for a command, or hide, written out."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> None:
    """Print plain columns; at a terminal as wide as it is, into a pipe as wide as needed."""
    from rich import box  # noqa: PLC0415 - 60 ms that only tables need
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(*columns, title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console = Console(file=sys.stdout)
    if not console.is_terminal:
        console.width = 1000
    console.print(table)
