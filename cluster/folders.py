"""The system's folders on disk: made private, cleaned of what an earlier life left, described while it runs."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import stat
import time
from pathlib import Path

from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.configs.paths import Paths

from .faults import OperatorError
from .spec import bus_sockets, ray_folder

_SHORT = re.compile(r"aura-\d+-[0-9a-f]{12}")
_JUST_MADE_S = 60.0
_LOGS = ("serve.log", "graph.log", "gateway.log")


def make(paths: Paths) -> None:
    """Make all folders that a start needs, of mode 0700 where they hold sockets or secrets.

    Raises:
        OSError: one can't be made, or a short one belongs to somebody else.
    """
    paths.logs.mkdir(mode=0o700, parents=True, exist_ok=True)
    for folder in (paths.state, *_short(paths), paths.run, bus_sockets(paths)):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_private(folder)


def unfinished(paths: Paths) -> Path:
    """The mark that is there while a restore exchanges the files."""
    return paths.state / "restore.unfinished"


def check_restored(paths: Paths) -> None:
    """Pass a state in which no restore was interrupted.

    Raises:
        OperatorError: one was.
    """
    if unfinished(paths).exists():
        raise OperatorError(
            "a restore was interrupted here: run `aura restore FILE --force` again. What was there before has a name "
            f"with `before` in {paths.state} and {paths.logs}"
        )


def _short(paths: Paths) -> list[Path]:
    uses = paths.short in (paths.run, ray_folder(paths).parent)
    return [paths.short] if uses else []


def _check_private(folder: Path) -> None:
    """A folder under the system's temporary one has a name that others can guess: it must be really ours."""
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise OSError(f"{folder} isn't a folder of this user; remove it, or set system.state_dir to a shorter path")
    if stat.S_IMODE(found.st_mode) & 0o077:
        folder.chmod(0o700)


def clean(paths: Paths) -> None:
    """Remove every socket and the description: for the holder of the lock, who knows that nobody uses them."""
    for folder in (paths.run, bus_sockets(paths)):
        with contextlib.suppress(OSError):
            for path in folder.iterdir():
                if path.is_socket():
                    path.unlink(missing_ok=True)
    paths.running.unlink(missing_ok=True)
    _remove_ray_sockets(ray_folder(paths))


def remove_short(paths: Paths) -> None:
    """Remove the short folder, Ray's logs in it included: after an orderly end nobody would look for it there."""
    if _short(paths):
        shutil.rmtree(paths.short, ignore_errors=True)


def remove_empty_short(paths: Paths) -> None:
    """Remove the empty short folders that this user's systems left; not this one's, nor one that was just made."""
    spared = _short(paths)
    with contextlib.suppress(OSError):
        for folder in paths.short.parent.glob(f"aura-{os.getuid()}-*"):
            with contextlib.suppress(OSError):
                found = folder.lstat()
                ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and folder not in spared
                if ours and _SHORT.fullmatch(folder.name) and time.time() - found.st_mtime > _JUST_MADE_S:
                    folder.rmdir()  # refuses one that isn't empty


def _remove_ray_sockets(folder: Path) -> None:
    with contextlib.suppress(OSError):
        for session in folder.glob("session_*/sockets"):
            if not session.parent.is_symlink():
                shutil.rmtree(session, ignore_errors=True)


def write_running(paths: Paths, system: JSON) -> None:
    """Describe the running system in `system.json`; readers see the old text or the new one, never half."""
    text = json.dumps(system, indent=2)
    with contextlib.suppress(OSError):
        if paths.running.read_text() == text:
            return
    draft = paths.running.with_suffix(".new")
    draft.write_text(text)
    draft.chmod(0o600)
    draft.replace(paths.running)


def read_running(paths: Paths) -> JSON:
    """What the running system wrote; {} when there is nothing to read."""
    try:
        system = json.loads(paths.running.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return system if isinstance(system, dict) else {}


def where_to_look(paths: Paths) -> str:
    """What to look at when a system doesn't do as it should: the logs that are there, or else the doctor's findings."""
    logs = [path for name in _LOGS if (path := paths.logs / name).exists()]
    return f"See {' and '.join(map(str, logs))}." if logs else "Run `aura doctor`."


def holder(paths: Paths) -> str:
    """Who runs here, in a sentence for the one that may not."""
    system = read_running(paths)
    if not system:
        return f"another system is starting or ending in {paths.state}"
    urls = ", ".join(system.get("urls", {}).values()) or "no URL yet"
    since = time.strftime("%H:%M:%S", time.localtime(float(system.get("started_at", 0.0))))
    return f"a system runs in {paths.state} already: pid {system.get('pid')}, since {since}, {urls}"
