"""Filters, decoders and printers that are followed: what each writes for what it reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from . import decoders, listings
from .model import ANYTHING, HOME, NOTHING, UNKNOWN, Call, Data, Field, Label
from .quoting import ansi_c
from .sources import Files, cat, path_labels, read_labels, source_of


def _echo(call: Call, _files: Files) -> Data:
    args = list(call.args)
    escapes = False
    while args and len(args[0].text) > 1 and args[0].text[0] == "-" and set(args[0].text[1:]) <= set("neE"):
        escapes = escapes or "e" in args.pop(0).text
    text = " ".join(arg.text for arg in args)
    labels = frozenset(label for arg in args for label in arg.data.labels)
    return Data(ansi_c(text) if escapes else text, labels)


def _printf(call: Call, _files: Files) -> Data:
    if not call.args:
        return NOTHING
    labels = frozenset(label for arg in call.args for label in arg.data.labels)
    first = 1 if call.args[0].text == "--" else 0
    pattern = ansi_c(call.args[first].text) if len(call.args) > first else ""
    rest = [arg.text for arg in call.args[first + 1 :]]
    if "%" not in pattern:
        return Data(pattern, labels)
    out: list[str] = []
    for _ in range(max(1, min(len(rest), 64))):
        piece, rest = _format(pattern, rest)
        out.append(piece)
        if not rest:
            break
    return Data("".join(out), labels)


def _format(pattern: str, values: list[str]) -> tuple[str, list[str]]:
    out, at = [], 0
    while at < len(pattern):
        mark = pattern.find("%", at)
        if mark < 0:
            out.append(pattern[at:])
            break
        out.append(pattern[at:mark])
        at = mark + 1
        while at < len(pattern) and pattern[at] in "-+ #0123456789.":
            at += 1
        letter = pattern[at : at + 1]
        at += 1
        if letter == "%":
            out.append("%")
        elif letter:
            taken = values[0] if values else ""
            values = values[1:]
            out.append(ansi_c(taken) if letter == "b" else taken)
    return "".join(out), values


def _sed(call: Call, files: Files) -> Data:
    source = source_of(Call("sed", call.args[1:], call.stdin, inputs=call.inputs), files)
    labels = source.labels | frozenset(read_labels(call, files))
    program = (call.operands or [call.option("-e", "--expression") or ""])[0]
    if source.known and program[3:] and program[0] == "s":
        pieces = program[2:].split(program[1])
        special = any(mark in pieces[0] for mark in ".*[]^$\\")
        if len(pieces) == 3 and not special and "&" not in pieces[1]:  # noqa: PLR2004
            count = -1 if "g" in pieces[2] else 1
            return Data(source.text.replace(pieces[0], pieces[1], count), labels)
    return Data(UNKNOWN, labels)


def _same(call: Call, files: Files) -> Data:
    source = source_of(call, files)
    return Data(source.text if source.known else UNKNOWN, source.labels)


def _head(call: Call, files: Files) -> Data:
    """Head and tail: perhaps all of it, so all of it is judged."""
    operands = [text for text in call.operands if not text.lstrip("+").isdigit()]
    call = Call(call.name, [a for a in call.args if a.text in operands], call.stdin, inputs=call.inputs)
    data = _same(call, files)
    return Data(data.text, data.labels - {Label.ENDLESS})


def _dd(call: Call, files: Files) -> Data:
    values = dict(text.partition("=")[::2] for text in call.argv if "=" in text)
    if values.get("of"):
        return NOTHING
    data = cat(Call("cat", [Field(Data(values["if"]))], folder=call.folder), files) if "if" in values else call.stdin
    return Data(data.text, data.labels - {Label.ENDLESS}) if "count" in values else data


def _is_served(path: str) -> bool:
    """Whether a folder is one that a machine keeps for others: no project's, no temporary one."""
    return path.startswith("/") and not path.startswith(("/tmp/", "/var/tmp/", "/home/", "/Users/", "/workspace"))  # noqa: S108


def _tar(call: Call, files: Files) -> Data:
    labels = read_labels(call, files)
    folder = call.option("-C", "--directory")
    if folder:
        labels |= path_labels(folder, call.folder)
    if call.has("T", "--files-from") or "T" in "".join(call.argv[:1]) or call.name == "cpio":
        labels |= {label for path in call.stdin.text.split()[:200] for label in path_labels(path, call.folder)}
    packs = call.has("c", "--create") or "c" in call.argv[:1][0][:4] if call.argv else False
    if {".", "*", "./", ".."} & set(call.operands) or (packs and any(map(_is_served, call.operands))):
        labels.add(Label.DUMP)
    return Data(UNKNOWN, frozenset(labels))


def _which(call: Call, _files: Files) -> Data:
    """Where programs stand: some folder of programs, whichever."""
    return Data(" ".join(f"/usr/local/bin/{name}" for name in call.operands))


def literal(call: Call) -> Data | None:
    """Jq and yq that read nothing and write the text that stands in their program."""
    program = (call.operands or [""])[0].strip().removeprefix("@sh").removeprefix("@text").strip()
    return Data(program[1:-1]) if call.has("n", "--null-input") and program[:1] == program[-1:] == '"' else None


def _dirname(call: Call, _files: Files) -> Data:
    text = call.operands[0] if call.operands else UNKNOWN
    head = text.rstrip("/").rpartition("/")[0]
    return Data(head or ("/" if text.startswith("/") else "."))


def _basename(call: Call, _files: Files) -> Data:
    text = call.operands[0] if call.operands else UNKNOWN
    return Data(text.rstrip("/").rpartition("/")[2])


def _realpath(call: Call, _files: Files) -> Data:
    return Data(call.operands[-1]) if call.operands else ANYTHING


MANY = 5000
"""How many values are more than programs should be started for at once."""


def _seq(call: Call, _files: Files) -> Data:
    last = max((int(text[:12]) for text in call.operands if text.isdigit()), default=0)
    return Data("1 2", frozenset({Label.MANY}) if last >= MANY else frozenset())


WRITERS: Mapping[str, Callable[[Call, Files], Data]] = {
    **decoders.WRITERS,
    **listings.WRITERS,
    "echo": _echo,
    "printf": _printf,
    "print": _echo,
    "write-output": _echo,
    "cat": cat,
    "tac": cat,
    "less": cat,
    "sed": _sed,
    "tee": lambda call, _files: call.stdin,
    "pv": _same,
    "head": _head,
    "tail": _head,
    "sort": _same,
    "uniq": _same,
    "tar": _tar,
    **dict.fromkeys(("get-content", "gc"), cat),
    "get-psreadlineoption": lambda _call, _files: Data(HOME + "/.ps_history"),
    **dict.fromkeys(
        ("get-process", "gps"),
        lambda call, _files: Data(UNKNOWN, frozenset() if call.operands else frozenset({Label.PROCESSES})),
    ),
    "dirname": _dirname,
    **dict.fromkeys(("which", "where", "whereis", "type", "command"), _which),
    "basename": _basename,
    "realpath": _realpath,
    "readlink": _realpath,
    "seq": _seq,
    **dict.fromkeys((":", "true", "false", "test", "[", "[["), lambda _call, _files: NOTHING),
    "yes": lambda call, _files: Data(" ".join(call.operands) or "y", frozenset({Label.ENDLESS})),
    "dd": _dd,
    "compgen": lambda _call, _files: Data(UNKNOWN, frozenset({Label.PRIVATE})),
}
