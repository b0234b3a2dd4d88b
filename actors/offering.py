"""What the Router made of a request, cut to what its caller may use: nothing else is offered or asked about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.judgement.policy import OPERATE
from aura_ia_mcp.judgement.routing.labels import LABELS

NOTHING = "Nothing was run: nothing that you may use does that. list_available_tools shows what you may use."
_BY_NAME = {label.name: label for label in LABELS.values() if label.kind != "none"}


class Offering:
    """What one caller may be offered.

    Args:
        facts: of the tools that there are for the caller, by name (`Snapshot.offered`).
        held: the caller's capabilities.
    """

    def __init__(self, facts: Mapping[str, JSON], held: frozenset[str]) -> None:
        self._facts = facts
        self._held = held

    def of(self, route: JSON) -> JSON:
        """The route without what isn't for the caller; `withheld` is set where nothing is left of it."""
        others = [each for each in route.get("alternatives") or () if each["kind"] != "tool" or self._may(each["name"])]
        route = route | {"alternatives": others}
        if route["kind"] == "none":
            return route | self._question(str(route.get("asks") or ""))
        if route["kind"] != "tool" or self._may(route["name"]):
            return route
        if self._sees(route["name"]):
            return route | {"asks": ""}  # the plan says which capability is missing
        return route | {"kind": "none", "name": "", "arguments": {}, "asks": "", "why": [], "withheld": True}

    def _question(self, asks: str) -> JSON:
        """`Do you mean to ... (NAME) or to ... (NAME)?` with those names that are left."""
        names = [part.partition(")")[0] for part in asks.split("(")[1:]]
        known = [_BY_NAME[name] for name in names if name in _BY_NAME]
        left = [label for label in known if label.kind != "tool" or self._may(label.name)]
        if len(left) == len(known):
            return {}
        if not left:
            return {"asks": "", "withheld": True}
        means = " or to ".join(f"{label.says} ({label.name})" for label in left)
        return {"asks": f"Do you mean to {means}? Otherwise please say it in other words, in English."}

    def _sees(self, name: str) -> bool:
        """Whether a tool exists for the caller."""
        fact = self._facts.get(name)
        if fact is None:
            return False
        return OPERATE in self._held or (fact["capability"] != OPERATE and bool(fact.get("exposed", True)))

    def _may(self, name: str) -> bool:
        return self._sees(name) and self._facts[name]["capability"] in self._held


def told(route: JSON) -> JSON:
    """A route as `ask` tells it."""
    choice: dict[str, Any] = {
        "kind": route["kind"],
        "name": route.get("name") or "",
        "confidence": round(float(route["confidence"]), 4),
        "arguments": route.get("arguments") or {},
        "why": [str(why) for why in route.get("why") or ()],
        "alternatives": [
            {"kind": each["kind"], "name": each["name"], "confidence": round(float(each["confidence"]), 4)}
            for each in route.get("alternatives") or ()
        ],
    }
    return choice
