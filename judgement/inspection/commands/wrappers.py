"""Programs that run another program, and how to find it in their arguments."""

# ruff: noqa: ARG005 (one signature for all of a table)

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from . import modules
from .model import UNKNOWN, Call, Data, Field
from .prefixes import CONTAINER_VALUED, CONTAINERS, PREFIXES, RUNNERS, SCRIPT_OPTIONS, SSH_VALUED, Shape, past_options


@dataclass(slots=True)
class Inner:
    """What a wrapper runs.

    Args:
        commands: argument vectors.
        scripts: shell texts.
        folder: where it runs, if the wrapper says so.
        stdin: what it reads instead of the wrapper's own input; None leaves that.
    """

    commands: list[list[Field]] = field(default_factory=list)
    scripts: list[Data] = field(default_factory=list)
    folder: str | None = None
    stdin: Data | None = None


def unwrap(call: Call) -> Inner | None:
    """What the call runs, if it is a wrapper that runs something; None otherwise."""
    special = _SPECIAL.get(call.name)
    if special is not None:
        return special(call)
    shape = PREFIXES.get(call.name)
    if shape is not None:
        return _prefix(call, shape)
    if call.name in RUNNERS and call.args and call.args[0].text in RUNNERS[call.name]:
        rest = call.args[1:]
        return Inner([rest[past_options(rest, "-n -p --with --env-file") :]])
    if call.name in CONTAINERS:
        return _container(call)
    return None


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


def _joined(fields: list[Field]) -> Data:
    labels = frozenset(label for item in fields for label in item.data.labels)
    return Data(" ".join(item.text for item in fields), labels)


def _eval(call: Call) -> Inner:
    return Inner(scripts=[_joined(call.args)])


def _alias(call: Call) -> Inner:
    return Inner(
        scripts=[
            Data(text.partition("=")[2], arg.data.labels) for arg in call.args for text in [arg.text] if "=" in text
        ]
    )


def _trap(call: Call) -> Inner:
    return Inner(scripts=[call.args[0].data] if len(call.args) > 1 else [])


def _ssh(call: Call) -> Inner:
    said = [data.text for data in call.options("-o")]
    held = [(text if "=" in text.split(" ")[0] else text.replace(" ", "=", 1)).partition("=") for text in said]
    local = [Data(command) for name, _, command in held if name.lower() in {"proxycommand", "localcommand"}]
    inner = _on_host(call)
    inner.scripts += local
    return inner


def _on_host(call: Call) -> Inner:
    at = past_options(call.args, SSH_VALUED) + 1
    rest = call.args[at:]
    if rest and rest[0].text.startswith("-"):
        rest = rest[past_options(rest, SSH_VALUED) :]
    if rest:
        return Inner(scripts=[_joined(rest)])
    return Inner(scripts=[call.stdin] if call.stdin.known and call.stdin.text else [])


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
        return None if at is None else Inner(scripts=[_joined(call.args[at + 1 :])])

    return rule


def _on_many(call: Call) -> Inner:
    """pdsh, clush and such: options with the machines' names, then a command."""
    return Inner(scripts=[_joined(call.args[past_options(call.args, "-w -g -x -l -f -t -h -H -p --hosts --host") :])])


def _remote_option(*options: str) -> Callable[[Call], Inner | None]:
    """A cloud's client that hands an option's value to a machine's shell."""

    def rule(call: Call) -> Inner | None:
        texts = [text.removeprefix("commands=").strip("[]\"'") for text in (d.text for d in call.options(*options))]
        return Inner(scripts=[Data(text) for text in texts]) if texts else None

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


_CLIENT_ESCAPES = (".shell ", ".system ", "\\! ", "\\!", "system ")
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
    return Inner(scripts=[_joined(call.args[past_options(call.args, "-n --interval") :])])


def _flock(call: Call) -> Inner:
    if call.option("-c", "--command") is not None:
        return Inner(scripts=call.options("-c", "--command"))
    return Inner([call.args[past_options(call.args, "-w -E --timeout") + 1 :]])


