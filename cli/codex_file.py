"""Codex's `config.toml` on disk: read, replaced in one step, backed up beside itself, restored."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from .codex_config import MergeError, unmerge

_MARK = ".aura-backup-"
_ABSENT = "-absent"


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """The file, seen through any symbolic link.

    Args:
        path: `$CODEX_HOME/config.toml`.
    """

    path: Path

    @property
    def target(self) -> Path:
        """The real file behind a symbolic link."""
        return self.path.resolve()

    def read(self) -> str:
        """Its text with line ends as they are; empty if there is none.

        Raises:
            MergeError: it can't be read as UTF-8 text.
        """
        try:
            return self.target.read_bytes().decode("utf-8")
        except FileNotFoundError:
            return ""
        except UnicodeDecodeError as error:
            raise MergeError(f"it is not UTF-8 text (byte {error.start}); correct that first.") from None
        except OSError as error:
            raise MergeError(f"it can't be read ({error.strerror}); look at its mode.") from None

    def write(self, before: str, after: str) -> Path:
        """Replace `before` by `after` in one step, keeping mode and owner; returns the backup.

        Raises:
            MergeError: somebody changed the file since it was read, or it can't be written.
        """
        if self.read() != before:
            raise MergeError("it was changed by somebody else meanwhile; run the command again.")
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        name = f"{self.target.name}{_MARK}{stamp}-{_digest(after)}"
        try:
            self.target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self.target.exists():
                backup = self.target.with_name(name)
                shutil.copy2(self.target, backup)
            else:
                backup = self.target.with_name(name + _ABSENT)
                backup.touch(mode=0o600)
            self._replace(after)
        except OSError as error:
            raise MergeError(
                f"it can't be written ({error.strerror}: {error.filename}); make room or look at its mode."
            ) from None
        return backup

    def backup(self) -> Path | None:
        """The newest backup, or None."""
        found = sorted(self.target.parent.glob(f"{self.target.name}{_MARK}*"))
        return found[-1] if found else None

    def restored(self, backup: Path) -> str:
        """The text that `undo` leaves: the backup's, or, if the file was edited since, without our servers only.

        Raises:
            MergeError: it can't be edited safely.
        """
        now, then = self.read(), "" if backup.name.endswith(_ABSENT) else backup.read_bytes().decode("utf-8")
        digest = backup.name.removesuffix(_ABSENT).rpartition("-")[2]
        return then if _digest(now) == digest else unmerge(now, then)

    def undo(self, backup: Path) -> None:
        """Write what `restored` says (no file, where there was none) and remove the backup.

        Raises:
            MergeError: the file can't be edited safely, or not written.
        """
        text = self.restored(backup)
        try:
            if not text and backup.name.endswith(_ABSENT):
                self.target.unlink(missing_ok=True)
            else:
                self._replace(text)
            backup.unlink()
        except OSError as error:
            raise MergeError(
                f"it can't be written ({error.strerror}: {error.filename}); make room or look at its mode."
            ) from None

    def _replace(self, text: str) -> None:
        target = self.target
        draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(text.encode("utf-8"))
                file.flush()
                os.fsync(file.fileno())
            if target.exists():
                there = target.stat()
                with contextlib.suppress(PermissionError):
                    os.chown(draft, there.st_uid, there.st_gid)
                draft.chmod(there.st_mode & 0o7777)
            draft.replace(target)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]
