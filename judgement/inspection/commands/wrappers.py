"""Programs that run another program, and how to find it in their arguments."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping

from . import remote, run_options, spreading
from .code import interpreters
from .inner import Inner, joined
from .model import UNKNOWN, Call, Data
from .prefixes import CONTAINERS, PREFIXES, RUNNERS, SCRIPT_OPTIONS, Shape, past_options


def unwrap(call: Call) -> Inner | None:
    """What the call runs, if it is a wrapper that runs something; None otherwise."""
    special = _SPECIAL.get(call.name)
    if special is not None:
        return special(call) or _last_resort(call)
    shape = PREFIXES.get(call.name)
    if shape is not None:
        return _prefix(call, shape)
    if call.name in RUNNERS and call.args and call.args[0].text in RUNNERS[call.name]:
        rest = call.args[1:]
        return Inner([rest[past_options(rest, "-n -p --with --env-file") :]])
    if call.name in CONTAINERS:
        return remote.in_container(call)
    return _last_resort(call)


def _last_resort(call: Call) -> Inner | None:
    return None if call.name in interpreters.NAMES else run_options.unnamed(call)


def _prefix(call: Call, shape: Shape) -> Inner | None:
    if call.name == "command" and call.has("vV"):
        return None
    if call.name == "env":
        split = call.option("-S", "--split-string")
        if split is not None:
            return Inner(scripts=[Data(split)])
    args = call.args
    at = past_options(args, shape.valued, assignments=shape.assignments) + shape.skip
    if call.name == "taskset" and call.has("c", "--cpu-list"):
        at -= 1
    at += args[at : at + 1] != [] and args[at].text == "--"
    return Inner([args[at:]], folder=call.option("-C", "--chdir") if call.name == "env" else None)


def _eval(call: Call) -> Inner:
    return Inner(scripts=[joined(call.args)])


def _alias(call: Call) -> Inner:
    return Inner(
        scripts=[
            Data(text.partition("=")[2], arg.data.labels) for arg in call.args for text in [arg.text] if "=" in text
        ]
    )


def _trap(call: Call) -> Inner:
    return Inner(scripts=[call.args[0].data] if len(call.args) > 1 else [])


def _su(call: Call) -> Inner:
    scripts = list(call.options("-c", "--command"))
    if not scripts and call.stdin.known and call.stdin.text:
        scripts = [call.stdin]
    return Inner(scripts=scripts)


def _script(call: Call) -> Inner:
    return Inner(scripts=[*call.options(*SCRIPT_OPTIONS), *call.bundled("c")])


def _behind(*words: str) -> Callable[[Call], Inner | None]:
    """A program that hands everything behind one of these words to a shell."""

    def rule(call: Call) -> Inner | None:
        at = next((n for n, text in enumerate(call.argv) if text in words), None)
        return None if at is None else Inner(scripts=[joined(call.args[at + 1 :])])

    return rule


def _module(call: Call) -> Inner | None:
    """`python -m keyring get …` is `keyring get …`."""
    at = next((n for n, text in enumerate(call.argv) if text == "-m"), None)
    named = at is not None and not any(text[:1] != "-" or text == "-c" for text in call.argv[:at])
    return Inner([call.args[at + 1 :]]) if at is not None and named else None


def _package_runner(call: Call) -> Inner | None:
    """Such as npx: a package's program with its arguments, or a script."""
    scripts = call.options("-c", "--call", "--exec", "-x")
    return Inner(scripts=scripts) if scripts else Inner([call.args[past_options(call.args, "-p --package") :]])


_CLIENT_ESCAPES = (".shell ", ".system ", "\\! ", "\\!", "system ", "--pager=", "pager ")
_LINE_ESCAPES = ("!", "shell ", "syscmd(", "esyscmd(")
"""How line editors, debuggers and transfer programs are told to run a shell's command."""


def _line_driven(call: Call) -> Inner | None:
    """A program that reads lines, some of which it hands to a shell."""
    lines = [line.strip() for text in [*call.argv, call.stdin.text] for line in text.split("\n")[:200]]
    scripts = [
        Data(line[len(mark) :].strip("`')")) for line in lines for mark in _LINE_ESCAPES if line.startswith(mark)
    ]
    return Inner(scripts=scripts) if scripts else None


def _client(call: Call) -> Inner | None:
    """A database's client that is told to run a shell's command."""
    lines = [line.strip() for text in [*call.argv, call.stdin.text] for line in text.split("\n")[:200]]
    scripts = [Data(line[len(mark) :]) for line in lines for mark in _CLIENT_ESCAPES if line.startswith(mark)]
    return Inner(scripts=scripts) if scripts else None


def _watch(call: Call) -> Inner:
    return Inner(scripts=[joined(call.args[past_options(call.args, "-n --interval") :])])


def _flock(call: Call) -> Inner:
    if call.option("-c", "--command") is not None:
        return Inner(scripts=call.options("-c", "--command"))
    return Inner([call.args[past_options(call.args, "-w -E --timeout") + 1 :]])


