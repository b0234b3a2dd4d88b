"""What callers were told, to be held against the files at the end."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

JSON = dict[str, Any]
GONE = "no_answer"  # the connection broke, or there was none
FORGOTTEN = "session_forgotten"  # HTTP 404 for a session: it ended with its gateway


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to a tool call.

    Attributes:
        step: how many processes had been killed.
        at: Unix seconds.
        who: the caller.
        tool: what was called.
        label: with which label.
        key: the idempotency key, or "".
        code: of the error, `GONE`, or "" when it was served.
        receipt: of its record, or "".
        result: MCP's CallToolResult, or the error.
    """

    step: int
    at: float
    who: str
    tool: str
    label: str
    key: str
    code: str
    receipt: str
    result: JSON

    @property
    def served(self) -> bool:
        """Whether the tool's own result came."""
        return not self.code

    @property
    def where(self) -> str:
        """For a report."""
        return f"step {self.step}, {self.who}, {self.tool} {self.label!r}"


@dataclass
class Answers:
    """All answers, and what was decided.

    Attributes:
        step: how many processes have been killed.
        starts: Unix seconds at which each step began.
        all: every answer.
        held: the approvals that callers were told of: id -> (step, tool).
        decided: decisions that were acknowledged: (step, approval, by, decision).
        undecided: how many decisions were refused, by the code of the error.
        hangs: calls that were not answered in time, in words.
    """

    step: int = 0
    starts: list[float] = field(default_factory=lambda: [time.time()])
    all: list[Answer] = field(default_factory=list)
    held: dict[str, tuple[int, str]] = field(default_factory=dict)
    decided: list[tuple[int, str, str, str]] = field(default_factory=list)
    undecided: Counter[str] = field(default_factory=Counter)
    hangs: list[str] = field(default_factory=list)

    def next_step(self) -> None:
        """Another process was killed."""
        self.step += 1
        self.starts.append(time.time())

    def step_at(self, at: float) -> int:
        """In which step a moment (Unix seconds) lies."""
        return max(0, sum(start <= at for start in self.starts) - 1)

    def note(self, who: str, tool: str, label: str, key: str, result: JSON) -> Answer:
        """Keep an answer: MCP's CallToolResult, or {"code": `GONE`}, or a refusal that came before it was a call."""
        meta = result.get("_meta") or {}
        error = meta.get("aura/error") or {}
        code = str(error.get("code") or result.get("code") or ("tool_failed" if result.get("isError") else ""))
        receipt = str(meta.get("aura/receipt") or error.get("receipt") or "")
        answer = Answer(self.step, time.time(), who, tool, label, key, code, receipt, error or result)
        self.all.append(answer)
        if (approval := error.get("approval_id")) and code in ("approval_required", "confirmation_required"):
            self.held.setdefault(str(approval), (self.step, tool))
        return answer
