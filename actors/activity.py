"""How much was asked, by whom, of what: counts of the last 24 hours in bounded memory, without IO."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

from aura_ia_mcp.bus.envelope import Principal
from aura_ia_mcp.bus.messages import JSON

DAY_S = 86_400
_SLICE_S = 60
_MOST_NAMES = 500
OTHER = "(other)"


@dataclass
class _Slice:
    begins: int
    counts: Counter[str] = field(default_factory=Counter)
    tools: dict[str, Counter[str]] = field(default_factory=dict)
    principals: dict[str, Counter[str]] = field(default_factory=dict)
    sessions: set[str] = field(default_factory=set)


class Activity:
    """Counts per minute, principals by tenant and id.

    The windows that are asked for are sums of whole minutes and the one that has begun.
    Names beyond 500 in a minute are counted together as `(other)`.
    """

    def __init__(self) -> None:
        self._slices: deque[_Slice] = deque()

    def add(self, record: dict[str, Any], now: float) -> None:
        """Count a `call` record; one older than a day isn't."""
        at = float(record["ts"])
        if at < now - DAY_S:
            return
        piece = self._slice(int(at) // _SLICE_S * _SLICE_S)
        marks = ["requests"]
        if record["outcome"] == "refused":
            marks.append("denials")
        elif record.get("error") or record["outcome"] in ("tool_error", "rpc_error", "cancelled", "deadline_exceeded"):
            marks.append("errors")
        piece.counts.update(marks)
        if record["what"] == "tools/call":
            _named(piece.tools, record["name"]).update(marks)
        _named(piece.principals, Principal.from_dict(record["principal"]).name).update(marks)
        if record.get("session") and len(piece.sessions) < 10 * _MOST_NAMES:
            piece.sessions.add(record["session"])

    def read(self, window_s: int, now: float) -> JSON:
        """Sums over the last `window_s` seconds."""
        self._forget(now)
        total: Counter[str] = Counter()
        tools: dict[str, Counter[str]] = {}
        principals: dict[str, Counter[str]] = {}
        sessions: set[str] = set()
        for piece in self._slices:
            if piece.begins + _SLICE_S <= now - window_s:
                continue
            total.update(piece.counts)
            sessions |= piece.sessions
            for into, of in ((tools, piece.tools), (principals, piece.principals)):
                for name, counts in of.items():
                    into.setdefault(name, Counter()).update(counts)
        return {
            "window_s": window_s,
            **_plain(total),
            "sessions": len(sessions),
            "by_tool": {name: _plain(counts) for name, counts in sorted(tools.items())},
            "by_principal": {name: _plain(counts) for name, counts in sorted(principals.items())},
        }

    def _slice(self, begins: int) -> _Slice:
        if not self._slices or begins > self._slices[-1].begins:
            self._slices.append(_Slice(begins))
            self._forget(begins)
            return self._slices[-1]
        for piece in reversed(self._slices):
            if piece.begins == begins:
                return piece
            if piece.begins < begins:
                break
        made = _Slice(begins)
        self._slices.append(made)
        self._slices = deque(sorted(self._slices, key=lambda piece: piece.begins))
        return made

    def _forget(self, now: float) -> None:
        while self._slices and self._slices[0].begins + _SLICE_S <= now - DAY_S:
            self._slices.popleft()


def _named(table: dict[str, Counter[str]], name: str) -> Counter[str]:
    if name not in table and len(table) >= _MOST_NAMES:
        name = OTHER
    return table.setdefault(name, Counter())


def _plain(counts: Counter[str]) -> JSON:
    return {name: counts[name] for name in ("requests", "errors", "denials")}
