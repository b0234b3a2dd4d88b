"""Facts of the machine that a figure can't be read without."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version

import psutil

from .outcome import JSON

_QUIET_SHARE = 0.25
PACKAGES = ("aura-ia-mcp", "mcp", "aiohttp", "uvicorn", "uvloop", "ray", "msgpack", "pydantic", "torch", "transformers")


def facts() -> JSON:
    """{cores, memory_gib, kernel, python, versions}; nothing that names the machine."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in PACKAGES},
    }


def quiet() -> bool:
    """Whether others leave most of the machine to what is measured."""
    return load_average()[0] < len(os.sched_getaffinity(0)) * _QUIET_SHARE


def load_average() -> list[float]:
    """Runnable processes over 1, 5 and 15 minutes: who else was at work."""
    return [round(value, 2) for value in os.getloadavg()]