def _scheduled(call: Call) -> Inner:
    return Inner(scripts=[call.stdin] if call.stdin.text and call.stdin.known else [])


def _terminal(call: Call) -> Inner:
    """Screen and tmux: what follows the session's options."""
    args = call.args
    if call.name == "screen" and "stuff" in call.argv:
        typed = joined(args[call.argv.index("stuff") + 1 :])
        return Inner(scripts=[Data(typed.text.removesuffix("\\n"), typed.labels)])
    if call.name == "screen":
        return Inner([args[past_options(args, "-S -c -h -p -s -t -T -e") :]])
    words = [
        n
        for n, arg in enumerate(args)
        if arg.text in {"new-session", "new", "new-window", "neww", "send-keys", "split-window", "run-shell", "run"}
    ]
    if not words:
        return Inner()
    rest = args[words[0] + 1 :]
    return Inner(scripts=[joined(rest[past_options(rest, "-s -n -t -c -x -y -e -F") :])])


def _cmd(call: Call) -> Inner:
    at = next((n for n, arg in enumerate(call.args) if arg.text.lower() in {"/c", "/k"}), None)
    return Inner(scripts=[] if at is None else [joined(call.args[at + 1 :])])


def _powershell(call: Call) -> Inner:
    for at, arg in enumerate(call.args):
        option = arg.text.lower().lstrip("-/")
        if len(option) >= 1 and "command".startswith(option):
            return Inner(scripts=[joined(call.args[at + 1 :])])
        if option and ("encodedcommand".startswith(option) or option == "enc") and at + 1 < len(call.args):
            return Inner(scripts=[_utf16(call.args[at + 1].text)])
    if call.args and not call.args[0].text.startswith("-"):
        return Inner(scripts=[joined(call.args)])
    return Inner(scripts=[call.stdin] if call.stdin.text or call.stdin.labels else [])


def _for_each(call: Call) -> Inner:
    """PowerShell's loop over what comes down a pipe: the block's words, its braces taken off."""
    inner = [arg for arg in call.args if arg.text not in {"{", "}", "-Process", "-Parallel"}]
    return Inner([inner])


def _utf16(text: str) -> Data:
    try:
        return Data(base64.b64decode(text, validate=True).decode("utf-16-le"))
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return Data(UNKNOWN)


def _nix(call: Call) -> Inner:
    return Inner(scripts=call.options("--run", "--command", "-c"))


def _sed(call: Call) -> Inner | None:
    """GNU sed's `e`: a command of its own, or a flag that runs what a line came to."""
    programs = call.options("-e", "--expression") or [arg.data for arg in call.args if arg.text[:1] != "-"][:1]
    scripts: list[Data] = []
    for data in programs:
        for piece in data.text.split(";"):
            head = piece.lstrip("0123456789$, /")
            if head.startswith("e "):
                scripts.append(Data(head[2:], data.labels))
            elif piece[:1] == "s" and piece[3:] and piece[2:].split(piece[1])[-1].strip("gpIi0123456789") == "e":
                scripts.append(call.stdin)
    return Inner(scripts=scripts) if scripts else None


_SPECIAL: Mapping[str, Callable[[Call], Inner | None]] = {
    **remote.WRAPPERS,
    **spreading.WRAPPERS,
    **run_options.WRAPPERS,
    "sed": _sed,
    "gsed": _sed,
    "eval": _eval,
    "trap": _trap,
    "alias": _alias,
    "su": _su,
    "sg": _script,
    "script": _script,
    "watch": _watch,
    "flock": _flock,
    **dict.fromkeys(("at", "batch", "qsub"), _scheduled),
    "screen": _terminal,
    "tmux": _terminal,
    "cmd": _cmd,
    **dict.fromkeys(("%", "foreach-object"), _for_each),
    "powershell": _powershell,
    "pwsh": _powershell,
    "nix-shell": _nix,
    "vagrant": _script,
    **dict.fromkeys(
        ("mosh", "limactl", "distrobox", "toolbox", "wsl", "adb", "multipass", "dotenvx"),
        _behind("--", "-e", "--exec", "shell", "exec"),
    ),
    **dict.fromkeys(("infisical", "chamber", "teller", "numactl", "cpulimit", "guix"), _behind("--")),
    "fab": _behind("--"),
    "knife": lambda call: Inner(scripts=[joined(call.args[2:])]) if call.argv[:1] == ["ssh"] else None,
    "heroku": _behind("run", "run:detached", "run:inside"),
    **dict.fromkeys(("sqlite3", "psql", "mysql", "mariadb", "duckdb"), _client),
    **dict.fromkeys(("npx", "bunx", "uvx"), _package_runner),
    **dict.fromkeys(("ed", "red", "m4", "dc", "ftp", "lftp", "mail", "gdb", "lldb"), _line_driven),
    **dict.fromkeys(("python", "python3", "python2", "pypy3"), _module),
    "chsh": lambda _call: None,
    "pct": lambda call: Inner([call.args[3:]]),
}
