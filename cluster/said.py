"""How a child speaks with its supervisor: progress out as JSON lines, and the end of its input as the end of all."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import threading
from typing import Any

_STDIN = 0


def say(stage: str, fraction: float, text: str, **more: Any) -> None:
    """A line of progress: {"stage", "fraction", "text", ...}; lost when nobody reads any more."""
    line = json.dumps({"stage": stage, "fraction": round(fraction, 3), "text": text, **more})
    with contextlib.suppress(OSError):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


def until_end_of_input(stop: asyncio.Event) -> None:
    """Set `stop` once standard input ends: the supervisor is gone, however it ended."""
    loop = asyncio.get_running_loop()

    def watch() -> None:
        # Not through sys.stdin, whose lock a thread that waits would still hold when the interpreter ends.
        with contextlib.suppress(OSError):
            while os.read(_STDIN, 4096):
                pass
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()
