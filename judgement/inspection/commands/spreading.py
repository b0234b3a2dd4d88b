"""Programs that run another one for each thing that they find or read: xargs, parallel, find, fd."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .inner import Inner, joined
from .model import UNKNOWN, Call, Data, Field
from .prefixes import past_options


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
    template = joined(head)
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


_LONG_AGO = 1000
"""Days or minutes within which nearly everything was written."""


def _spans_all(test: str, held: str = "") -> bool:
    """Whether a test of find lets nearly everything through: younger than years, greater than nothing."""
    if test == "-size":
        return held.lstrip("+").rstrip("cwbkMG") in {"0", "1"} and held[:1] == "+"
    return held[:1] == "-" and held[1:].isdigit() and int(held[1:8]) >= _LONG_AGO


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
    narrow = any(text in _FIND_NARROW and not _spans_all(*args[n : n + 2]) for n, text in enumerate(args))
    narrow = narrow or "-perm" in args
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


WRAPPERS: Mapping[str, Callable[[Call], Inner | None]] = {
    "xargs": _xargs,
    "gxargs": _xargs,
    "parallel": _parallel,
    "find": _find,
    "gfind": _find,
    "bfs": _find,
    "fd": _fd,
    "fdfind": _fd,
}
