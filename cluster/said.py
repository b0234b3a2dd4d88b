"""How a child speaks with its supervisor: progress out as JSON lines, and the end of its input as the end of all."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import threading
from typing import Any


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
        with contextlib.suppress(OSError, ValueError):
            while sys.stdin.buffer.read(4096):
                pass
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()