def _xargs(call: Call) -> Inner:
    args = call.args[past_options(call.args, "-I -n -P -L -d -s -a -E --replace --max-args --max-procs --delimiter") :]
    texts = call.stdin.text.split("\0") if "\0" in call.stdin.text else call.stdin.text.split()
    items = [Field(Data(text, call.stdin.labels), globs=True) for text in texts[:200] if text]
    if not items:
        items = [Field(Data(UNKNOWN, call.stdin.labels))]
    mark = call.option("-I", "--replace", "-i") or ("{}" if call.has("i") else None)
    if mark is None:
        return Inner([args + items], stdin=Data())
    labels = call.stdin.labels
    whole = [item.text for item in items]
    made = [
        [Field(Data(arg.text.replace(mark, text), arg.data.labels | labels), arg.globs) for arg in args]
        for text in whole[:20]
    ]
    return Inner(made, stdin=Data())


def _parallel(call: Call) -> Inner:
    args = call.args[past_options(call.args, "-j -a -N -n --jobs -S --arg-file -I -d") :]
    marks = [n for n, arg in enumerate(args) if arg.text in {":::", "::::", ":::+"}]
    head = args[: marks[0]] if marks else args
    items = (
        args[marks[0] + 1 :] if marks else [Field(Data(text, call.stdin.labels)) for text in call.stdin.text.split()]
    )
    if not head:
        return Inner(scripts=[item.data for item in items[:100]])
    template = _joined(head)
    if "{" not in template.text:
        template = Data(template.text + " {}", template.labels)
    return Inner(scripts=[Data(template.text.replace("{}", item.text), template.labels) for item in items[:50]])


def _find(call: Call) -> Inner:
    found = find_paths(call)
    commands: list[list[Field]] = []
    args = call.args
    for at, arg in enumerate(args):
        if arg.text in {"-exec", "-execdir", "-ok", "-okdir"}:
            end = next((n for n in range(at + 1, len(args)) if args[n].text in {";", "+"}), len(args))
            inner = args[at + 1 : end]
            commands.extend(
                [Field(Data(part.text.replace("{}", path), part.data.labels), globs=True) for part in inner]
                for path in found
            )
        elif arg.text == "-delete":
            commands.extend([[Field(Data("rm")), Field(Data("-r")), Field(Data(path), globs=True)] for path in found])
    return Inner(commands)


_FIND_TESTS = ("-name", "-iname", "-path", "-ipath", "-wholename", "-regex", "-iregex")
_FIND_NARROW = tuple(
    """
    -mtime -mmin -user -empty -newer -size -inum -atime -ctime -nouser -xtype
""".split()
)


def find_paths(call: Call) -> list[str]:
    """What find would find, as paths with globs: the whole of each starting point, or what its name tests allow."""
    args = call.argv
    stop = next(
        (n for n, text in enumerate(args) if text.startswith(("-", "(", "!")) and text not in {"-L", "-H", "-P"}),
        len(args),
    )
    roots = [text for text in args[:stop] if not text.startswith("-")] or ["."]
    names = [
        args[n + 1] for n, text in enumerate(args[:-1]) if text in _FIND_TESTS and args[n - 1] not in {"!", "-not"}
    ]
    if any(args[n - 1] in {"!", "-not"} for n, text in enumerate(args) if n and text in {"-name", "-iname"}):
        names = []
    narrow = any(text in _FIND_NARROW for text in args) or "-perm" in args
    if not names or all(name in {"*", "*.*", ".*", "?*"} for name in names):
        return [root.rstrip("/") + ("/" + UNKNOWN if narrow else "/*") for root in roots]
    return [f"{root.rstrip('/')}/{name.lstrip('/')}" for root in roots for name in names][:40]


