"""Filters, decoders and printers that are followed: what each writes for what it reads."""

# ruff: noqa: ARG001, ARG005 (one signature for all of a table)

from __future__ import annotations

import base64
import binascii
import codecs
import string
from collections.abc import Callable, Mapping
from typing import Protocol

from .guards import is_guard
from .model import ANYTHING, HOME, NOTHING, UNKNOWN, Call, Data, Field, Label
from .quoting import ansi_c
from .secrets import is_private, is_secret, is_secret_folder
from .targets import is_device
from .wrappers import find_paths


class Files(Protocol):
    """What is known of files' contents."""

    def content(self, path: str) -> Data | None:
        """What the same text wrote into a file; None if nothing."""


def read_labels(call: Call, files: Files) -> set[Label]:
    """The labels of the files that the call is given."""
    labels: set[Label] = set()
    for path in [*call.operands, *call.inputs]:
        labels |= path_labels(path, call.folder)
        written = files.content(path)
        if written is not None:
            labels |= written.labels
    for arg in call.args:
        if Label.REMOTE in arg.data.labels or Label.SECRET in arg.data.labels or Label.PRIVATE in arg.data.labels:
            labels |= arg.data.labels
    return labels


ENDLESS_DEVICES = frozenset({"/dev/zero", "/dev/urandom", "/dev/random", "/dev/full", "/dev/srandom"})


def path_labels(path: str, folder: str) -> set[Label]:
    """SECRET and PRIVATE for a path that is such."""
    if is_secret(path, folder) or is_secret_folder(path, folder):
        return {Label.SECRET}
    if path in ENDLESS_DEVICES:
        return {Label.ENDLESS}
    if is_device(path):
        return {Label.DUMP}
    if path.startswith(("/dev/tcp/", "/dev/udp/")):
        return {Label.REMOTE}
    if path in {"/etc/hostname", "/etc/machine-id", "/etc/os-release"}:
        return {Label.HOST}
    return {Label.PRIVATE} if is_private(path, folder) else set()


def _echo(call: Call, files: Files) -> Data:
    args = list(call.args)
    escapes = False
    while args and len(args[0].text) > 1 and args[0].text[0] == "-" and set(args[0].text[1:]) <= set("neE"):
        escapes = escapes or "e" in args.pop(0).text
    text = " ".join(arg.text for arg in args)
    labels = frozenset(label for arg in args for label in arg.data.labels)
    return Data(ansi_c(text) if escapes else text, labels)


def _printf(call: Call, files: Files) -> Data:
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


def _cat(call: Call, files: Files) -> Data:
    paths = [path for path in [*call.operands, *call.inputs] if path != "-"]
    if not paths:
        return call.stdin
    labels = frozenset(read_labels(call, files))
    known = [files.content(path) for path in paths]
    parts = [data.text if data is not None else UNKNOWN for data in known]
    if "-" in call.operands:
        labels |= call.stdin.labels
    return Data("".join(parts), labels)


def _source(call: Call, files: Files) -> Data:
    """What a filter reads: its operands' contents or its input."""
    paths = [path for path in [*call.operands, *call.inputs] if path != "-"]
    return _cat(Call("cat", call.args, call.stdin, inputs=call.inputs), files) if paths else call.stdin


def _opaque(source: Data) -> Data:
    return Data(UNKNOWN, source.labels | {Label.OPAQUE})


def _base64(call: Call, files: Files) -> Data:
    source = _source(call, files)
    if not call.has("dD", "--decode"):
        text = base64.b64encode(source.text.encode("utf-8", "replace")).decode() if source.known else UNKNOWN
        return Data(text, source.labels)
    return _decoded(source, lambda raw: base64.b64decode(raw + "=" * (-len(raw) % 4)))


def _base32(call: Call, files: Files) -> Data:
    source = _source(call, files)
    if not call.has("dD", "--decode"):
        return Data(UNKNOWN, source.labels)
    return _decoded(source, base64.b32decode)


def _xxd(call: Call, files: Files) -> Data:
    source = _source(call, files)
    if not call.has("r"):
        return Data(UNKNOWN, source.labels | frozenset(read_labels(call, files)))
    return _decoded(source, bytes.fromhex)


def _decoded(source: Data, decode: Callable[[str], bytes]) -> Data:
    if not source.known:
        return _opaque(source)
    try:
        text = decode("".join(source.text.split())).decode("utf-8")
    except (binascii.Error, ValueError):
        return _opaque(source)
    return Data(text, source.labels)


def _openssl(call: Call, files: Files) -> Data:
    verb = call.operands[:1]
    decodes = call.has("", "-d")
    if (verb == ["base64"] or call.has("", "-base64", "-a")) and decodes and not call.has("", "-k", "-pass", "-K"):
        return _decoded(call.stdin, base64.b64decode)
    if verb == ["s_client"]:
        return Data(UNKNOWN, frozenset({Label.REMOTE}))
    return _opaque(call.stdin) if decodes else Data(UNKNOWN, call.stdin.labels | frozenset(read_labels(call, files)))


