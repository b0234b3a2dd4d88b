"""The walls around foreign commands: bubblewrap where it works, limits everywhere; see docs/commands.md."""

from __future__ import annotations

import asyncio
import json
import math
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.configs.settings import Commands
from aura_ia_mcp.judgement.simple_command import SHELLS

from .confinement import Confinement
from .process import Ended, run

PATH = "/usr/local/bin:/usr/bin:/bin"
ENVIRONMENT = {"PATH": PATH, "HOME": "/tmp", "TMPDIR": "/tmp", "LANG": "C.UTF-8"}  # noqa: S108 - private in there
BUBBLEWRAP, NONE = "bubblewrap", "none"
_LINKS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_ETC = ("alternatives", "group", "ld.so.cache", "localtime", "passwd")
_PROBE_S = 5.0
_LOST_S = 5.0  # beyond its time: a command that lost its owner is ended then
_PROBE_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Bubblewrap:
    """A bwrap that works here.

    Args:
        path: of the program.
        options: those of its newer options that it knows.
    """

    path: str
    options: frozenset[str] = frozenset()


class Inner:
    """Hears from bwrap which process is the first inside, before that does anything; a context manager.

    bwrap's two processes end together, but for a moment while the walls are built: the inner one has left the outer
    one's group by then, and doesn't watch it yet. Whoever kills the outer one kills the inner one by its number, too.
    """

    def __enter__(self) -> Self:
        self._heard, self.fd = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        return self

    def __exit__(self, *error: object) -> None:
        os.close(self._heard)
        os.close(self.fd)

    def pid(self) -> int | None:
        """Its number; None as long as bwrap hasn't made it, or it still waits within bwrap's group."""
        try:
            pid: int = json.loads(os.read(self._heard, 4096))["child-pid"]
        except (OSError, ValueError, LookupError):
            return None
        return pid


class Sandbox:
    """Runs programs within walls and limits.

    Args:
        settings: what to allow them.
        confinement: what they see.
    """

    def __init__(self, settings: Commands, confinement: Confinement) -> None:
        self._settings = settings
        self._confinement = confinement
        self._bubblewrap: Bubblewrap | None = None
        self._probing = asyncio.Lock()

    async def run(self, argv: Sequence[str], cwd: Path, timeout_s: float) -> tuple[Ended, str]:
        """Run a program; how it ended, and what stood around it (`bubblewrap` or `none`).

        Args:
            argv: an absolute path of the system's own folders, and arguments.
            cwd: a folder within the confinement.
            timeout_s: its time.

        Raises:
            AuraError: `unavailable` when there are no walls and the settings insist on them; `tool_failed` when the
                walls could not be built this time.
        """
        walls = await self._find()
        if isinstance(walls, str) and not self._settings.unsandboxed:
            raise AuraError("unavailable", f"no command runs without a sandbox (sandbox: {NONE}): {walls}")
        limited = [*self._limits(timeout_s), *argv]
        if isinstance(walls, str):
            return await self._bare(limited, cwd, timeout_s), NONE
        with Inner() as inner:
            command = [*build(walls, self._settings, self._confinement, cwd, inner.fd), *limited]
            ended = await self._run(command, "/", timeout_s, inner)
        if ended.exit_code == 1 and ended.stderr.startswith(b"bwrap: "):
            raise AuraError("tool_failed", f"the sandbox could not be built: {_line(ended.stderr)}")
        return ended, BUBBLEWRAP

    async def _bare(self, command: Sequence[str], cwd: Path, timeout_s: float) -> Ended:
        setpriv = find_program("setpriv")
        if setpriv is None:
            raise AuraError(
                "unavailable", "setpriv is missing, which ends commands with this system: install util-linux"
            )
        drops = ["--bounding-set=-all"] if os.geteuid() == 0 else []
        return await self._run(
            [setpriv, "--pdeathsig=KILL", "--no-new-privs", *drops, "--", *command], str(cwd), timeout_s
        )

    async def _run(self, command: Sequence[str], cwd: str, timeout_s: float, inner: Inner | None = None) -> Ended:
        try:
            return await run(
                command,
                cwd=cwd,
                env=ENVIRONMENT,
                timeout_s=timeout_s,
                most_bytes=self._settings.output_bytes,
                pass_fds=() if inner is None else (inner.fd,),
                inner=(lambda: None) if inner is None else inner.pid,
            )
        except OSError as error:
            raise AuraError("tool_failed", f"the command could not be started: {error.strerror}") from error

    def _limits(self, timeout_s: float) -> list[str]:
        prlimit = find_program("prlimit")
        if prlimit is None:
            raise AuraError("unavailable", "prlimit is missing, which limits commands: install util-linux")
        timeout = find_program("timeout")
        if timeout is None:
            raise AuraError(
                "unavailable", "timeout is missing, which ends commands that lost their owner: install coreutils"
            )
        settings = self._settings
        return [
            timeout,  # ends it even if this process is killed in the moment before the walls stand
            "--signal=KILL",
            f"{timeout_s + _LOST_S:g}",
            prlimit,
            f"--as={settings.memory_bytes}",
            f"--cpu={math.ceil(timeout_s) + 1}",
            f"--nproc={settings.processes}",
            f"--fsize={settings.file_bytes}",
            f"--nofile={settings.open_files}",
            "--core=0",
        ]

    async def _find(self) -> Bubblewrap | str:
        """The bubblewrap that works, found once; or why there is none, with the remedy."""
        async with self._probing:
            if self._bubblewrap is not None:
                return self._bubblewrap
            found = await probe(self._settings, self._confinement)
            if isinstance(found, Bubblewrap):
                self._bubblewrap = found
            return found


