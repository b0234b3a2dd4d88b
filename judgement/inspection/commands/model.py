"""A shell text as typed values: what was written (syntax), what it comes to (fields, data), what is judged (calls)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from ...finding import Severity

ENVIRONMENTS = ("RAILS_ENV", "MIX_ENV", "APP_ENV", "NODE_ENV", "RACK_ENV", "DJANGO_ENV")
"""Variables by which a framework is told whose data it works on."""

UNKNOWN = "\ufffc"
"""Stands in a text for what can't be known without running it."""

HOME = "/home/~"
"""The path that `~` and $HOME come to: no real account has this name."""


class Label(Enum):
    """Where data came from, as far as that matters for judging where it goes."""

    REMOTE = "fetched from the network"
    SECRET = "credentials"  # noqa: S105
    PRIVATE = "environment, accounts or whole folders of the machine"
    DUMP = "a whole database"
    EVERYTHING = "all databases of a server"
    HOST = "facts about the machine"
    PROCESSES = "the ids of all processes"
    INSTANCES = "the ids of all containers or resources"
    OPAQUE = "decoded from something that can't be read"
    SHELL = "what a shell answers whose commands aren't known"
    ENDLESS = "a source that never ends"
    MANY = "more values than a machine can start programs for"
    GUARD = "what guards the machine"
    DISKS = "the names of all disks"
    WIDE = "the paths of the machine, of homes or of a service"


@dataclass(frozen=True, slots=True)
class Data:
    """A value or stream: its text (with UNKNOWN where unknown) and where it came from."""

    text: str = ""
    labels: frozenset[Label] = frozenset()

    @property
    def known(self) -> bool:
        """Whether the whole text is known."""
        return UNKNOWN not in self.text

    def joined(self, other: Data) -> Data:
        """This, then the other."""
        return Data(self.text + other.text, self.labels | other.labels)


NOTHING = Data()
ANYTHING = Data(UNKNOWN)


# Syntax: what was written.


# Calls: what would run.


@dataclass(frozen=True, slots=True)
class Field:
    """One argument after expansion."""

    data: Data
    globs: bool = False

    @property
    def text(self) -> str:
        """The argument as the program gets it."""
        return self.data.text


@dataclass(frozen=True, slots=True)
class Output:
    """A file that a command's output, or an operand, is written to."""

    path: str
    appends: bool
    data: Data


@dataclass(slots=True)
class Call:
    """One program with its arguments, what it reads and what it writes, wrappers taken off.

    The arguments don't change once the call is made: `argv` and `operands` are worked out then, for all rules ask.
    """

    name: str
    args: list[Field]
    stdin: Data = NOTHING
    outputs: list[Output] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)
    folder: str = "."
    wrappers: tuple[str, ...] = ()
    forever: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    """Those of ENVIRONMENTS that are set."""
    argv: list[str] = field(init=False)
    """The arguments' texts."""
    operands: list[str] = field(init=False)
    """Arguments that are no options; all that follow `--`."""

    def __post_init__(self) -> None:
        texts = self.argv = [arg.data.text for arg in self.args]
        end = texts.index("--") if "--" in texts else len(texts)
        self.operands = [text for text in texts[:end] if text[:1] != "-" or text == "-"] + texts[end + 1 :]

    def has(self, letters: str = "", *words: str) -> bool:
        """Whether a short option of these letters (bundled or not) or one of these long ones is given.

        Args:
            letters: single-letter options, any of which counts.
            words: whole options with their dashes; `--recursive` also matches `--recursive=…` and is met by no prefix.
        """
        for text in self.argv:
            if text[:1] != "-":
                continue
            if text == "--":
                return False
            if text.partition("=")[0] in words:
                return True
            if text[:1] == "-" and text[1:2] != "-" and any(letter in text[1:] for letter in letters):
                return True
        return False

    def bundled(self, letters: str) -> list[Data]:
        """The values that follow a bundle of short options whose last takes one: `-sF value` for `F`."""
        return [
            value.data
            for text, value in zip(self.argv, self.args[1:], strict=False)
            if len(text) > len("-x") and text[0] == "-" and text[1].isalpha() and text[-1] in letters
        ]

    def option(self, *names: str) -> str | None:
        """The value of an option given as `-x value`, `-xvalue`, `--long value` or `--long=value`; None without it."""
        found = self.options(*names)
        return found[0].text if found else None

    def options(self, *names: str) -> list[Data]:
        """All values of an option, as `option` reads them."""
        values: list[Data] = []
        for position, arg in enumerate(self.args):
            for name in names:
                if arg.text == name and position + 1 < len(self.args):
                    values.append(self.args[position + 1].data)
                elif len(name) > len("-x") and arg.text.startswith(name + "="):
                    values.append(Data(arg.text[len(name) + 1 :], arg.data.labels))
                elif name[1:2] != "-" and not name[2:] and arg.text.startswith(name) and arg.text[2:]:
                    values.append(Data(arg.text[2:], arg.data.labels))
        return values


@dataclass(frozen=True, slots=True)
class Hit:
    """What a rule says of a call: the hazard's family, how grave, what was seen."""

    family: str
    severity: Severity
    what: str


def block(family: str, what: str) -> Hit:
    """A hit that is hostile in every setting."""
    return Hit(family, Severity.BLOCK, what)


def review(family: str, what: str) -> Hit:
    """A hit that a person should see first."""
    return Hit(family, Severity.REVIEW, what)


Hits = Sequence[Hit]
