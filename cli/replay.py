"""`aura policy replay` and `what-if`: recorded decisions computed again, by the rules of then or by others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from aura_ia_mcp.cluster.faults import OperatorError
from aura_ia_mcp.cluster.replay import Records, replay, what_if

from .moment import Moment
from .output import Failure, json_option, print_json, print_table
from .progress import reading
from .settings import loaded

_MOST_SHOWN = 50
_since = click.option("--since", type=Moment(), help="From then on: 30m, 2h, 7d, or a date (UTC).")
_folder = click.argument("folder", required=False, metavar="[DIR]", type=click.Path(path_type=Path))


@click.command("replay")
@_since
@_folder
@json_option
@click.pass_context
def replay_command(ctx: click.Context, since: float | None, folder: Path | None, as_json: bool) -> None:
    r"""Compute every recorded verdict again, and tell each that comes out otherwise.

    A verdict is computed from what its record holds (the caller's roles, findings, risk, trust, safe mode, buckets, the
    time) under the rules that were in force then. Inspection is run again where the policy keeps the arguments. DIR is
    another folder of audit records. Exit status 1 if there is a difference.

    \b
    Examples:
      aura policy replay
      aura policy replay --since 7d
    """
    found = _with_bar(Records(loaded(ctx).settings, folder, since), replay)
    if as_json:
        print_json(found)
    else:
        _tell_replay(found)
    if not found["verdicts"] + found["undecided"]:
        click.echo("There is no record of a call to compute again.", err=True)
    if found["differing"]:
        raise Failure(
            f"{found['differing']} of {found['verdicts']} recorded verdicts don't follow from their inputs",
            "`aura audit verify` says whether records were changed; `aura explain ID` shows one.",
            told=as_json,
        )


@click.command("what-if")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--roles", "roles_file", type=click.Path(path_type=Path), help="Another role table, too.")
@click.option("--audit", "folder", type=click.Path(path_type=Path), help="Another folder of audit records.")
@_since
@json_option
@click.pass_context
def what_if_command(
    ctx: click.Context, file: Path, roles_file: Path | None, folder: Path | None, since: float | None, as_json: bool
) -> None:
    r"""Say what the policy in FILE would have made of the recorded calls: what it would stop, admit or hold.

    Findings, risk and trust are taken as they were.

    \b
    Examples:
      aura policy what-if new_policy.yaml
      aura policy what-if new_policy.yaml --roles new_roles.yaml --since 30d
    """
    records = Records(loaded(ctx).settings, folder, since)
    found = _with_bar(records, lambda these, on_read: what_if(these, file, roles_file, on_read))
    if as_json:
        print_json(found)
    else:
        _tell_what_if(found)


def _with_bar(records: Records, work: Callable[[Records, Callable[[int], None]], dict[str, Any]]) -> dict[str, Any]:
    try:
        with reading(records.size()) as on_read:
            return work(records, on_read)
    except OperatorError as error:
        raise Failure(str(error)) from None


def _tell_replay(found: dict[str, Any]) -> None:
    unknown = sum(found["unknown"].values())
    click.echo(
        f"{found['verdicts']} verdicts: {found['same']} come out the same, {found['differing']} differ,"
        f" {unknown} can't be computed again."
    )
    if found["inspected"]:
        click.echo(f"Inspection was run again for {found['inspected']} of them.")
    for reason, count in found["unknown"].items():
        click.echo(f"  {count} can't: {reason}")
    _tell_redacted(found)
    rows = [
        (each["audit_id"], _time(each["at"]), each["principal"], each["name"], *_three(difference))
        for each in found["differences"][:_MOST_SHOWN]
        for difference in each["differences"]
    ]
    if rows:
        print_table(("Record", "Time (UTC)", "Who", "What", "Differs in", "Recorded", "Computed again"), rows)
    if (more := found["differing"] - _MOST_SHOWN) > 0:
        click.echo(f"{more} more; --json has the first 1000.", err=True)


def _tell_what_if(found: dict[str, Any]) -> None:
    unknown = sum(each["count"] for each in found["unknown"])
    click.echo(
        f"{found['calls']} calls: {found['same']} as before, {found['changed']} otherwise, {unknown} can't be told."
    )
    for each in found["unknown"]:
        click.echo(f"  {each['count']} can't: {each['reason']} (as {', '.join(each['examples'])})")
    _tell_redacted(found)
    rows = [
        (
            f"{each['before']} -> {each['after']}",
            each["tool"],
            each["principal"],
            each["rule"],
            str(each["count"]),
            ", ".join(each["examples"]),
        )
        for each in found["changes"][:_MOST_SHOWN]
    ]
    if rows:
        print_table(("Becomes", "What", "Who", "By rule", "Calls", "Such as"), rows)
    if (more := len(found["changes"]) - _MOST_SHOWN) > 0:
        click.echo(f"{more} more groups; --json has all.", err=True)


def _tell_redacted(found: dict[str, Any]) -> None:
    if count := found["redacted"]:
        were = "1 record was" if count == 1 else f"{count} records were"
        click.echo(f"{were} redacted and not counted: nobody can tell any more whether it was a call.")


def _three(difference: dict[str, Any]) -> tuple[str, str, str]:
    return difference["what"], _short(difference["recorded"]), _short(difference["recomputed"])


def _short(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _time(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%d %H:%M:%S")