async def probe(settings: Commands, confinement: Confinement) -> Bubblewrap | str:
    """Build the walls around a program that does nothing; what did it, or why it can't be done, with the remedy."""
    path, true = find_program("bwrap"), find_program("true")
    remedy = "or set commands.unsandboxed = true and do without"
    if path is None or true is None:
        return f"bubblewrap isn't installed: install the package bubblewrap, {remedy}"
    try:
        told = await run([path, "--help"], cwd="/", env=ENVIRONMENT, timeout_s=_PROBE_S, most_bytes=_PROBE_BYTES)
        known = {option for option in ("--size", "--disable-userns") if option.encode() in told.stdout}
        found = Bubblewrap(path, frozenset(known))
        command = [*build(found, settings, confinement, confinement.roots[0]), true]
        ended = await run(command, cwd="/", env=ENVIRONMENT, timeout_s=_PROBE_S, most_bytes=_PROBE_BYTES)
    except OSError as error:
        return f"bubblewrap can't be started ({error.strerror}): install it anew, {remedy}"
    if ended.exit_code == 0:
        return found
    why = _line(ended.stderr) or "it did not end in time"
    return f"bubblewrap doesn't work here ({why}): allow user namespaces on this machine, {remedy}"


def build(
    bubblewrap: Bubblewrap, settings: Commands, confinement: Confinement, cwd: Path, info_fd: int | None = None
) -> list[str]:
    """The command that builds the walls; the program and its arguments follow.

    Own namespaces for users, processes, mounts, network, IPC, host name and control groups; no capability; the system's
    programs and the roots, read-only unless the settings say otherwise; an empty private /tmp; nothing else. A file
    descriptor `info_fd` is told the number of the first process inside.
    """
    size = ["--size", str(max(1, settings.file_bytes))] if "--size" in bubblewrap.options else []
    command = [bubblewrap.path, "--unshare-all", "--unshare-user", "--cap-drop", "ALL", "--hostname", "sandbox"]
    command += ["--disable-userns"] if "--disable-userns" in bubblewrap.options else []
    command += [] if info_fd is None else ["--info-fd", str(info_fd)]
    command += ["--die-with-parent", "--new-session", "--ro-bind", "/usr", "/usr"]
    for link in map(Path, _LINKS):
        if link.is_symlink():
            command += ["--symlink", str(link.readlink()), str(link)]
        elif link.is_dir():
            command += ["--ro-bind", str(link), str(link)]
    for name in _ETC:
        command += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    command += ["--proc", "/proc", "--remount-ro", "/proc", "--dev", "/dev", "--remount-ro", "/dev"]
    command += [*size, "--tmpfs", "/tmp"]  # noqa: S108 - its own
    for root in confinement.roots:
        command += ["--bind" if settings.writable else "--ro-bind", str(root), str(root)]
    for hidden in confinement.hidden:
        if hidden.is_dir() and any(hidden.is_relative_to(root) for root in confinement.roots):
            command += ["--tmpfs", str(hidden), "--remount-ro", str(hidden)]
    return [*command, "--remount-ro", "/", "--chdir", str(cwd), "--"]


def find_program(name: str) -> str | None:
    """A program of the system's own folders, whatever the caller's PATH says; never a shell, whatever its name."""
    found = shutil.which(name, path=PATH)
    return None if found is None or Path(found).resolve().name in SHELLS else found


def precious(writable: bool, confinement: Confinement, paths: Sequence[Path]) -> str | None:
    """Why commands may not write in the roots: what of the system's own lies there; None when they may."""
    own = [*paths, Path(sys.prefix), Path(__file__).resolve().parent]
    for path in own if writable else ():
        real = Path(os.path.realpath(path))
        if any(real.is_relative_to(root) for root in confinement.roots):
            return (
                f"commands.writable is set and {path} lies within commands.roots: a command could change the system"
                " that governs it; name other folders"
            )
    return None


def _line(text: bytes) -> str:
    return text.decode(errors="replace").strip().split("\n")[0][:300]
