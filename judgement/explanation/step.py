"""One layer's part in a decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Step:
    """What one layer said.

    Args:
        layer: L0 to L6.
        part: of the system: rate, roles, inspection, risk, policy, approval, an actor's address, or answer.
        verdict: in a word or two.
        why: in plain words.
        rule: that decided here; may be empty.
        version: of the rules that it went by; may be empty.
        ms: milliseconds that it took, those below it included; None where that wasn't measured.
    """

    layer: str
    part: str
    verdict: str
    why: str
    rule: str = ""
    version: str = ""
    ms: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {name: getattr(self, name) for name in self.__slots__}


def listed(names: list[str], last: str = "and") -> str:
    """As in "a, b and c"; "nothing" when there are none."""
    if len(names) < 2:  # noqa: PLR2004
        return "".join(names) or "nothing"
    return f"{', '.join(names[:-1])} {last} {names[-1]}"


def sentence(text: str) -> str:
    """With a capital, unless a name begins it, and a full stop."""
    word = text.partition(" ")[0]
    name = any(mark in word for mark in "_/:.")
    return ended(text if name else text[:1].upper() + text[1:])


def ended(text: str) -> str:
    """With a full stop."""
    return text + ("" if not text or text.endswith((".", "!", "?")) else ".")
