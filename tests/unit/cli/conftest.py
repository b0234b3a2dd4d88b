"""The command line in a folder of its own, with nothing of this machine's settings."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pytest

from aura_ia_mcp.cli import app

Run = Callable[..., tuple[int, str, str]]
_VARIABLES = ("AURA_CONFIG", "AURA_RATE_LIMIT", "AURA_LOG_LEVEL", "AURA_BACKEND_URL", "AURA_TOKEN", "CODEX_HOME")


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test is in a folder of its own, which is also where its home lies."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in _VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command line: exit status, standard output, standard error."""

    def go(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = app.run(arguments)
        said = capsys.readouterr()
        return status, said.out, said.err

    return go


class Aura:
    """Runs command lines, and sees to their exit status.

    Args:
        run: the fixture above.
        group: the words that all of them begin with.
    """

    def __init__(self, run: Run, *group: str) -> None:
        self._run = run
        self._group = group

    def under(self, *group: str) -> Self:
        """The same for the commands below a group."""
        return type(self)(self._run, *group)

    def __call__(self, *arguments: str, code: int = 0) -> tuple[str, str]:
        """Standard output and standard error."""
        status, out, err = self._run(*self._group, *arguments)
        assert status == code, (out, err)
        assert "Traceback" not in err
        return out, err

    def out(self, *arguments: str, code: int = 0) -> str:
        """Standard output."""
        return self(*arguments, code=code)[0]

    def json(self, *arguments: str, code: int = 0) -> Any:
        """What it prints with --json."""
        return json.loads(self.out(*arguments, "--json", code=code))

    def lines(self, *arguments: str) -> list[Any]:
        """What it prints with --json, one value a line."""
        return [json.loads(line) for line in self.out(*arguments, "--json").splitlines()]


@pytest.fixture
def aura(run: Run) -> Aura:
    """All of the command line."""
    return Aura(run)


@contextmanager
def healthy(status: int = 200) -> Iterator[int]:
    """A port on which `/health` answers."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b'{"status": "ok"}')

        def log_message(self, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def on_port(port: int, name: str = "gateway") -> None:
    """Write settings with one virtual server."""
    Path("configs").mkdir(exist_ok=True)
    Path("configs/aura.toml").write_text(f'[gateway]\nservers = [{{name = "{name}", port = {port}}}]\n')
