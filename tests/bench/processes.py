"""Child processes of the benchmarks: started, asked over their pipes, and gone when the benchmark is."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from .outcome import JSON

ROOT = Path(__file__).parents[2]
_PR_SET_PDEATHSIG = 1
_STOP_S = 10.0
_PSS = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)


class Child:
    """`python -m MODULE ARGS`, which answers each JSON line on its standard input with one on its output.

    It says one line when it is ready, and ends with the end of its input: so it never outlives the benchmark.

    Args:
        module: of this package, as in `bare_server`.
        arguments: for it.
    """

    def __init__(self, module: str, *arguments: str) -> None:
        self._name = module
        env = {name: value for name, value in os.environ.items() if not name.startswith("AURA_")}
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"tests.bench.{module}", *arguments],
            cwd=ROOT,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pid = self._process.pid
        self.hello: JSON = {}

    def __enter__(self) -> Self:
        """Wait until it is ready; `hello` is what it said."""
        try:
            self.hello = self._read()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        self.close()

    def ask(self, question: JSON) -> JSON:
        """Put a question and wait for the answer.

        Raises:
            RuntimeError: it ended instead, or answered with an `error`.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return self._read()

    def close(self) -> None:
        """End it by the end of its input, or by force."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def _read(self) -> JSON:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._name} ended with {self._process.wait()}; its last words are above")
        answer: JSON = json.loads(line)
        if "error" in answer:
            raise RuntimeError(f"{self._name}: {answer['error']}")
        return answer


def tell(answer: JSON) -> None:
    """In a child: say one line."""
    print(json.dumps(answer), flush=True)


def end_with_input() -> None:
    """In a child that isn't asked anything: end this process when its standard input does."""

    def wait() -> None:
        sys.stdin.read()
        os._exit(0)

    threading.Thread(target=wait, name="end of input", daemon=True).start()


def end_with_parent() -> None:
    """Between fork and exec: be interrupted, as by Ctrl-C, when the parent dies (Linux; elsewhere nothing)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)


def tree(pid: int) -> list[psutil.Process]:
    """A process and all below it."""
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]


def cpu_s(processes: Iterable[psutil.Process]) -> dict[int, float]:
    """User and system seconds of each, by pid."""
    found = {}
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            found[process.pid] = times.user + times.system
    return found


def pss_bytes(pid: int) -> int:
    """Proportional set size: its own memory and its share of what it shares. 0 when it is gone."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    found = _PSS.search(text)
    return int(found[1]) * 1024 if found else 0


def title(process: psutil.Process) -> str:
    """A name for people: the Ray actor, the module, or the program, without paths."""
    command: Sequence[str] = process.cmdline()
    if not command:
        return str(process.name())
    if command[0].startswith("ray::"):
        return command[0].removeprefix("ray::")
    if "-m" in command[:4]:
        return command[command.index("-m") + 1]
    program = [part for part in command if part.endswith(".py")] if "python" in Path(command[0]).name else []
    return Path(program[0] if program else command[0].split()[0]).name
