"""Key files: random bytes, made once, readable by their owner alone."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path

KEY_BYTES = 32


class KeyFileError(Exception):
    """A key file can't be used; the message says why and what to do."""


def load_or_create(path: Path, size: int = KEY_BYTES) -> bytes:
    """The key in a file; made first if there is none. Safe under concurrent processes: all get the same key.

    Raises:
        KeyFileError: the file has another size, or others may read it.
        OSError: the folder can't be written.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        write_private(draft, secrets.token_bytes(size))
        try:
            with contextlib.suppress(FileExistsError):
                os.link(draft, path)  # atomic, and never replaces what another process made meanwhile
        finally:
            draft.unlink()
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise KeyFileError(f"{path} may be read by others (mode {mode:o}); run chmod 600 on it, or delete it")
    key = path.read_bytes()
    if len(key) != size:
        raise KeyFileError(f"{path} holds {len(key)} bytes, not {size}; restore it, or delete it to get a new key")
    return key


def write_private(path: Path, data: bytes) -> None:
    """Write a new file of mode 0600; it mustn't exist.

    Raises:
        FileExistsError: it does.
    """
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(fd)
