"""From a checked document to rules that can be asked."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from ..inspection.pii import TYPES
from ..marked_yaml import Path
from .condition import ConditionError
from .document import Document
from .fixed import FIXED
from .reading import Marks
from .rule import Rule
from .verdict import DEFAULT, DEFAULT_RATE

_PERSONAL = ("pii", *(f"pii.{kind}" for kind in TYPES))
RESERVED = frozenset({DEFAULT, *(fixed.id for fixed in FIXED)})


def rules_of(document: Document, marks: Marks) -> tuple[Rule, ...]:
    """The document's rules, by id.

    Raises:
        PolicyError: two rules of one id or that of a built-in one, an unknown rate class or kind of personal data, or
            a faulty condition.
    """
    known: set[str] = set()
    made = []
    for index, written in enumerate(document.rules):
        place = ("rules", index)
        if written.id in known:
            raise marks.error((*place, "id"), f"two rules are called {written.id!r}; an id names one rule")
        if written.id in RESERVED:
            raise marks.error((*place, "id"), f"{written.id!r} is the name of a built-in rule; choose another")
        known.add(written.id)
        if written.rate is not None and written.rate not in {DEFAULT_RATE, *document.rates}:
            names = ", ".join(document.rates) or "none"
            raise marks.error((*place, "rate"), f"no rate class is called {written.rate!r} (under rates: {names})")
        _check_redact(written.redact or (), (*place, "redact"), marks)
        try:
            made.append(Rule.of(written))
        except ConditionError as error:
            raise marks.error((*place, "when"), f"when: {error}") from None
    return tuple(sorted(made, key=lambda rule: rule.id))


def _check_redact(kinds: Sequence[str], place: Path, marks: Marks) -> None:
    for number, kind in enumerate(kinds):
        if kind not in _PERSONAL:
            near = difflib.get_close_matches(kind, _PERSONAL, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(_PERSONAL)}"
            raise marks.error((*place, number), f"inspection knows no {kind!r}; {hint}")