def _fd(call: Call) -> Inner:
    at = next((n for n, arg in enumerate(call.args) if arg.text in {"-x", "-X", "--exec", "--exec-batch"}), None)
    if at is None:
        return Inner()
    roots = [text for text in call.argv[:at] if text.startswith(("/", "~", ".")) and text != "."] or ["."]
    template = call.args[at + 1 :]
    if not any("{" in arg.text for arg in template):
        template = [*template, Field(Data("{}"))]
    return Inner(
        [
            [
                Field(Data(arg.text.replace("{}", f"{root.rstrip('/')}/*"), arg.data.labels), globs=True)
                for arg in template
            ]
            for root in roots
        ]
    )


def _container(call: Call) -> Inner | None:
    args = call.args[past_options(call.args, CONTAINER_VALUED) :]
    if not args:
        return None
    verb = args[0].text
    if verb in {"compose", "container", "exec", "run", "debug", "tasks", "kubectl"} and len(args) > 1:
        rest = args[1:]
        if verb in {"compose", "container", "tasks", "kubectl"}:
            return _container(Call(call.name, rest, call.stdin))
        entry = Call(call.name, rest).option("--entrypoint")
        dashes = next((n for n, arg in enumerate(rest) if arg.text == "--"), None)
        if call.name in {"kubectl", "oc", "lxc", "k3s", "microk8s"}:
            return (
                Inner([rest[dashes + 1 :]])
                if dashes is not None
                else Inner([rest[past_options(rest, CONTAINER_VALUED) + 1 :]])
            )
        at = past_options(rest, CONTAINER_VALUED) + (2 if call.name == "ctr" else 1)
        inner = rest[at:]
        return Inner([[Field(Data(entry)), *inner] if entry else inner])
    dashes = next((n for n, arg in enumerate(args) if arg.text == "--"), None)
    return Inner([args[dashes + 1 :]]) if verb == "create" and dashes is not None else None


def _scheduled(call: Call) -> Inner:
    return Inner(scripts=[call.stdin] if call.stdin.text and call.stdin.known else [])


def _terminal(call: Call) -> Inner:
    """Screen and tmux: what follows the session's options."""
    args = call.args
    if call.name == "screen" and "stuff" in call.argv:
        typed = _joined(args[call.argv.index("stuff") + 1 :])
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
    return Inner(scripts=[_joined(rest[past_options(rest, "-s -n -t -c -x -y -e -F") :])])


def _cmd(call: Call) -> Inner:
    at = next((n for n, arg in enumerate(call.args) if arg.text.lower() in {"/c", "/k"}), None)
    return Inner(scripts=[] if at is None else [_joined(call.args[at + 1 :])])


def _powershell(call: Call) -> Inner:
    for at, arg in enumerate(call.args):
        option = arg.text.lower().lstrip("-/")
        if len(option) >= 1 and "command".startswith(option):
            return Inner(scripts=[_joined(call.args[at + 1 :])])
        if option and ("encodedcommand".startswith(option) or option == "enc") and at + 1 < len(call.args):
            return Inner(scripts=[_utf16(call.args[at + 1].text)])
    if call.args and not call.args[0].text.startswith("-"):
        return Inner(scripts=[_joined(call.args)])
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


def _ansible(call: Call) -> Inner:
    module = call.option("-m", "--module-name")
    text = call.option("-a", "--args")
    if module is None or module.rpartition(".")[2] in {"shell", "command", "raw", "script"}:
        return Inner(scripts=[Data(text)] if text else [])
    told = [] if call.has("C", "--check") else modules.of_ansible(module, text or "")
    return Inner(scripts=[Data(command) for command in told])


def _salt(call: Call) -> Inner | None:
    at = next((n for n, text in enumerate(call.argv) if text[:1].isalpha() and "." in text.strip(".")), None)
    if at is None or call.has("", "test=True") or "test=True" in call.argv:
        return None
    if call.argv[at] in {"cmd.run", "cmd.shell", "cmd.run_all", "cmd.run_stdout"}:
        return Inner(scripts=[_joined(call.args[at + 1 :])])
    if call.argv[at] == "cmd.script" and call.argv[at + 1 : at + 2] and "://" in call.argv[at + 1]:
        return Inner(scripts=[Data(f"curl {call.argv[at + 1]} | sh")])
    return Inner(scripts=[Data(command) for command in modules.of_salt(call.argv[at], call.argv[at + 1 :])])


