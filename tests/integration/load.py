"""Callers that don't stop while something is killed, and remember every answer."""

from __future__ import annotations

import itertools
import json
import sys
import threading
import time
import urllib.error
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from tests.support.system import System, until

JSON = dict[str, Any]
_NOT_NOW = 503


@dataclass
class Answer:
    """One answer: the audit id of a call that was served, or the code of the error; and when it came."""

    at: float
    audit_id: str = ""
    code: str = ""
    error: JSON = field(default_factory=dict)


class Load:
    """Calls a tool from several threads until it is left; nobody hangs, every answer is kept.

    Args:
        system: who is called.
        tool: what is called.
        arguments: with what.
        threads: how many call at once.
        most_each: calls of one principal, before another goes on; for systems whose rate limits would be reached.
    """

    def __init__(
        self,
        system: System,
        tool: str = "echo",
        arguments: JSON | None = None,
        threads: int = 4,
        most_each: int = sys.maxsize,
    ) -> None:
        self.answers: list[Answer] = []
        self._system = system
        self._tool = tool
        self._arguments = {"text": "hello"} if arguments is None else arguments
        self._most_each = most_each
        self._stop = threading.Event()
        self._names = [f"load-{tool}-{number}" for number in range(threads)]
        self._threads = [threading.Thread(target=self._run, args=(name,)) for name in self._names]

    def __enter__(self) -> Self:
        for name in self._names:
            self._system.token(name)
        for thread in self._threads:
            thread.start()
        try:
            until("the first answers", lambda: len(self.served_since(0.0)) > 20, 30)
        except TimeoutError as error:
            self._stop.set()
            raise TimeoutError(f"{error}; the last were {self.answers[-3:]}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(70)
        assert not any(thread.is_alive() for thread in self._threads), "a caller hangs"

    def served_since(self, moment: float) -> list[Answer]:
        """The calls that were served after a moment (monotonic seconds)."""
        return [answer for answer in self.answers if answer.at > moment and not answer.code]

    def errors(self) -> list[Answer]:
        """The calls that were answered with an error."""
        return [answer for answer in self.answers if answer.code]

    def _run(self, name: str) -> None:
        for number in itertools.count():
            if self._stop.is_set():
                return
            turn = number // self._most_each
            answer = self._ask(f"{name}-{turn}" if turn else name)
            self.answers.append(answer)
            if answer.code:
                self._stop.wait(0.1)

    def _ask(self, principal: str) -> Answer:
        try:
            result = self._system.call(self._tool, self._arguments, principal=principal)
        except urllib.error.HTTPError as refused:
            error = json.load(refused)["error"]
            if refused.code == _NOT_NOW:  # said before the call was looked at, in JSON-RPC's form
                error = error.get("data") or error
            return Answer(time.monotonic(), code=error["code"], error=error)
        except OSError as broken:
            return Answer(time.monotonic(), code="connection", error={"message": str(broken)})
        meta = result.get("_meta", {})
        if result.get("isError"):
            error = meta.get("aura/error", {"code": "tool_failed"})
            return Answer(time.monotonic(), code=error["code"], error=error)
        return Answer(time.monotonic(), audit_id=meta["aura/audit_id"])


def recorded(system: System) -> set[str]:
    """The ids of all audit records on disk; the chain of epochs holds none."""
    found = set()
    for path in system.paths.audit.glob("*/*.jsonl"):
        if path.parent.name == "epochs":
            continue
        for line in path.read_text().splitlines():
            record = json.loads(line)
            found.add(f"{record['writer']}:{record['seq']}")
    return found
