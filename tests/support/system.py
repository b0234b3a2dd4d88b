"""A whole Aura for the tests: supervisor, Ray, gateway, each in its own process, in a folder of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import tomlkit

from aura_ia_mcp.configs.load import load
from aura_ia_mcp.configs.paths import Paths
from aura_ia_mcp.stores.database import Database
from aura_ia_mcp.stores.tokens import TokenStore

JSON = dict[str, Any]
ROOT = Path(__file__).parents[2]
READY_S = 120.0
_STOP_S = 40.0
_KILL_S = 10.0
_MARK = "TESTED_SYSTEM"


def until(what: str, look: Callable[[], Any], limit_s: float = 30.0) -> Any:
    """Look, some times a second, until there is something to see.

    Raises:
        TimeoutError: there was nothing within the limit; says what was waited for.
    """
    end = time.monotonic() + limit_s
    while not (seen := look()):
        if time.monotonic() > end:
            raise TimeoutError(f"waited {limit_s:g} s for {what}")
        time.sleep(0.05)
    return seen


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listens on now; they stay the same over a gateway's restart."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


class System:
    """A running system.

    Attributes:
        root: its folder; commands started there (`aura`, stdio) find it.
        paths: where its files lie.
        port: of the first virtual server.
        policy: where its own policy is read from, once a test writes one.
    """

    def __init__(self, root: Path, sources: Sequence[str], sections: dict[str, JSON]) -> None:
        self.root = root
        self.port, ml_port, roles_port = free_ports(3)
        self._mark = uuid.uuid4().hex
        self._sources = tuple(sources)
        self._write_settings(ml_port, roles_port, sections)
        self.settings = load(folder=root, environ={}).settings
        self.paths = Paths(root / ".aura", root / "logs")
        self.ml_url = f"http://127.0.0.1:{ml_port}/mcp/stream"
        self.roles_url = f"http://127.0.0.1:{roles_port}/mcp/stream"
        self.policy = root / "configs" / "policy.yaml"
        self._process: subprocess.Popen[bytes] | None = None
        self._tokens: dict[str, str] = {}
        self._seen: set[psutil.Process] = set()

    @property
    def base(self) -> str:
        """`http://127.0.0.1:PORT` of the first virtual server."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Its MCP endpoint."""
        return f"{self.base}/mcp/stream"

    @property
    def log(self) -> str:
        """What the system printed, its last million characters."""
        return (self.root / "serve.log").read_text(errors="replace")[-1_000_000:]

    @property
    def env(self) -> dict[str, str]:
        """The environment of everything that belongs to this system."""
        env = {name: value for name, value in os.environ.items() if not name.startswith("AURA_")}
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        return env | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}", "PYTHONUNBUFFERED": "1", _MARK: self._mark}

    def start(self) -> None:
        """Start it and wait until it answers calls.

        Raises:
            RuntimeError: it ended, or wasn't ready within two minutes; says what it printed.
        """
        with (self.root / "serve.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.serve", *self._sources],
                cwd=self.root,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            until("the system to be ready", self._ready, READY_S)
            self.processes()
        except (TimeoutError, ChildProcessError) as error:
            self.kill()
            raise RuntimeError(f"{error}; it printed:\n{self.log}") from error

    def ensure(self) -> None:
        """Start it unless it runs."""
        if self._process is None or self._process.poll() is not None:
            self.start()

    def stop(self) -> list[str]:
        """Stop it as Ctrl-C does, unless its supervisor was killed; what was left behind, in words, or nothing."""
        if self._process is None:
            return []
        self.processes()
        self._process.send_signal(signal.SIGINT)
        try:
            code = self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()
            return [f"it didn't stop within {_STOP_S:g} s of Ctrl-C; it printed:\n{self.log}"]
        left = [] if code == 0 else [f"its exit code is {code}; it printed:\n{self.log}"]
        end = time.monotonic() + 10.0
        while (processes := self.processes()) and time.monotonic() < end:
            time.sleep(0.1)
        left += [f"process {each.pid}: {' '.join(each.info['cmdline'] or [])}" for each in processes]
        left += [f"socket {path}" for path in self.root.rglob("*") if path.is_socket()]
        self.kill()
        return left

    def kill_supervisor(self) -> list[psutil.Process]:
        """Kill the supervisor alone, and wait for its end; the processes that there were."""
        assert self._process is not None
        found = self.processes()
        self._process.kill()
        self._process.wait(_KILL_S)
        self._process = None
        return found

    def kill(self) -> None:
        """End all of it, at once, and what a dying process has just started."""
        end = time.monotonic() + _KILL_S
        while (found := self.processes()) and time.monotonic() < end:
            for process in found:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(found, timeout=1.0)
        if self._process is not None:
            self._process.wait(_KILL_S)

    def processes(self) -> list[psutil.Process]:
        """Every process of this system that lives: those with its mark, those below them, and those seen before.

        All inherit the mark, but Ray's dashboard and agents rewrite their titles and with them the environment that
        holds it; and where a process belongs shows no more once the one above it has ended.
        """
        attributes = ["cmdline", "ppid", "status"]
        living = [one for one in psutil.process_iter(attributes) if one.info["status"] != psutil.STATUS_ZOMBIE]
        own = {one.pid for one in living if one in self._seen or self._is_marked(one)}
        while below := {one.pid for one in living if one.info["ppid"] in own} - own:
            own |= below
        self._seen = {one for one in living if one.pid in own}
        return list(self._seen)

    def pid(self, module: str) -> int | None:
        """The process that runs `python -m module`, if there is one."""
        for process in self.processes():
            if module in (process.info["cmdline"] or []):
                found: int = process.pid
                return found
        return None

    def health(self) -> JSON | None:
        """What `/health` says when the system is ready, else None."""
        try:
            with urllib.request.urlopen(f"{self.base}/health", timeout=5) as answer:
                said: JSON = json.load(answer)
                return said
        except (urllib.error.URLError, OSError, ValueError):
            return None

    def token(self, name: str, *roles: str, kind: str = "agent") -> str:
        """The bearer token of a principal of this name; its first use makes it (an agent unless said otherwise)."""
        if name not in self._tokens:
            with closing(Database.of(self.settings, self.paths)) as database:
                self._tokens[name], _ = TokenStore(database).create(name, roles or ("agent",), kind=kind)
        return self._tokens[name]

    def call(self, tool: str, arguments: JSON | None = None, *, principal: str = "tests") -> JSON:
        """Call a tool through the REST helper; MCP's CallToolResult.

        Raises:
            urllib.error.HTTPError: the call was refused; its body is {"error": {...}}.
        """
        return self._rest("/mcp/tools/call", {"name": tool, "arguments": arguments or {}}, principal)

    def tools(self, *, principal: str = "tests") -> list[JSON]:
        """The tools that a principal may call."""
        found: list[JSON] = self._rest("/mcp/tools/list", None, principal)["tools"]
        return found

    def refusal(self, tool: str, arguments: JSON | None = None, *, principal: str = "tests") -> JSON:
        """Call a tool, which must be refused; the error.

        Raises:
            AssertionError: it was served.
        """
        try:
            result = self.call(tool, arguments, principal=principal)
        except urllib.error.HTTPError as refused:
            with refused:
                error: JSON = json.load(refused)["error"]
                return error
        assert result["isError"], f"{tool} was served: {result}"
        said: JSON = result["_meta"]["aura/error"]
        return said

    def record(self, audit_id: str) -> JSON:
        """The audit record of a call."""
        writer, _, number = audit_id.partition(":")
        for path in sorted((self.paths.audit / writer).glob("*.jsonl")):
            for line in path.read_text().splitlines():
                found: JSON = json.loads(line)
                if found["seq"] == int(number):
                    return found
        raise AssertionError(f"no record {audit_id}")

    def aura(self, *arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run the `aura` command in this system's folder."""
        return subprocess.run(
            [sys.executable, "-m", "aura_ia_mcp.main", *arguments],
            cwd=self.root,
            env=self.env | (env or {}),
            capture_output=True,
            text=True,
            timeout=60,
            stdin=subprocess.DEVNULL,
            check=False,
        )

    def _rest(self, path: str, body: JSON | None, principal: str) -> JSON:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token(principal)}"}
        request = urllib.request.Request(f"{self.base}{path}", data, headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            result: JSON = json.load(answer)
        return result

    def _ready(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise ChildProcessError(f"the system ended with {self._process.returncode}")
        return self.paths.running.exists() and self.health() is not None

    def _is_marked(self, process: psutil.Process) -> bool:
        try:
            return bool(process.environ().get(_MARK) == self._mark)
        except (psutil.Error, OSError):
            return False

    def _write_settings(self, ml_port: int, roles_port: int, sections: dict[str, JSON]) -> None:
        roles = ["list_roles", "get_role_capabilities", "suggest_role", "check_permission"]
        data: dict[str, JSON] = {
            "gateway": {
                "servers": [
                    {"name": "gateway", "port": self.port},
                    {"name": "ml", "port": ml_port, "tools": ["analyze_emotion", "semantic_rank", "embed_text"]},
                    {"name": "role_engine", "port": roles_port, "tools": roles},
                ]
            },
            "cluster": {"dashboard": False, "dashboard_port": 0},
        }
        for name, section in sections.items():
            data.setdefault(name, {}).update(section)
        (self.root / "configs").mkdir()
        (self.root / "configs" / "aura.toml").write_text(tomlkit.dumps(data))


@contextmanager
def running(*sources: str, **sections: JSON) -> Iterator[System]:
    """A system of its own, ready; stopped at the end, when nothing of it may be left.

    Args:
        sources: further tool sources, as `module:Class`.
        sections: settings on top of the tests' own (no dashboard, free ports).

    Raises:
        AssertionError: at the end, names processes and sockets that were left behind.
    """
    root = Path(tempfile.mkdtemp(prefix="aura-"))  # short, for the names of sockets are bounded
    system = System(root, sources, sections)
    try:
        system.start()
        yield system
    except BaseException:
        system.kill()
        raise
    else:
        left = system.stop()
        assert not left, "\n".join(left)
    finally:
        shutil.rmtree(root, ignore_errors=True)