def _puppet(call: Call) -> Inner | None:
    if call.has("", "--noop"):
        return None
    if call.operands[:1] == ["resource"] and len(call.operands) > 2:  # noqa: PLR2004 (a kind and a name)
        told = modules.of_puppet(call.operands[1], call.operands[2], call.operands[3:])
    else:
        told = modules.of_manifest(" ".join([*(data.text for data in call.options("-e")), call.stdin.text]))
    return Inner(scripts=[Data(command) for command in told])


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
            elif piece[:1] == "s" and len(piece) > 3 and piece[2:].split(piece[1])[-1].strip("gpIi0123456789") == "e":  # noqa: PLR2004
                scripts.append(call.stdin)
    return Inner(scripts=scripts) if scripts else None


_SPECIAL: Mapping[str, Callable[[Call], Inner | None]] = {
    "sed": _sed,
    "gsed": _sed,
    "eval": _eval,
    "trap": _trap,
    "alias": _alias,
    "ssh": _ssh,
    "autossh": _ssh,
    "dbclient": _ssh,
    "su": _su,
    "sg": _script,
    "script": _script,
    "watch": _watch,
    "flock": _flock,
    "xargs": _xargs,
    "gxargs": _xargs,
    "parallel": _parallel,
    "find": _find,
    "gfind": _find,
    "fd": _fd,
    "fdfind": _fd,
    "at": _scheduled,
    "batch": _scheduled,
    "screen": _terminal,
    "tmux": _terminal,
    "cmd": _cmd,
    **dict.fromkeys(("%", "foreach-object"), _for_each),
    "powershell": _powershell,
    "pwsh": _powershell,
    "ansible": _ansible,
    "nix-shell": _nix,
    "vagrant": _script,
    **dict.fromkeys(("salt", "salt-call", "salt-ssh"), _salt),
    "puppet": _puppet,
    **dict.fromkeys(("pdsh", "clush", "dsh", "pssh", "parallel-ssh", "orgalorg"), _on_many),
    **dict.fromkeys(
        ("mosh", "limactl", "distrobox", "toolbox", "wsl", "adb", "multipass", "dotenvx"),
        _behind("--", "-e", "--exec", "shell", "exec"),
    ),
    **dict.fromkeys(("infisical", "chamber", "teller", "numactl", "cpulimit", "guix"), _behind("--")),
    "fab": _behind("--"),
    "knife": lambda call: Inner(scripts=[_joined(call.args[2:])]) if call.argv[:1] == ["ssh"] else None,
    "heroku": _behind("run", "run:detached", "run:inside"),
    "gcloud": _remote_option("--command"),
    "aws": _remote_option("--command", "--parameters"),
    "az": _remote_option("--scripts", "--command-line"),
    **dict.fromkeys(("fly", "flyctl"), _remote_option("-C", "--command")),
    **dict.fromkeys(("nodemon", "pnpm", "yarn"), _remote_option("--exec", "-x", "-c", "--call")),
    "sops": _remote_option("exec-env", "exec-file"),
    **dict.fromkeys(("sqlite3", "psql", "mysql", "mariadb", "duckdb"), _client),
    **dict.fromkeys(("npx", "bunx", "uvx"), _package_runner),
    **dict.fromkeys(("ed", "red", "m4", "dc", "ftp", "lftp", "mail", "gdb", "lldb"), _line_driven),
    **dict.fromkeys(("python", "python3", "python2", "pypy3"), _module),
    "chsh": lambda call: None,
    "pct": lambda call: Inner([call.args[3:]]),
}
