"""What a call reads: files' contents known from the same text, and labels of those that aren't."""

from __future__ import annotations

from typing import Protocol

from .model import UNKNOWN, Call, Data, Label
from .secrets import is_private, is_secret, is_secret_folder
from .targets import is_device


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


_BACKUPS = ("/var/backups/", "/backup/", "/backups/", "/srv/backup")


def path_labels(path: str, folder: str) -> set[Label]:
    """SECRET and PRIVATE for a path that is such."""
    if is_secret(path, folder) or is_secret_folder(path, folder):
        return {Label.SECRET}
    if path in ENDLESS_DEVICES:
        return {Label.ENDLESS}
    if is_device(path) or path.startswith(_BACKUPS):
        return {Label.DUMP}
    if path.startswith(("/dev/tcp/", "/dev/udp/")):
        return {Label.REMOTE}
    if path in {"/etc/hostname", "/etc/machine-id", "/etc/os-release"}:
        return {Label.HOST}
    return {Label.PRIVATE} if is_private(path, folder) else set()


def cat(call: Call, files: Files) -> Data:
    """What a call reads, one file after the other: its operands, else its input."""
    paths = [path for path in [*call.operands, *call.inputs] if path != "-"]
    if not paths:
        return call.stdin
    labels = frozenset(read_labels(call, files))
    known = [files.content(path) for path in paths]
    parts = [data.text if data is not None else UNKNOWN for data in known]
    if "-" in call.operands:
        labels |= call.stdin.labels
    return Data("".join(parts), labels)


def source_of(call: Call, files: Files) -> Data:
    """What a filter reads: its operands' contents or its input."""
    paths = [path for path in [*call.operands, *call.inputs] if path != "-"]
    return cat(Call("cat", call.args, call.stdin, inputs=call.inputs), files) if paths else call.stdin