def _rev(call: Call, files: Files) -> Data:
    source = _source(call, files)
    return Data("\n".join(line[::-1] for line in source.text.split("\n")), source.labels)


_CLASSES = {
    "[:upper:]": string.ascii_uppercase,
    "[:lower:]": string.ascii_lowercase,
    "[:space:]": " \t\n\r\v\f",
    "[:digit:]": string.digits,
    "[:alpha:]": string.ascii_letters,
}


def _set(text: str) -> str:
    """A tr set written out: ranges and classes."""
    text = ansi_c(text)
    for name, members in _CLASSES.items():
        text = text.replace(name, members)
    out: list[str] = []
    at = 0
    while at < len(text) and len(out) < 1024:  # noqa: PLR2004
        if text[at + 1 : at + 2] == "-" and at + 2 < len(text) and ord(text[at]) <= ord(text[at + 2]) < 256:  # noqa: PLR2004
            out.extend(chr(code) for code in range(ord(text[at]), ord(text[at + 2]) + 1))
            at += 3
        else:
            out.append(text[at])
            at += 1
    return "".join(out)


def _tr(call: Call, files: Files) -> Data:
    labels = call.stdin.labels | frozenset(label for path in call.inputs for label in path_labels(path, call.folder))
    sets = [_set(text) for text in call.operands]
    if not sets:
        return Data(UNKNOWN, labels)
    if call.has("d") and not call.has("c"):
        return Data(call.stdin.text.translate({ord(c): None for c in sets[0] if c != UNKNOWN}), labels)
    if len(sets) > 1 and sets[1] and not call.has("c"):
        target = sets[1] + sets[1][-1] * max(0, len(sets[0]) - len(sets[1]))
        return Data(call.stdin.text.translate(dict(zip(map(ord, sets[0]), target, strict=False))), labels)
    return Data(call.stdin.text if call.has("s") else UNKNOWN, labels)


def _sed(call: Call, files: Files) -> Data:
    source = _source(Call("sed", call.args[1:], call.stdin, inputs=call.inputs), files)
    labels = source.labels | frozenset(read_labels(call, files))
    program = (call.operands or [call.option("-e", "--expression") or ""])[0]
    if source.known and len(program) > 3 and program[0] == "s":  # noqa: PLR2004
        pieces = program[2:].split(program[1])
        special = any(mark in pieces[0] for mark in ".*[]^$\\")
        if len(pieces) == 3 and not special and "&" not in pieces[1]:  # noqa: PLR2004
            count = -1 if "g" in pieces[2] else 1
            return Data(source.text.replace(pieces[0], pieces[1], count), labels)
    return Data(UNKNOWN, labels)


def _same(call: Call, files: Files) -> Data:
    source = _source(call, files)
    return Data(source.text if source.known else UNKNOWN, source.labels)


def homes(call: Call) -> Data | None:
    """Everybody's folders, where a call writes that column of the accounts' file; None otherwise.

    Args:
        call: of cut or awk.
    """
    sixth = call.option("-f", "--fields") == "6" or any("$6" in text for text in call.operands[:1])
    accounts = "/etc/passwd" in [*call.operands, *call.inputs] or Label.PRIVATE in call.stdin.labels
    return Data("/root /home/*", frozenset({Label.PRIVATE})) if sixth and accounts else None


def _head(call: Call, files: Files) -> Data:
    """Head and tail: perhaps all of it, so all of it is judged."""
    operands = [text for text in call.operands if not text.isdigit()]
    call = Call(call.name, [a for a in call.args if a.text in operands], call.stdin, inputs=call.inputs)
    data = _same(call, files)
    return Data(data.text, data.labels - {Label.ENDLESS})


def _dd(call: Call, files: Files) -> Data:
    values = dict(text.partition("=")[::2] for text in call.argv if "=" in text)
    if values.get("of"):
        return NOTHING
    data = _cat(Call("cat", [Field(Data(values["if"]))], folder=call.folder), files) if "if" in values else call.stdin
    return Data(data.text, data.labels - {Label.ENDLESS}) if "count" in values else data


def _disks(call: Call, files: Files) -> Data:
    """The machine's disks: a name that stands for all of them."""
    shown = {data.text for data in call.options("-o", "--output")}
    if any(not text.isupper() and "," not in text and text not in shown for text in call.operands):
        return Data(UNKNOWN)
    whole = call.name != "lsblk" or call.has("p", "--paths") or any("PATH" in text for text in call.argv)
    return Data("/dev/sda" if whole else "sda", frozenset({Label.DISKS}))


def _process_ids(call: Call, files: Files) -> Data:
    labels = {Label.GUARD} if any(is_guard(name.strip("^$")) for name in call.operands) else set()
    if call.name == "pgrep" and (not call.operands or "." in call.operands):
        labels.add(Label.PROCESSES)
    return Data(UNKNOWN, frozenset(labels))


