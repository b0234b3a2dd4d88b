"""The two rule files: which ones are meant, what stands in them, and whether they may take over."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path

from aura_ia_mcp.bus.messages import RulesChanged
from aura_ia_mcp.configs.settings import Safety
from aura_ia_mcp.judgement import policy, roles
from aura_ia_mcp.judgement.policy import PolicyError
from aura_ia_mcp.judgement.roles import Roles, RolesError

MOST_BYTES = 4_000_000
_Stamp = tuple[int, int, int]


class RuleFileError(Exception):
    """The files can't be used; the message says which, where and why."""


@dataclass(frozen=True)
class Loaded:
    """Both files as they were read together, good ones."""

    event: RulesChanged
    roles: Roles


class RuleFile:
    """One rule file; its text is read again only when its size, time or place changed.

    Args:
        name: `policy.yaml` or `roles.yaml`.
        chosen: the setting; None takes the folder's file from when it is there, and the shipped one before.
        folder: where it is looked for unless it is chosen.
    """

    def __init__(self, name: str, chosen: Path | None, folder: Path) -> None:
        self._name = name
        self._usual = folder / name
        self._chosen = chosen
        self._stamp: _Stamp | None = None
        self._text = ""

    @property
    def path(self) -> Path | None:
        """The file that is meant now; None for the shipped one."""
        if self._chosen is None and self._usual.is_file():
            self._chosen = self._usual  # and stays it: were it deleted, the shipped one may allow what it forbade
        return self._chosen

    @property
    def origin(self) -> str:
        """What messages call it."""
        return str(self.path or f"{self._name} (shipped)")

    def text(self) -> str:
        """What stands in it now.

        Raises:
            RuleFileError: it can't be read, is too large, or isn't UTF-8.
        """
        path = self.path
        if path is None:
            self._stamp = None
            return (files("aura_ia_mcp.configs") / self._name).read_text("utf-8")
        try:
            found = os.stat(path)  # noqa: PTH116 - one call for both figures
            stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
            if stamp != self._stamp:
                if found.st_size > MOST_BYTES:
                    raise RuleFileError(f"{path}: it has {found.st_size} bytes; at most {MOST_BYTES} are read")
                self._text = path.read_text("utf-8")
                self._stamp = stamp
        except OSError as error:
            raise RuleFileError(f"{path}: it can't be read: {error.strerror}; restore it or mend its mode") from error
        except UnicodeDecodeError as error:
            raise RuleFileError(f"{path}: it isn't UTF-8 from byte {error.start} on") from error
        return self._text


class RuleFiles:
    """Both rule files. A change takes over as a whole, or not at all.

    Args:
        settings: where they are.
    """

    def __init__(self, settings: Safety) -> None:
        self._policy = RuleFile("policy.yaml", settings.policy_file, settings.rules_folder)
        self._roles = RuleFile("roles.yaml", settings.roles_file, settings.rules_folder)
        self._seen = ""

    def poll(self) -> Callable[[], Loaded] | None:
        """What to do about the files' content of now: parse it, or None when it is the one of the last call.

        The result raises `RuleFileError` for files that can't be used. Reads the disk: call it in a thread.
        """
        try:
            texts = self._policy.text(), self._roles.text()
        except RuleFileError as error:
            return self._once(str(error), partial(_refuse, error))
        both = hashlib.sha256("\0".join(texts).encode("utf-8", "surrogatepass")).hexdigest()
        return self._once(both, lambda: self._parse(*texts))

    def forget(self) -> None:
        """Give what stands in the files again at the next `poll`."""
        self._seen = ""

    def _once(self, content: str, then: Callable[[], Loaded]) -> Callable[[], Loaded] | None:
        if content == self._seen:
            return None
        self._seen = content
        return then

    def _parse(self, policy_text: str, roles_text: str) -> Loaded:
        try:
            table = roles.parse(roles_text, self._roles.origin)
            rules = policy.parse(policy_text, self._policy.origin)
        except (RolesError, PolicyError) as error:
            raise RuleFileError(str(error)) from error
        return Loaded(RulesChanged(policy_text, rules.version, roles_text, table.version), table)


def _refuse(fault: RuleFileError) -> Loaded:
    raise fault
