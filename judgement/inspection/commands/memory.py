"""What a shell knows on its way through a script: variables, functions, files that the text wrote."""

from __future__ import annotations

import posixpath
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping

from .model import ANYTHING, ENVIRONMENTS, NOTHING, UNKNOWN, Data, Field, Label, Output
from .naming import program_name
from .sources import path_labels
from .syntax import Assignment, Group, Redirect, Statement, Substitution, Variable, Word
from .targets import normal
from .words import capped, expand, value

_PROGRAM_FOLDERS = ("/bin/", "/usr/bin/", "/usr/local/bin/", "/sbin/", "/usr/sbin/")
REMOTE = frozenset({Label.REMOTE})
"""Of all that a repository holds that was fetched without protection."""


class Memory(ABC):
    """Variables, functions, files and the present folder.

    Words are expanded in it; what a substitution comes to is told by whoever follows scripts.
    """

    def __init__(self) -> None:
        self.variables: dict[str, tuple[Data, ...]] = {}
        self.functions: dict[str, Group] = {}
        self.files: dict[str, Data] = {}
        self.fetched: list[str] = []
        self.programs: dict[str, str] = {}
        self.sinks: dict[str, tuple[Statement, ...]] = {}
        self.folder = "."
        self.wrappers: tuple[str, ...] = ()

    @abstractmethod
    def substitute(self, part: Substitution) -> Data:
        """What a substitution comes to."""

    def inherit(self, outer: Memory) -> None:
        """Begin with what an outer shell knows; files are the same for both, variables and functions copies."""
        self.variables, self.functions = dict(outer.variables), dict(outer.functions)
        self.files, self.folder, self.wrappers = outer.files, outer.folder, outer.wrappers
        self.programs = outer.programs

    def named(self, first: Field) -> str:
        """The program that a first word means: its name, or that of the program it is a copy of."""
        copied = self.programs.get(normal(first.text, self.folder)) if "/" in first.text and self.programs else None
        return copied or program_name(first)

    def copied(self, source: str, target: str) -> None:
        """Keep under which other name a program was put."""
        if source.startswith(_PROGRAM_FOLDERS) and not target.endswith("/"):
            self.programs[normal(target, self.folder)] = posixpath.basename(source)

    def told(self, fields: list[Field]) -> list[Field]:
        """The arguments of a client that reads some from files, with what this text wrote there."""
        held = [self.content(item.text.partition("file://")[2] or item.text) for item in fields]
        return [
            item if data is None or not data.known else Field(Data("".join(data.text.split()), data.labels))
            for item, data in zip(fields, held, strict=True)
        ]

    def content(self, path: str) -> Data | None:
        """What this text wrote into a file."""
        path = normal(path, self.folder)
        held = self.files.get(path)
        if held is None and self.fetched:
            within = path if path.startswith("/") else posixpath.normpath(posixpath.join(self.folder, path))
            held = next(
                (Data(UNKNOWN, REMOTE) for folder in self.fetched if f"{within}/".startswith(folder + "/")), None
            )
        return held

    def environment(self) -> Mapping[str, str]:
        """Those of ENVIRONMENTS that are set."""
        return {name: self.variables[name][0].text for name in ENVIRONMENTS if name in self.variables}

    def settings(self, assignments: Iterable[Assignment]) -> list[Field]:
        """What was assigned, as words: `name=value`."""
        return [
            Field(Data(f"{made.name}=").joined(self.variables.get(made.name, (NOTHING,))[0])) for made in assignments
        ]

    def number(self, args: list[Field]) -> None:
        """Set `$@`, `$*`, `$1` and so on."""
        self.variables["@"] = self.variables["*"] = tuple(arg.data for arg in args)
        for number, arg in enumerate(args[:20], 1):
            self.variables[str(number)] = (arg.data,)

    def keep(self, name: str, words: tuple[Word, ...], *, appends: bool) -> None:
        """Set a variable to what words come to."""
        values = tuple(capped(value(word, self)) for word in words) or (NOTHING,)
        if len(words) > 1:
            values = tuple(item.data for word in words for item in expand(word, self)) or (NOTHING,)
        if appends and name in self.variables and len(words) == 1:
            values = (capped(self.variables[name][0].joined(values[0])),)
        self.variables[name] = values

    def hold(self, word: Word, written: Data) -> None:
        """PowerShell's `$name = command …`: the variable holds what the command writes."""
        if len(word.parts) == 1 and isinstance(word.parts[0], Variable):
            self.variables[word.parts[0].name] = (capped(written),)

    def opened(self, redirects: tuple[Redirect, ...], stdin: Data) -> tuple[Data, list[Output], list[str]]:
        """What is read instead of the given input, the files that are written, and those that are read."""
        outputs: list[Output] = []
        inputs: list[str] = []
        for redirect in redirects:
            data = value(redirect.target, self)
            if redirect.operator in {"<<", "<<<"}:
                stdin = data
            elif redirect.operator.startswith(">") or redirect.operator in {"&>", "&>>", "<>"}:
                numbered = redirect.operator in {">&", "<>"} and (data.text.isdigit() or data.text == "-")
                if not numbered:
                    outputs.append(Output(data.text, ">>" in redirect.operator, NOTHING))
            elif redirect.operator == "<":
                inputs.append(data.text)
                held = self.content(data.text)
                labels = frozenset(path_labels(data.text, self.folder))
                stdin = Data(held.text, held.labels | labels) if held is not None else Data(ANYTHING.text, labels)
        return stdin, outputs, inputs

    def filled(self, outputs: list[Output], data: Data) -> list[Output]:
        """The same files with what is written there, which is known from now on."""
        for made in outputs:
            if not made.path.startswith("/dev/") or made.path.startswith("/dev/shm/"):  # noqa: S108 (a pattern)
                path = normal(made.path, self.folder)
                before = self.files.get(path) if made.appends else None
                self.files[path] = capped(before.joined(data) if before else data)
        return [Output(made.path, made.appends, data) for made in outputs]
