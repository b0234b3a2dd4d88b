"""Hazards that a program's own words tell, as rows of a table (`verbs.yaml`), one line a hazard."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files

import yaml

from ..model import Call, Hit, block, review

_DRY = ("--dry-run", "--dryrun", "--dry_run", "--preview-only", "--check", "--what-if", "-whatif", "--help", "--plan")
_OPERANDS = 16
"""Operands of a call that are looked at."""


def is_dry(call: Call) -> bool:
    """Whether the call only shows what it would do."""
    texts = [text.lower() for text in call.argv]
    return any(text.startswith(_DRY) for text in texts) and "--dry-run=none" not in texts


def _matches(pattern: str, text: str) -> bool:
    """One word of a row against one argument; `*` stands for anything at either end."""
    if pattern[0] == "*":
        return pattern.strip("*") in text if pattern[-1] == "*" else text.endswith(pattern[1:])
    return text.startswith(pattern[:-1]) if pattern[-1] == "*" else text == pattern


def _any(pattern: str, texts: Iterable[str]) -> bool:
    choices = pattern.split("|")
    return any(_matches(choice, text) for text in texts for choice in choices)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: what must be among a call's arguments, and what is said then."""

    hit: Hit
    words: tuple[str, ...]
    options: tuple[str, ...]
    spoken: tuple[str, ...]
    absent: tuple[str, ...]

    def meets(self, call: Call, operands: list[str]) -> bool:
        """Whether the call is one that the row is about.

        Args:
            call: of one of the row's programs.
            operands: its first ones in lower case.
        """
        return (
            self._in_order(operands)
            and all(_has_option(call, option) for option in self.options)
            and all(_any(f"*{said}*", _said(call)) for said in self.spoken)
            and not any(
                _has_option(call, word) if word[0] == "-" else _any(word, call.operands) for word in self.absent
            )
        )

    def _in_order(self, operands: list[str]) -> bool:
        left = iter(operands)
        return all(any(_any(word, [text]) for text in left) for word in self.words)


def _said(call: Call) -> list[str]:
    return [*(text.lower() for text in call.argv), call.stdin.text.lower()]


def _has_option(call: Call, option: str) -> bool:
    """`-x|--long`, or with a value `-x|--long=value|value`; letters of one dash count in bundles and as written."""
    names, equals, wanted = option.partition("=")
    for name in names.split("|"):
        if equals:
            spelled = [name] if len(name) <= len("-x") else [name, *_as_written(call, name)]
            if any(_any(wanted, [value.text.lower()]) for value in call.options(*spelled)):
                return True
        elif len(name) == len("-x") and name[1].isalpha():
            if call.has(name[1]):
                return True
        elif any(_any(name.lower(), [text.lower().partition("=")[0], text.lower()]) for text in call.argv):
            return True
    return False


def _as_written(call: Call, name: str) -> list[str]:
    """The spellings of a long option in the call: PowerShell's don't mind upper case."""
    return [text for text in call.argv if text.lower() == name.lower() and text != name]


def _row(hit: Hit, line: str) -> tuple[str, Row]:
    program, *rest = line.split()
    return program, Row(
        hit,
        tuple(word.lower() for word in rest if word[0] not in "-~!"),
        tuple(word for word in rest if word[0] == "-"),
        tuple(word[1:].lower().replace("__", " ") for word in rest if word[0] == "~"),
        tuple(word[1:] for word in rest if word[0] == "!"),
    )


def _read() -> Mapping[str, tuple[Row, ...]]:
    data = yaml.safe_load((files(__package__) / "verbs.yaml").read_text("utf-8"))
    table: dict[str, tuple[Row, ...]] = {}
    for effect, families in data.items():
        hit = block if effect == "block" else review
        for family, hazards in families.items():
            for what, lines in hazards.items():
                for line in lines:
                    programs, row = _row(hit(family, what), line)
                    for program in programs.split("|"):
                        table[program] = (*table.get(program, ()), row)
    return table


def _judged_by(rows: tuple[Row, ...]) -> Callable[[Call], Iterator[Hit]]:
    def rule(call: Call) -> Iterator[Hit]:
        if not is_dry(call):
            operands = [text.lower() for text in call.operands[:_OPERANDS]]
            yield from dict.fromkeys(row.hit for row in rows if row.meets(call, operands))

    return rule


RULES: Mapping[str, Callable[[Call], Iterable[Hit]]] = {name: _judged_by(rows) for name, rows in _read().items()}
ALWAYS: tuple[Callable[[Call], Iterable[Hit]], ...] = ()
