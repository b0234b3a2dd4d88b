"""The command line's root: what commands there are, and how any of them ends."""

from __future__ import annotations

import importlib
import os
import platform
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import click

import aura_ia_mcp

from .output import Failure


class Entry(NamedTuple):
    """Where a command is, and the line that `aura --help` has for it."""

    module: str
    attribute: str
    line: str


COMMANDS = {
    "serve": Entry("serve", "serve", "Start the system: MCP on http://localhost:9200/mcp/stream."),
    "status": Entry("status", "status", "Show how the running system is."),
    "tools": Entry("tools", "tools", "List the tools, or show one with its schema."),
    "call": Entry("tools", "call", "Call a tool and print its result."),
    "token": Entry("token", "token", "Make, list and revoke bearer tokens."),
    "policy": Entry("policy", "policy", "Check the policy, and see why a call is allowed or refused."),
    "approvals": Entry("approvals", "approvals", "See what waits for somebody's agreement, and decide."),
    "explain": Entry("explain", "explain", "Tell why a call was allowed, held or refused."),
    "codex": Entry("codex", "codex", "Connect OpenAI Codex."),
    "config": Entry("config", "config", "Show the settings in force and where each came from."),
    "doctor": Entry("doctor", "doctor", "Look for common faults and say the remedy."),
    "audit": Entry("audit", "audit", "Read, search and check the audit record."),
    "backup": Entry("backup", "backup", "Write all that must survive into one file."),
    "restore": Entry("backup", "restore", "Put a backup back."),
    "stdio": Entry("stdio", "stdio", "Speak MCP over stdin and stdout."),
    "version": Entry("version", "version", "Print the version."),
}

EPILOG = """\b
Examples:
  aura serve
  aura status
  aura call semantic_rank '{"query": "fruit", "candidates": ["apple", "car", "banana"]}'
  aura codex config --write
  aura doctor

Exit status: 0 done, 1 failed, 2 wrong usage. Most commands print JSON with --json;
after a failure that is {"error": {"message", "recovery"?, "code"?}}.
"""


@dataclass(frozen=True, slots=True)
class Invocation:
    """What the options before the command said.

    Attributes:
        config: the settings file to read; None looks in the usual places.
    """

    config: Path | None = None


class LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for."""

    # ruff: noqa: ARG002 - the signatures are click's

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None if there is no such one."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        command = getattr(importlib.import_module(f".{entry.module}", __package__), entry.attribute)
        assert isinstance(command, click.Command)
        _keep_lines(command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table, importing none."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.line) for name, entry in COMMANDS.items()])


def _keep_lines(command: click.Command) -> None:
    r"""Make the `\b` of raw docstrings click's mark (a backspace) for a paragraph whose lines stay as they are."""
    if command.help:
        command.help = command.help.replace("\\b\n", "\b\n")
    if isinstance(command, click.Group):
        for below in command.commands.values():
            _keep_lines(below)


@click.group(cls=LazyGroup, epilog=EPILOG, invoke_without_command=True)
@click.option("--config", type=click.Path(dir_okay=False, path_type=Path), help="Settings file (else AURA_CONFIG).")
@click.option("--mode", type=click.Choice(["stdio", "serve"]), hidden=True, help="The integration guide's form.")
@click.version_option(
    aura_ia_mcp.__version__, message=f"aura %(version)s (Python {platform.python_version()})", help="Print the version."
)
@click.pass_context
def aura(ctx: click.Context, config: Path | None, mode: str | None) -> None:
    """Aura IA MCP: a governed control plane for AI tools.

    An MCP client such as OpenAI Codex sees one catalogue of tools. Every call passes Safety and Tools, actors on a
    Ray cluster, and leaves a record that can be checked. `aura serve` starts it all.
    """
    ctx.obj = Invocation(config)
    if ctx.invoked_subcommand is None:
        if mode is None:
            click.echo(ctx.get_help())
            return
        command = ctx.command.get_command(ctx, mode) if isinstance(ctx.command, click.Group) else None
        if command is not None:
            ctx.invoke(command)


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit status; never raises, never prints a traceback unasked."""
    try:
        result = aura.main(list(arguments), prog_name="aura", standalone_mode=False)
    except click.ClickException as error:
        return _failed(error, arguments)
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("aura: stopped", err=True)
        return 1
    except BrokenPipeError:
        _leave_stdout()
        return 0
    except Exception as error:  # the last line of defence: people get a sentence
        if os.environ.get("AURA_LOG_LEVEL", "").upper() == "DEBUG":
            traceback.print_exc()
        fault = Failure(
            f"a fault in aura itself: {type(error).__name__}: {error}",
            "Set AURA_LOG_LEVEL=DEBUG for the trace; `aura doctor` looks for common causes.",
        )
        return _failed(fault, arguments)
    return result if isinstance(result, int) else 0


def _failed(error: click.ClickException, arguments: Sequence[str]) -> int:
    """Tell people on stderr and, with --json, programs on stdout; wrong usage is for people alone."""
    error.show()
    if isinstance(error, Failure) and "--json" in arguments and not error.told:
        try:
            click.echo(error.as_json())
        except BrokenPipeError:
            _leave_stdout()
    return error.exit_code


def _leave_stdout() -> None:
    """The reader, such as `head`, has seen enough."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
