"""What is said of each call, of what is run, and of what it leaves for later."""

from __future__ import annotations

from abc import abstractmethod

from . import rules
from .code import interpreters
from .flow import FETCHERS
from .globs import matcher
from .ledger import Ledger
from .memory import REMOTE, Memory
from .model import NOTHING, UNKNOWN, Call, Data, Field, Hit, Label, block, review
from .syntax import Statement, Word
from .targets import normal

_RUN_LATER = frozenset(
    """
    PROMPT_COMMAND GIT_SSH_COMMAND GIT_EXTERNAL_DIFF GIT_EDITOR GIT_PAGER GIT_SEQUENCE_EDITOR LESSOPEN PAGER MANPAGER
    EDITOR VISUAL BROWSER RSYNC_RSH CVS_RSH SUDO_ASKPASS SSH_ASKPASS GIT_ASKPASS FCEDIT
""".split()
)
"""Variables whose value other programs run."""
_RECENT_FILES = 32
"""Files among which a pattern is looked for."""


class Judge(Memory):
    """A shell's memory, and the judging of what happens in it.

    Args:
        ledger: where hits go.
        nesting: how many scripts this one lies within.
        place: of the outer command in the whole text, in bytes; None for the text itself.
    """

    def __init__(self, ledger: Ledger, nesting: int = 0, place: tuple[int, int] | None = None) -> None:
        super().__init__()
        self._ledger = ledger
        self._nesting = nesting
        self._outer = place
        self._place = place or (0, 0)

    @abstractmethod
    def script(self, data: Data, stdin: Data = NOTHING, arguments: list[Field] | None = None) -> Data:
        """Follow an inner script; gives what it writes."""

    @abstractmethod
    def run(self, statements: tuple[Statement, ...], stdin: Data) -> Data:
        """Follow statements one after the other; gives all that they write."""

    def drain(self, call: Call) -> None:
        """Give what a call writes into `>(…)` to those who read there; a shell's record is what a shell answers."""
        if not self.sinks:
            return
        given = {made.path: made.data for made in call.outputs}
        given.update({path: call.stdin for path in call.operands if call.name == "tee"})
        if call.name in {"script", "exec", "ttyrec", "asciinema"}:
            given.update(dict.fromkeys([*given, *call.operands], Data(UNKNOWN, frozenset({Label.SHELL}))))
        for path in [path for path in self.sinks if path in given]:
            self.run(self.sinks.pop(path), given[path])

    def note(self, hit: Hit) -> None:
        """Keep a hit at the present command."""
        self._ledger.note(hit, self._place)

    def assign(self, name: str, words: tuple[Word, ...], *, appends: bool) -> None:
        """Set a variable; the value of one that other programs run is judged as a script."""
        self.keep(name, words, appends=appends)
        if name in _RUN_LATER:
            self.script(self.variables[name][0])

    def remember(self, call: Call) -> None:
        """Keep what downloads, copies and tee put into files, and what was made executable."""
        if call.name in FETCHERS or (call.name in interpreters.NAMES and any("://" in text for text in call.argv)):
            self._ledger.fetched = True
        elif call.name in {"chmod", "install"}:
            made = [normal(path, self.folder) for path in call.operands[-4:]]
            self._ledger.executable.update(made)
            self.judge_made(made)
        if call.name in {"cp", "ln", "install", "mv"} and len(call.operands) > 1:
            self.copied(call.operands[-2], call.operands[-1])
        for path, data in rules.files_written(call, self):
            self.files[normal(path, self.folder)] = data
            if data.labels == REMOTE:
                self.fetched.append(normal(path, self.folder))

    def judge(self, call: Call) -> None:
        """Judge a call by all rules."""
        for hit in rules.judge(call, self):
            self.note(hit)

    def judge_origin(self, data: Data) -> None:
        """What is run was fetched, or can't be read."""
        if Label.REMOTE in data.labels:
            self.note(block("download_execute", "runs what comes from the network"))
        elif Label.OPAQUE in data.labels and not data.known:
            self.note(review("opaque", "runs what was decoded from something unreadable"))

    def judge_started(self, first: Field) -> None:
        """The program itself is a file that this text wrote."""
        if "/" not in first.text and not first.text.lower().endswith((".bat", ".cmd", ".exe", ".ps1")):
            return
        content = self.content(first.text)
        if content is None:
            if self._ledger.fetched and normal(first.text, self.folder) in self._ledger.executable:
                self.note(block("download_execute", "runs what was just fetched"))
            return
        self.judge_origin(content)
        if content.known:
            self.script(content)

    def judge_made(self, paths: list[str]) -> None:
        """Scripts that this text wrote and makes programs: somebody runs them sooner or later."""
        for path in paths:
            recent = tuple(self.files)[-_RECENT_FILES:]
            named = filter(matcher(path), recent) if any(mark in path for mark in "*?[") else [path]
            for name in list(named)[:8]:
                held = self.files.get(name)
                if held is not None and held.known and held.text.startswith("#!/bin/"):
                    self.script(held)

    def at(self, start: int, end: int) -> None:
        """Hits belong to this stretch of the text from now on; within an inner script, to the command around it."""
        if self._outer is None:
            self._place = (start, end)
