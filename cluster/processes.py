"""Owning processes on Linux: orphans of our children come to us, and what is ours can be found and ended.

Only descendants of this process are ever touched, by their own pids.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Collection, Iterable

import psutil

_PR_SET_CHILD_SUBREAPER = 36
_EMPTY_LOOKS = 4


def become_subreaper() -> None:
    """Have the orphans among our descendants become our children (prctl(2)), where the kernel lets us."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children() -> set[int]:
    """The pids of this process's own children."""
    return {child.pid for child in psutil.Process().children()}


def descendants(spare: Collection[int] = ()) -> list[psutil.Process]:
    """Every process below this one, except children in `spare` and what is below them."""
    found: list[psutil.Process] = []
    for child in psutil.Process().children():
        if child.pid not in spare:
            found.append(child)
            with contextlib.suppress(psutil.Error):
                found += child.children(recursive=True)
    return found


def kill(processes: Iterable[psutil.Process]) -> None:
    """SIGKILL to each that is still the process it was."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            if process.is_running():
                process.send_signal(signal.SIGKILL)


def reap(spare: Collection[int] = ()) -> None:
    """Collect the exit statuses of adopted children; those in `spare` have an owner who does."""
    with contextlib.suppress(psutil.Error):
        for child in psutil.Process().children():
            if child.pid not in spare and child.status() == psutil.STATUS_ZOMBIE:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(child.pid, os.WNOHANG)


def sweep(spare: Collection[int] = (), limit_s: float = 5.0) -> list[int]:
    """Kill and reap everything below this process but `spare`; blocks until nothing is left, or `limit_s` passed.

    Returns:
        The pids that are still there.
    """
    end = time.monotonic() + limit_s
    looks = 0
    while True:
        left = [process for process in descendants(spare) if _lives(process)]
        kill(left)
        reap(spare)
        # One look isn't enough: a process whose parent dies while the table is read belongs to nobody in it.
        looks = 0 if left else looks + 1
        if looks == _EMPTY_LOOKS or time.monotonic() > end:
            return [process.pid for process in left]
        time.sleep(0.03)


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False
