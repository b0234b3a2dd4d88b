"""`aura serve`: start the system and stay until it is told to stop."""

from __future__ import annotations

import json
import logging
import sys
import time
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self

import click

import aura_ia_mcp
from aura_ia_mcp.cluster.logs import keep_secrets_out
from aura_ia_mcp.cluster.supervisor import serve as supervise
from aura_ia_mcp.cluster.telling import Progress
from aura_ia_mcp.configs.paths import Paths
from aura_ia_mcp.configs.settings import Settings

from .checks import ports
from .loading import ModelWatch
from .output import Failure, json_option
from .running import for_people
from .settings import loaded


@click.command()
@json_option
@click.pass_context
def serve(ctx: click.Context, as_json: bool) -> int:
    r"""Start the system: Ray, the actors and the MCP gateway.

    Shows what it does, then the endpoints and how to connect Codex. Ctrl-C stops in order: no new calls, those under
    way may end, then everything goes. A second Ctrl-C stops at once. One system runs per state folder.

    \b
    Examples:
      aura serve
      AURA_RATE_LIMIT=1000 aura serve
      aura --config my.toml serve
      aura serve --json     # one line of JSON for each step

    With --json each line is {"stage", "fraction", "text", "data"}; the one of stage `ready` holds the endpoints.
    """
    current = loaded(ctx)
    settings = current.settings
    logging.basicConfig(level=settings.system.log_level, format="%(levelname)s %(name)s: %(message)s")
    keep_secrets_out()
    for finding in ports(settings):
        if finding.state == "failure":
            raise Failure(f"{finding.check} is {finding.detail}.", finding.remedy)
    with Lines(settings) if as_json else Display(settings) as display:
        status = supervise(settings, origins=current.sources, on_progress=display)
    ctx.exit(status)


class Lines:
    """Prints each step as one line of JSON, for programs; the loading of the models is a step of stage `models`."""

    def __init__(self, settings: Settings) -> None:
        self._models = ModelWatch(Paths.of(settings), lambda text: self(Progress("models", 1.0, text)))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._models.stop()

    def __call__(self, progress: Progress) -> None:
        """Print one step."""
        click.echo(json.dumps(asdict(progress), default=str))
        sys.stdout.flush()
        if progress.stage == "ready":
            self._models.start()
        elif progress.stage == "stopping":
            self._models.stop()


class Display:
    """Prints progress: the newest step in one line that changes, at a terminal; else a line for each."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._began = time.monotonic()
        self._live = sys.stdout.isatty()
        self._ready = False
        self._last = ""
        self._urls: dict[str, str] = {}
        self._models = ModelWatch(Paths.of(settings), self._say)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._models.stop()

    def __call__(self, progress: Progress) -> None:
        """Show one step."""
        if progress.stage == "fault":
            self._end_line()
            click.echo(f"aura: {progress.text}", err=True)
        elif progress.stage == "ready":
            self._end_line()
            click.echo(welcome(self._settings, progress.data, time.monotonic() - self._began))
            self._ready = True
            self._urls = progress.data.get("urls", {})
            self._models.start()
        elif progress.stage == "stopping":
            self._models.stop()
            self._step(progress)
        elif self._ready and "urls" in progress.data:
            for name, url in progress.data["urls"].items():
                if self._urls.get(name) != url:
                    click.echo(_endpoint(self._settings, name, url))
            self._urls = progress.data["urls"]
        elif progress.text != self._last:
            self._step(progress)
        self._last = progress.text

    def _say(self, text: str) -> None:
        click.echo(f"[{time.monotonic() - self._began:5.1f} s] {text}")

    def _step(self, progress: Progress) -> None:
        line = f"[{time.monotonic() - self._began:5.1f} s] {progress.text}"
        if self._live and not self._ready and progress.stage not in ("notice", "stopping"):
            click.echo(f"\r\033[K{line}", nl=False)
        else:
            self._end_line()
            click.echo(line)
        sys.stdout.flush()

    def _end_line(self) -> None:
        if self._live and not self._ready and self._last:
            click.echo("\r\033[K", nl=False)


def welcome(settings: Settings, system: dict[str, Any], took_s: float) -> str:
    """What to know when the system is ready: endpoints, and the two ways to connect Codex."""
    urls: dict[str, str] = system.get("urls", {})
    lines = [f"Aura IA MCP {aura_ia_mcp.__version__} is ready ({took_s:.1f} s).", ""]
    lines += [_endpoint(settings, name, url) for name, url in urls.items()]
    if system.get("dashboard_url"):
        lines.append(f"  {'dashboard':<10} {for_people(system['dashboard_url'])}   (Ray: the layers are actors there)")
    lines.append(f"  {'records':<10} {Paths.of(settings).logs}")
    main = urls.get("gateway") or next(iter(urls.values()), "")
    if main:
        lines += [
            "",
            "Connect Codex with one of these:",
            "  aura codex config --write",
            f"  codex mcp add aura_gateway --url {for_people(main)}",
        ]
    lines += ["", "Then, in another terminal: aura status. Ctrl-C here stops."]
    return "\n".join(lines)


def _endpoint(settings: Settings, name: str, url: str) -> str:
    parts = {server.name: server.tools for server in settings.gateway.servers}
    count = len(parts.get(name) or ())
    shows = f"{count} tool{'s' if count > 1 else ''}" if count else "every tool"
    return f"  {name:<10} {for_people(url)}   ({shows})"