def _is_served(path: str) -> bool:
    """Whether a folder is one that a machine keeps for others: no project's, no temporary one."""
    return path.startswith("/") and not path.startswith(("/tmp/", "/var/tmp/", "/home/", "/Users/", "/workspace"))  # noqa: S108


def _tar(call: Call, files: Files) -> Data:
    labels = read_labels(call, files)
    folder = call.option("-C", "--directory")
    if folder:
        labels |= path_labels(folder, call.folder)
    if call.has("T", "--files-from") or "T" in "".join(call.argv[:1]):
        labels |= {label for path in call.stdin.text.split()[:200] for label in path_labels(path, call.folder)}
    packs = call.has("c", "--create") or "c" in call.argv[:1][0][:4] if call.argv else False
    if {".", "*", "./", ".."} & set(call.operands) or (packs and any(map(_is_served, call.operands))):
        labels.add(Label.DUMP)
    return Data(UNKNOWN, frozenset(labels))


def _find(call: Call, files: Files) -> Data:
    return Data(" ".join(find_paths(call)))


def _children(call: Call, files: Files) -> Data:
    """PowerShell's listing: the folders that it goes through, or the environment."""
    if any(text.lower().startswith("env:") for text in call.operands):
        return Data(UNKNOWN, frozenset({Label.PRIVATE}))
    named = [text for text in call.operands if "\\" in text or ":" in text or text.startswith("/")]
    return Data(" ".join(named) or UNKNOWN)


def _locate(call: Call, files: Files) -> Data:
    """Paths of the whole machine, whoever's they are: a name in every home stands for them."""
    return Data(" ".join(f"/home/* /root/{name.lstrip('/')}" for name in call.operands))


def _ls(call: Call, files: Files) -> Data:
    paths = call.operands
    if not paths:
        return ANYTHING
    if any(path.rstrip("/") == "/proc" for path in paths):
        return Data(UNKNOWN, frozenset({Label.PROCESSES}))
    return Data(
        " ".join(path if any(m in path for m in "*?[") or call.has("d") else path.rstrip("/") + "/*" for path in paths)
    )


def _rot13(call: Call, files: Files) -> Data:
    return Data(codecs.encode(call.stdin.text, "rot13"), call.stdin.labels)


def _dirname(call: Call, files: Files) -> Data:
    text = call.operands[0] if call.operands else UNKNOWN
    head = text.rstrip("/").rpartition("/")[0]
    return Data(head or ("/" if text.startswith("/") else "."))


def _basename(call: Call, files: Files) -> Data:
    text = call.operands[0] if call.operands else UNKNOWN
    return Data(text.rstrip("/").rpartition("/")[2])


def _realpath(call: Call, files: Files) -> Data:
    return Data(call.operands[-1]) if call.operands else ANYTHING


MANY = 5000
"""How many values are more than programs should be started for at once."""


def _seq(call: Call, files: Files) -> Data:
    last = max((int(text[:12]) for text in call.operands if text.isdigit()), default=0)
    return Data("1 2", frozenset({Label.MANY}) if last >= MANY else frozenset())


WRITERS: Mapping[str, Callable[[Call, Files], Data]] = {
    "echo": _echo,
    "printf": _printf,
    "print": _echo,
    "write-output": _echo,
    "cat": _cat,
    "tac": _cat,
    "less": _cat,
    "base64": _base64,
    "gbase64": _base64,
    "base32": _base32,
    "xxd": _xxd,
    "openssl": _openssl,
    "rev": _rev,
    "tr": _tr,
    "sed": _sed,
    "tee": lambda call, _files: call.stdin,
    "pv": _same,
    "head": _head,
    "tail": _head,
    "sort": _same,
    "uniq": _same,
    "tar": _tar,
    "find": _find,
    **dict.fromkeys(("get-content", "gc"), _cat),
    "get-psreadlineoption": lambda call, _files: Data(HOME + "/.ps_history"),
    **dict.fromkeys(("which", "where", "whereis"), lambda call, _files: Data(" ".join(call.operands))),
    **dict.fromkeys(("get-childitem", "gci", "dir"), _children),
    **dict.fromkeys(
        ("get-process", "gps"),
        lambda call, _files: Data(UNKNOWN, frozenset() if call.operands else frozenset({Label.PROCESSES})),
    ),
    **dict.fromkeys(("locate", "plocate", "mlocate"), _locate),
    "ls": _ls,
    "rot13": _rot13,
    "dirname": _dirname,
    "basename": _basename,
    "realpath": _realpath,
    "readlink": _realpath,
    "seq": _seq,
    **dict.fromkeys((":", "true", "false", "test", "[", "[["), lambda call, _files: NOTHING),
    "yes": lambda call, _files: Data(" ".join(call.operands) or "y", frozenset({Label.ENDLESS})),
    **dict.fromkeys(("lsblk", "blkid", "findmnt"), _disks),
    **dict.fromkeys(("pidof", "pgrep"), _process_ids),
    "dd": _dd,
    "compgen": lambda call, _files: Data(UNKNOWN, frozenset({Label.PRIVATE})),
}
