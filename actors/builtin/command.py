"""Commands: one plain program at a time, allowed by name, within walls."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.configs.settings import Commands, Settings
from aura_ia_mcp.judgement.simple_command import MOST_CHARS, NotSimpleError, refusal, split

from ..boot import Boot
from ..confinement import Confinement
from ..process import Ended
from ..sandbox import BUBBLEWRAP, NONE, Sandbox, find_program, precious
from ..sources import ToolCall, ToolDefinition
from .tool import Reach, Tool, integer, maybe, number, obj, text

CATEGORY = "commands"
MOST_S = 60.0
USUAL_S = 10.0
AT_ONCE = 2
_MARGIN_S = 1.0
_LEAST_S = 0.1
_MOST_PATH_CHARS = 1024


def tools(settings: Settings) -> Sequence[Tool]:
    """The tools of this category; what their hints say depends on the settings."""
    return (Tool(_definition(settings.commands), ExecuteCommand(settings.commands).run),)


class ExecuteCommand:
    """Runs commands for one Tools actor.

    Args:
        settings: which, where, and how much.
    """

    def __init__(self, settings: Commands) -> None:
        self._settings = settings
        self._made: dict[Commands, tuple[Confinement, Sandbox]] = {}

    async def run(self, arguments: JSON, call: ToolCall, reach: Reach) -> JSON:
        """Split, check, confine, run."""
        settings = _held_to(self._settings, call.sandbox)
        words = self._words(arguments["command"])
        confinement, sandbox = self._within(settings, reach.boot)
        argv, cwd = await asyncio.to_thread(
            self._confine, words, arguments.get("cwd"), confinement, settings, reach.boot
        )
        wanted_s = float(arguments.get("timeout_s", USUAL_S))
        timeout_s = max(_LEAST_S, min(wanted_s, call.header.remaining_s - _MARGIN_S))
        ended, walls = await sandbox.run(argv, cwd, timeout_s)
        return _told(ended, walls)

    def _words(self, command: str) -> tuple[str, ...]:
        try:
            words = split(command)
        except NotSimpleError as error:
            raise AuraError("invalid_arguments", f"arguments.command: {error}") from None
        if why := refusal(words, self._settings.allow):
            raise AuraError("invalid_arguments", f"arguments.command: {why}")
        return words

    def _within(self, settings: Commands, boot: Boot) -> tuple[Confinement, Sandbox]:
        if settings not in self._made:  # one for each ceiling
            confinement = Confinement(settings.roots, (boot.paths.state, boot.paths.short))
            self._made[settings] = confinement, Sandbox(settings, confinement)
        return self._made[settings]

    @staticmethod
    def _confine(
        words: Sequence[str], cwd: str | None, confinement: Confinement, settings: Commands, boot: Boot
    ) -> tuple[list[str], Path]:
        rules = boot.settings.safety
        own = [boot.paths.state, boot.paths.logs, rules.policy_file, rules.roles_file, rules.rules_folder]
        writing = precious(settings.writable, confinement, [path for path in own if path is not None])
        if why := confinement.fault() or writing:
            raise AuraError("unavailable", why)
        program = find_program(words[0])
        if program is None:
            raise AuraError("unavailable", f"{words[0]} is allowed and not installed: install it on this machine")
        start = confinement.start(cwd)
        confinement.check(words[1:], start)
        return [program, *words[1:]], start


def _held_to(settings: Commands, ceiling: str) -> Commands:
    """What is left of the settings under a call's ceiling: without walls it can't be kept, so then nothing runs.

    Raises:
        AuraError: `forbidden`: it may start nothing at all.
    """
    if ceiling == "full":
        return settings
    if ceiling == "none":
        raise AuraError(
            "forbidden",
            "a rule of the policy lets this call start nothing (sandbox: none), and a command is a process",
            recovery="get_policy shows the rule; an operator can change it.",
        )
    return settings.model_copy(update={"unsandboxed": False, "writable": settings.writable and ceiling == "workspace"})


def _told(ended: Ended, walls: str) -> JSON:
    code = ended.exit_code
    return {
        "stdout": ended.stdout.decode(errors="replace"),
        "stderr": ended.stderr.decode(errors="replace"),
        "exit_code": 128 - code if code is not None and code < 0 else code,
        "timed_out": ended.timed_out,
        "truncated": ended.truncated,
        "sandbox": walls,
        "ms": ended.ms,
    }


def _definition(settings: Commands) -> ToolDefinition:
    """The tool as its settings make it: where a command may write, or no walls need stand, it may destroy, too.

    It is never said to be read-only: a program runs, and safe mode has to stop that.
    """
    return replace(_DEFINITION, destructive=settings.writable or settings.unsandboxed)


_DEFINITION = ToolDefinition(
    name="execute_command",
    title="Execute a command",
    description=(
        "Runs one plain command, a program and its arguments, in a sandbox: no shell, so no pipes, redirections,"
        " variables, patterns or several commands. Only allowed programs run, in allowed folders, without network and"
        " within limits of time, memory and output. For operators."
    ),
    input_schema=obj(
        {
            "command": text("The program's name and its arguments, quoted as in a shell.", MOST_CHARS, minLength=1)
            | {"x-aura-kind": "command"},
            "cwd": text("Where it starts: a folder, seen from the first allowed one.", _MOST_PATH_CHARS)
            | {"x-aura-kind": "path"},
            "timeout_s": number("Its time, in seconds.", exclusiveMinimum=0, maximum=MOST_S, default=USUAL_S),
        },
        required=("command",),
    ),
    output_schema=obj(
        {
            "stdout": text("What it printed; bytes that are no UTF-8 are replaced."),
            "stderr": text("What it printed as errors."),
            "exit_code": maybe(integer("Its status, 128 + N after signal N; null when it was ended from here.")),
            "timed_out": {"type": "boolean", "description": "Whether it was ended since its time was up."},
            "truncated": {"type": "boolean", "description": "Whether it printed more than is shown."},
            "sandbox": text("What stood around it.", enum=[BUBBLEWRAP, NONE]),
            "ms": number("How long it ran, in milliseconds."),
        }
    ),
    capability="operate",
    category=CATEGORY,
    risk="critical",
    exposed=False,
    read_only=False,
    destructive=False,
    idempotent=False,
    timeout_s=MOST_S + 10.0,
    concurrency=AT_ONCE,
)
