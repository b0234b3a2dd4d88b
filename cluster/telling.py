"""What a supervisor tells: each step to who started it and to the leases, the state to `system.json`."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.configs.paths import Paths

from . import folders
from .child import GaveUpError
from .leases import Leases

log = logging.getLogger(__name__)

_FACTS = ("ray_address", "dashboard_url", "ray_session", "actors")


@dataclass(frozen=True)
class Progress:
    """A step of the system's life.

    Args:
        stage: start, ray, actors, graph, gateway, ready, notice, fault or stopping.
        fraction: of the stage, 0 to 1.
        text: a sentence for a person.
        data: more of it; with `ready`, the description that `system.json` holds.
    """

    stage: str
    fraction: float
    text: str
    data: JSON = field(default_factory=dict)


OnProgress = Callable[[Progress], None]


def to_stderr(progress: Progress) -> None:
    """One line on standard error for each step that has something to say."""
    sys.stderr.write(f"{progress.text}\n")
    sys.stderr.flush()


class Teller:
    """Says what happens.

    Args:
        paths: where the description goes.
        leases: hear each step until the system is ready, and that it is.
        on_progress: hears each step.
        started_at: Unix seconds.
        until_idle: whether the system ends with its last lease.

    Attributes:
        urls: of the virtual servers that are open, by name.
        is_ready: whether the system was ready once.
    """

    def __init__(
        self, paths: Paths, leases: Leases, on_progress: OnProgress, started_at: float, *, until_idle: bool
    ) -> None:
        self._paths = paths
        self._leases = leases
        self._on_progress = on_progress
        self._lasting: JSON = {"started_at": started_at, "until_idle": until_idle}
        self._facts: JSON = {}
        self.urls: dict[str, str] = {}
        self.is_ready = False

    def say(self, stage: str, fraction: float, text: str, **data: Any) -> None:
        """A step."""
        self._on_progress(Progress(stage, fraction, text, data))
        line: JSON = {"stage": stage, "fraction": fraction, "text": text}
        if stage == "ready":
            line["system"] = data
        elif self.is_ready and stage != "stopping":
            return  # what a running system heals isn't its holders' business, and those to come must hear `ready`
        self._leases.say(line)

    def notice(self, text: str) -> None:
        """Something that went wrong and is being mended, or can't be."""
        self.say("notice", 1.0, text)

    def fail(self, error: BaseException) -> None:
        """What ends the system."""
        if isinstance(error, GaveUpError):
            text = str(error)
        else:
            log.error("the supervisor failed", exc_info=error)
            text = f"the supervisor failed: {type(error).__name__}: {error}"
        self.say("fault", 1.0, f"{text}; logs are in {self._paths.logs}")

    def graph_said(self, line: JSON) -> None:
        """A step of the graph."""
        if line.get("ready"):
            self._facts = {name: line[name] for name in _FACTS}
        self._pass_on(line)

    def gateway_said(self, line: JSON) -> None:
        """A step of the gateway."""
        if "urls" in line:
            self.urls = line["urls"]
            self._pass_on(line, urls=self.urls)
        else:
            self._pass_on(line)

    def describe(self, state: str, graph_pid: int | None, gateway_pid: int | None) -> JSON:
        """Write `system.json`; what it holds."""
        system: JSON = {
            "state": state,
            "pid": os.getpid(),
            "graph_pid": graph_pid,
            "gateway_pid": gateway_pid,
            "urls": self.urls,
            **self._lasting,
            **self._facts,
        }
        folders.write_running(self._paths, system)
        return system

    def _pass_on(self, line: JSON, **data: Any) -> None:
        self.say(str(line["stage"]), float(line["fraction"]), str(line["text"]), **data)
