"""A whole system for the benchmarks: `aura serve`, as a user starts it, in a folder of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.system import System

from .outcome import JSON
from .processes import end_with_parent
from .wire import Call, modern_once

PATH = "/mcp/stream"
ECHO = Call("echo", {"text": "ready?"})
_READY_S = 180.0
_POLL_S = 0.02
_MANY = 1_000_000_000


class Served(System):
    """`aura serve`; as `System`, without tool sources of the tests.

    Args:
        root: its folder, empty.
        sections: settings on top of `System`'s.
    """

    def __init__(self, root: Path, sections: dict[str, JSON]) -> None:
        super().__init__(root, (), sections)
        self.started_in_s = 0.0

    def start(self) -> None:
        """Start it and wait for the first answered call.

        Raises:
            RuntimeError: it ended, or didn't answer within three minutes; says what it printed.
        """
        self.started_in_s = self._time_start()

    def _time_start(self) -> float:
        began = time.monotonic()
        with (self.root / "serve.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "aura_ia_mcp.main", "serve"],
                cwd=self.root,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=end_with_parent,  # noqa: PLW1509 - before any thread is started
            )
        while not self.answers():
            if self._process.poll() is not None or time.monotonic() - began > _READY_S:
                self.kill()
                raise RuntimeError(f"the system did not come to answer calls; it printed:\n{self.log}")
            time.sleep(_POLL_S)
        return time.monotonic() - began

    def answers(self, call: Call = ECHO) -> bool:
        """Whether a call gives a result now."""
        try:
            return not modern_once(self.port, PATH, call).get("isError")
        except (OSError, RuntimeError):
            return False


@contextmanager
def served(**sections: JSON) -> Iterator[Served]:
    """A system of its own that answers calls; stopped at the end.

    Args:
        sections: settings on top of the benchmark's own: free ports, no rate limit in the way.

    Raises:
        RuntimeError: at the end, if processes or sockets were left behind.
    """
    root = Path(tempfile.mkdtemp(prefix="aura-"))  # short, for the names of sockets are bounded
    sections["safety"] = {"rate_limit": _MANY} | sections.get("safety", {})
    sections["cluster"] = {"dashboard": True, "dashboard_port": 0} | sections.get("cluster", {})
    system = Served(root, sections)
    try:
        system.start()
        yield system
        left = system.stop()
        if left:
            raise RuntimeError("left behind: " + "; ".join(left))
    finally:
        system.kill()
        shutil.rmtree(root, ignore_errors=True)
