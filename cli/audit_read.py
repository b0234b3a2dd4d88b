"""`aura audit tail`, `show` and `search`: read the record."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import click

from aura_ia_mcp.cluster.audit_read import Entry, Query, find, recent, search, stamp, tail
from aura_ia_mcp.cluster.faults import OperatorError

from .moment import Moment
from .output import Failure, json_option, plain
from .settings import loaded

_LINES = 20
_MOST_LAST = 100_000
_SHORT = 100
_VERDICTS = ("allow", "confirm", "approve", "deny")
_WIDTHS = (24, 16, 22, 32, 34)
_FILTERS: tuple[Callable[[Any], Any], ...] = (
    click.option("--principal", "principals", multiple=True, metavar="WHO", help="tenant/id, an id, a token's name."),
    click.option("--tool", "tools", multiple=True, metavar="NAME", help="Of this tool; NAME* is a beginning."),
    click.option("--verdict", "verdicts", multiple=True, type=click.Choice(_VERDICTS), help="What the policy said."),
    click.option("--outcome", "outcomes", multiple=True, help="ok, refused, error, …, or an error's code."),
    click.option("--rule", "rules", multiple=True, metavar="ID", help="That decided; ID* is a beginning."),
    click.option("--kind", "kinds", multiple=True, help="Of record: call, note, approval_decided, …"),
    click.option("--writer", "writers", multiple=True, help="Of this writer, as in safety-0."),
)
_SPAN: tuple[Callable[[Any], Any], ...] = (
    click.option("--since", type=Moment(), help="From then on: 30m, 2h, 7d, or a date (UTC)."),
    click.option("--until", type=Moment(), help="Up to then, likewise."),
)


def filters(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say which records are wanted; any of a repeated one will do."""
    for option in reversed(_FILTERS + _SPAN):
        command = option(command)
    return command


def wanted_of(since: float | None, until: float | None, **others: Any) -> Query:
    """The query of the options that `filters` gives.

    Raises:
        click.UsageError: the time ends before it begins.
    """
    if since is not None and until is not None and since > until:
        raise click.UsageError(
            "--until lies before --since, so no record can match; an age such as 5m is counted back."
        )
    return Query(since=since, until=until, **others)


@click.command("tail")
@click.option("-f", "--follow", is_flag=True, help="Go on with each record as it is written; Ctrl-C ends it.")
@click.option("-n", "--lines", default=_LINES, show_default=True, type=click.IntRange(0, _MOST_LAST), help="How many.")
@click.option("--kind", "kinds", multiple=True, help="Only of this kind; may be repeated.")
@click.option("--writer", "writers", multiple=True, help="Only of this writer; may be repeated.")
@json_option
@click.pass_context
def tail_command(
    ctx: click.Context, follow: bool, lines: int, kinds: tuple[str, ...], writers: tuple[str, ...], as_json: bool
) -> None:
    r"""Show the newest records, and with -f each further one, of all writers by time.

    Columns: time (UTC), id, who, what, verdict and outcome, rule. With --json the records themselves, one a line.

    \b
    Examples:
      aura audit tail
      aura audit tail -f --kind call
    """
    settings, query = loaded(ctx).settings, Query(kinds=kinds, writers=writers)
    try:
        if follow:
            show_all(tail(settings, query, lines), as_json=as_json)
        else:
            show_all(recent(settings, query, lines), as_json=as_json)
    except KeyboardInterrupt:
        return  # how one ends it


@click.command("search")
@click.argument("text", default="")
@filters
@click.option("--last", type=click.IntRange(1, _MOST_LAST), metavar="N", help="Only the newest N; quick on long logs.")
@json_option
@click.pass_context
def search_command(ctx: click.Context, /, text: str, last: int | None, as_json: bool, **wanted: Any) -> None:
    r"""Find records, oldest first: by who, what, verdict, outcome, rule, time, and by TEXT anywhere in them.

    TEXT is found whatever its case. Arguments of calls aren't in the record unless the policy keeps them.
    With --json the records themselves, one a line; nothing if none matches.

    \b
    Examples:
      aura audit search --principal ci --outcome refused --since 1d
      aura audit search "rm -rf" --last 10
      aura audit search --tool 'ollama_*' --verdict deny --json
    """
    settings, query = loaded(ctx).settings, wanted_of(text=text, **wanted)
    found = search(settings, query) if last is None else recent(settings, query, last)
    if not show_all(found, as_json=as_json):
        click.echo("No record matches.", err=True)


@click.command("show")
@click.argument("audit_id", metavar="ID")
@json_option
@click.pass_context
def show_command(ctx: click.Context, audit_id: str, as_json: bool) -> None:
    r"""Show one record. ID is the `aura/audit_id` of a result or a refusal, as in safety-0:17.

    \b
    Examples:
      aura audit show safety-0:17
      aura audit show safety-0:17 --json
    """
    if audit_id.count(":") > 1:
        raise click.UsageError(
            f"{audit_id[:80]!r} is a receipt; `aura audit verify --receipt` checks it. Its first two parts are the id."
        )
    try:
        found = find(loaded(ctx).settings, audit_id)
    except OperatorError as error:
        raise Failure(str(error)) from None
    if as_json:
        click.echo(json.dumps(found.record, indent=2))
        return
    click.echo(line_of(found))
    click.echo()
    for name, value in found.record.items():
        click.echo(f"  {name:<14} {_value(value)}")


def show_all(entries: Iterable[Entry], *, as_json: bool) -> int:
    """Print records, each as it comes; how many there were.

    Raises:
        Failure: they can't be read.
    """
    count = 0
    try:
        for count, entry in enumerate(entries, 1):  # noqa: B007 - the last one is told
            click.echo(entry.line if as_json else line_of(entry))
    except OperatorError as error:
        raise Failure(str(error)) from None
    return count


def line_of(entry: Entry) -> str:
    """A record in one line, for people; nothing in it can move a terminal's cursor."""
    told = entry.says
    became = " ".join(part for part in (told.verdict, told.outcome, f"({told.error})" if told.error else "") if part)
    if entry.record["kind"] == "opened_call":
        became += " begins"
    cells = (stamp(entry.at), entry.id, told.who, told.what, became)
    padded = [plain(cell).ljust(width) for cell, width in zip(cells, _WIDTHS, strict=True)]
    return " ".join([*padded, plain(told.rule)]).rstrip()


def _value(value: Any) -> str:
    if isinstance(value, str):
        return plain(value)
    short = json.dumps(value, ensure_ascii=False)
    return plain(short) if len(short) <= _SHORT else json.dumps(value, indent=2).replace("\n", f"\n{' ' * 17}")
