"""What a system left whose supervisor was killed: found by its command lines, ended by pid.

Only the holder of the state folder's lock may end it: while another holds the lock, the same processes are alive and
well. Children end by themselves once they notice; this is for who doesn't want to wait for that.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time

import psutil

from aura_ia_mcp.configs.paths import Paths

from . import processes
from .spec import ray_folder

_TERM_S, _LIMIT_S = 3.0, 10.0
_MODULES = ("aura_ia_mcp.cluster.graph", "aura_ia_mcp.cluster.gateway_process")


def find(paths: Paths) -> list[psutil.Process]:
    """This user's processes that belong to a system of this state folder, and what is below them.

    They are Ray's, which get their folder as an option (`--session-dir=…`; a mere reader of a file there isn't one of
    them), and a supervisor's children, which work in the state folder. This process and those above it are left out.
    """
    found: dict[int, psutil.Process] = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.uids().real == os.getuid() and _belongs(process, paths):
                for each in (process, *process.children(recursive=True)):
                    found[each.pid] = each
    spared = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    return [process for pid, process in found.items() if pid not in spared]


def end(paths: Paths, left: list[psutil.Process], term_s: float = _TERM_S, limit_s: float = _LIMIT_S) -> list[int]:
    """Ask them to end, and kill after `term_s`; blocks until none is there, at most about `limit_s`.

    Returns:
        The pids that are still there.
    """
    began = time.monotonic()
    for process in left:
        with contextlib.suppress(psutil.Error):
            process.send_signal(signal.SIGTERM)
    psutil.wait_procs(left, timeout=term_s)
    while left := find(paths):  # again: what they started on their way out counts too
        if time.monotonic() - began > limit_s:
            break
        processes.kill(left)
        psutil.wait_procs(left, timeout=0.5)
    return [process.pid for process in left]


def _belongs(process: psutil.Process, paths: Paths) -> bool:
    arguments = process.cmdline()
    option = f"={ray_folder(paths)}"
    if any(f"{option}/" in argument or argument.endswith(option) for argument in arguments):
        return True
    return any(module in arguments for module in _MODULES) and process.cwd() == str(paths.state)
