"""Interpreters: where their code is, and what the code of other languages would do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from ..model import ANYTHING, NOTHING, UNKNOWN, Call, Data, Field, Hit, Label, Output, review
from . import concepts, one_liners, python_code

SHELLS = frozenset("sh bash zsh dash ksh ash mksh fish rbash csh tcsh yash posh osh hush rc nu elvish xonsh".split())
_LONG_SHELL_OPTIONS = frozenset({"--rcfile", "--init-file", "-O", "-o", "+O", "+o"})


class Around(Protocol):
    """What code in another language is judged through: the shell that follows the text."""

    def content(self, path: str) -> Data | None:
        """What the same text wrote into a file."""

    def script(self, data: Data, stdin: Data = NOTHING, arguments: list[Field] | None = None) -> Data:
        """Judge a shell text."""

    def call(self, name: str, *args: str, stdin: Data = NOTHING, outputs: list[Output] | None = None) -> None:
        """Judge a call."""

    def note(self, hit: Hit) -> None:
        """Keep a hit."""


_CODE_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "python": ("-c",),
    "perl": ("-e", "-E"),
    "ruby": ("-e",),
    "node": ("-e", "-p", "--eval", "--print", "-pe"),
    "php": ("-r",),
    "lua": ("-e",),
    "osascript": ("-e",),
    "deno": ("eval",),
    "bun": ("-e", "--eval"),
    "Rscript": ("-e",),
    "groovy": ("-e",),
    "elixir": ("-e",),
    "julia": ("-e",),
    "tclsh": (),
    "expect": ("-c",),
    "ghci": ("-e",),
    "awk": (),
    "vim": ("-c", "+", "--cmd", "-sc"),
    "gdb": ("-ex", "--eval-command"),
    "irb": ("-e",),
    "jshell": (),
    "scala": ("-e",),
    "emacs": ("--eval",),
    "ed": (),
    "R": ("-e",),
    "ghc": ("-e",),
    "guile": ("-c",),
    "sbcl": ("--eval",),
    "racket": ("-e",),
    "clojure": ("-e", "--eval"),
    "raku": ("-e",),
    "crystal": ("eval",),
    "swipl": ("-g",),
    "octave": ("--eval",),
    "kotlin": ("-e",),
    "swift": ("-e",),
    "jrunscript": ("-e",),
    "jjs": ("-e",),
    "ocaml": ("-e",),
    "lldb": ("-o",),
    "pry": ("-e",),
    "psysh": (),
}
_ALIASES = {
    "nodejs": "node",
    "gawk": "awk",
    "mawk": "awk",
    "nawk": "awk",
    "luajit": "lua",
    "vi": "vim",
    "nvim": "vim",
    "view": "vim",
    "ex": "vim",
    "wish": "tclsh",
    "jruby": "ruby",
    "pypy": "python",
    "pypy3": "python",
    "ipython": "python",
}
_VERSIONED = ("python", "perl", "ruby", "php", "lua")


class _Names(frozenset[str]):
    """Names of interpreters, versions included."""

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or (isinstance(name, str) and language(name) in _CODE_OPTIONS)


def language(name: str) -> str:
    """The language that a program of this name runs: `python3.11` is python."""
    if name in _ALIASES:
        return _ALIASES[name]
    stem = name.rstrip("0123456789.")
    return stem if stem in _VERSIONED else name


NAMES: frozenset[str] = _Names(SHELLS | set(_CODE_OPTIONS) | set(_ALIASES))


def run(call: Call, around: Around) -> Data | None:
    """Judge what an interpreter runs.

    Args:
        call: of an interpreter.
        around: the shell through which inner texts and effects are judged.

    Returns:
        What it writes, as far as that is known; None where the call runs no code that is seen.
    """
    if call.name in SHELLS:
        return _shell(call, around)
    spoken = language(call.name)
    codes = _codes(call, spoken)
    for code in codes:
        if Label.REMOTE in code.labels:
            around.script(Data("", code.labels))
        if code.text.strip(UNKNOWN):
            _judge(spoken, code, call, around)
    if codes:
        _edited(spoken, call, [*(code.text for code in codes), call.stdin.text], around)
        return None
    return _from_file_or_input(call, spoken, around)


def _edited(spoken: str, call: Call, scripts: list[str], around: Around) -> None:
    """An editor that a script drives reads the files it is given, and writes them where the script says so."""
    if spoken not in {"vim", "ed"} or not any(script.strip() for script in scripts):
        return
    commands = {piece.strip().lstrip(":") for script in scripts for piece in script.replace("|", "\n").split("\n")}
    if commands & {"w", "wq", "x", "wq!", "w!", "x!", "wqa", "wa", "xa", "update", "wqall", "ZZ"}:
        for path in call.operands:
            if path not in scripts:
                around.call("", outputs=[Output(path, appends=False, data=Data("\n".join(scripts)))])
    for path in call.operands:
        if path not in scripts:
            around.call("cat", path)


def _judge(spoken: str, code: Data, call: Call, around: Around) -> None:
    given = [path for path in call.operands if path not in code.text and path.startswith(("/", "~"))]
    for hit in concepts.judge("\n".join([code.text, *given])):
        around.note(hit)
    if spoken == "python":
        python_code.judge(code.text, around)
    else:
        one_liners.judge(spoken, code.text, call, around)


def _codes(call: Call, spoken: str) -> list[Data]:
    if spoken == "awk":
        if call.option("-f", "--file") is not None:
            return []
        skipped = {data.text for data in call.options("-F", "-v")}
        return [arg.data for arg in call.args if not arg.text.startswith("-") and arg.text not in skipped][:1]
    if spoken == "deno":
        return [call.args[1].data] if len(call.args) > 1 and call.argv[0] == "eval" else []
    found: list[Data] = []
    for position, arg in enumerate(call.args):
        text = arg.text
        following = call.args[position + 1].data if position + 1 < len(call.args) else NOTHING
        if text in _CODE_OPTIONS[spoken]:
            found.append(following)
        elif spoken == "vim" and text.startswith("+"):
            found.append(Data(text[1:], arg.data.labels))
        elif text[:1] == "-" and text[1:2] not in {"-", ""} and text[2:]:
            letters = {option[1] for option in _CODE_OPTIONS[spoken] if len(option) == 2}  # noqa: PLR2004
            if text[1] in letters and spoken in {"python", "php", "ruby", "perl", "lua"}:
                found.append(Data(text[2:], arg.data.labels))
            elif text[-1] in letters and spoken in {"perl", "ruby", "python", "node"}:
                found.append(following)
    return found


def _from_file_or_input(call: Call, spoken: str, around: Around) -> Data | None:
    if spoken in {"vim", "ed", "gdb", "awk"}:
        _edited(spoken, call, [call.stdin.text], around)
        return None
    operands = [text for text in call.operands if text != "-"]
    if spoken == "python" and "-m" in call.argv:
        return None
    source = (
        around.content(operands[0])
        if operands and "-" not in call.argv
        else call.stdin
        if not operands or "-" in call.argv
        else None
    )
    if source is None:
        return None
    if Label.REMOTE in source.labels or (Label.OPAQUE in source.labels and not source.known):
        around.script(Data("" if source.known else UNKNOWN, source.labels))
    if source.text.strip(UNKNOWN):
        _judge(spoken, source, call, around)
    return None


@dataclass(frozen=True, slots=True)
class _Told:
    """What a shell's options say.

    Args:
        checks: it only reads its script, `-n`.
        command: the first operand is what it runs, `-c`.
        reads_input: it runs its input whatever its operands are, `-s`.
        rest: the operands.
    """

    checks: bool
    command: bool
    reads_input: bool
    rest: list[Field]


def _told(call: Call, around: Around) -> _Told:
    at, command, reads_input = 0, False, False
    while at < len(call.args):
        text = call.args[at].text
        if text in {"--", "-"} or not text.startswith(("-", "+")):
            at += text in {"--", "-"}
            break
        if text in _LONG_SHELL_OPTIONS:
            _start_file(call.args[at + 1 : at + 2], around)
            at += 1
        elif text == "-n" or (text[1:2] != "-" and "n" in text[1:] and "c" not in text):
            return _Told(checks=True, command=False, reads_input=False, rest=[])
        elif text[1:2] != "-" and text[0] == "-":
            command = command or "c" in text
            reads_input = reads_input or "s" in text
        at += 1
    return _Told(checks=False, command=command, reads_input=reads_input, rest=call.args[at:])


def _start_file(named: list[Field], around: Around) -> None:
    content = around.content(named[0].text) if named else None
    if content is not None:
        around.script(content)


def _shell(call: Call, around: Around) -> Data:
    """A shell: its `-c` text, its script, or its input."""
    told = _told(call, around)
    rest = told.rest
    if told.checks:
        return NOTHING
    if told.command:
        return around.script(rest[0].data, call.stdin, rest[1:]) if rest else NOTHING
    if not rest or told.reads_input or rest[0].text in {"/dev/stdin", "/proc/self/fd/0"}:
        return _shell_input(call, around)
    content = around.content(rest[0].text)
    if content is not None:
        return around.script(content, call.stdin, rest)
    if rest[0].text.startswith(UNKNOWN) and rest[0].data.labels & {Label.REMOTE, Label.OPAQUE}:
        around.script(Data(UNKNOWN, rest[0].data.labels))
    return ANYTHING


def _shell_input(call: Call, around: Around) -> Data:
    if call.stdin.text.strip(UNKNOWN + " \n") or call.stdin.labels:
        answered = around.script(call.stdin)
        if call.stdin.known:
            return answered
        if not call.stdin.labels and UNKNOWN in call.stdin.text[:1] and call.stdin.text.strip(UNKNOWN + " \n"):
            around.note(review("opaque", "a shell is fed with a text that is only partly known"))
    return Data(UNKNOWN, frozenset({Label.SHELL}))
