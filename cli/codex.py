"""`aura codex`: connect OpenAI Codex."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from aura_ia_mcp.configs.settings import Settings

from .codex_config import HIDDEN_TOOLS, MergeError, Server, merge, snippet, unified_diff
from .codex_file import ConfigFile
from .output import Failure, json_option, print_json
from .running import answering
from .settings import loaded

JSON = dict[str, Any]

_TIMEOUTS_SEC = {"gateway": (30, 120), "ml": (20, 60), "knowledge": (20, 60), "roles": (15, 30), "ollama": (30, 180)}


@click.group()
def codex() -> None:
    r"""Connect OpenAI Codex to the running system.

    \b
    Examples:
      aura codex config
      aura codex config --write
    """


@codex.command()
@click.option("--write", is_flag=True, help="Change Codex's configuration; a backup is kept beside it.")
@click.option("--all", "every", is_flag=True, help="Every port that answers (tools then show more than once).")
@click.option("--undo", is_flag=True, help="Take the last change back.")
@click.option("--codex-home", type=click.Path(file_okay=False, path_type=Path), help="Else CODEX_HOME, else ~/.codex.")
@json_option
@click.pass_context
def config(ctx: click.Context, write: bool, every: bool, undo: bool, codex_home: Path | None, as_json: bool) -> None:
    r"""Show, or with --write make, the change that connects Codex.

    The servers that answer now go into config.toml of Codex's home folder: aura_gateway, which shows every tool. All
    else in that file stays as it is, comments too. The change is shown first.

    \b
    Examples:
      aura codex config
      aura codex config --write
      aura codex config --undo
      aura codex config --json | jq -r .diff
    """
    if undo and (write or every):
        raise click.UsageError("--undo goes alone; leave --write and --all away.")
    file = ConfigFile(_home(codex_home) / "config.toml")
    try:
        change = _undo(file) if undo else _merge(file, loaded(ctx).settings, write=write, every=every)
    except MergeError as error:
        raise Failure(f"{file.path}: {error}") from None
    if as_json:
        print_json(change)
    else:
        _explain(change)


def servers(settings: Settings, *, every: bool) -> list[Server]:
    """The entries for the ports that answer now; the gateway's alone unless `every`."""
    return [
        Server(
            f"aura_{port.name}",
            port.url,
            *_TIMEOUTS_SEC.get(port.name, (30, 120)),
            disabled_tools=HIDDEN_TOOLS if port.name == "gateway" else (),
            bearer_token_env_var="" if settings.gateway.anonymous else "AURA_TOKEN",
        )
        for port in answering(settings)
        if every or port.name == "gateway"
    ]


def _home(named: Path | None) -> Path:
    return named or Path(os.environ.get("CODEX_HOME") or Path.home() / ".codex")


def _change(file: ConfigFile, entries: list[Server], diff: str, *, written: bool, backup: Path | None) -> JSON:
    """What was, or would be, changed; `backup` is None where nothing was written."""
    return {
        "file": str(file.path),
        "entries": {entry.name: entry.keys() for entry in entries},
        "diff": diff,
        "written": written,
        "backup": None if backup is None else str(backup),
    }


def _merge(file: ConfigFile, settings: Settings, *, write: bool, every: bool) -> JSON:
    entries = servers(settings, every=every)
    if not entries:
        raise Failure("no Aura endpoint answers here.", "Start the system with `aura serve`, then run this again.")
    before = file.read()
    try:
        after = merge(before, entries)
    except MergeError:
        click.echo(f"The lines that connect Codex:\n\n{snippet(entries)}", err=True)
        raise
    diff = unified_diff(before, after, str(file.path)) if after != before else ""
    backup = file.write(before, after) if write and after != before else None
    return _change(file, entries, diff, written=backup is not None, backup=backup)


def _undo(file: ConfigFile) -> JSON:
    backup = file.backup()
    if backup is None:
        raise Failure(f"there is no backup beside {file.target}.", "Nothing was written by `aura codex config` here.")
    diff = unified_diff(file.read(), file.restored(backup), str(file.path))
    file.undo(backup)
    return _change(file, [], diff, written=True, backup=None)


def _explain(change: JSON) -> None:
    """The same for people: the diff on standard output, what to do next on standard error."""
    entries = change["entries"]
    if entries and not change["diff"]:
        click.echo(f"{change['file']} already connects {', '.join(entries)}.")
        return
    click.echo(change["diff"])
    if not change["written"]:
        click.echo("\nNothing was changed; --write makes this change.", err=True)
    elif change["backup"] is None:
        click.echo(f"\nTaken back; {change['file']} is as it was.", err=True)
    else:
        click.echo(
            f"\nWritten. Backup: {change['backup']}\n"
            "`aura codex config --undo` takes it back; `codex mcp list` shows it.",
            err=True,
        )
        if any("bearer_token_env_var" in entry for entry in entries.values()):
            click.echo(
                "The gateway wants a token: `aura token create codex --role agent`, then export AURA_TOKEN.", err=True
            )
