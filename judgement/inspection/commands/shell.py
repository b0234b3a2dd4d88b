"""Follow a script without running it: variables, pipes, functions and files it writes, every call judged.

Nothing is executed and nothing outside the text is looked at. Branches are all taken and loops go round once, for what
may run is what is judged.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from . import loops, rules, wrappers
from .code import documents, interpreters
from .flow import FETCHERS, output
from .globs import matcher
from .inner import Inner
from .model import ANYTHING, ENVIRONMENTS, NOTHING, UNKNOWN, Call, Data, Field, Hit, Label, Output, block, review
from .parse import parse
from .sources import path_labels
from .syntax import (
    Background,
    ForEach,
    Function,
    Group,
    Pipeline,
    Redirect,
    Simple,
    Statement,
    Substitution,
    Unparsed,
    Variable,
    Word,
)
from .targets import normal
from .words import capped, expand, value

MAX_CALLS = 3000
"""Calls that are followed in one text."""

MAX_NESTING = 10
"""Scripts within scripts, functions within functions."""

MAX_SCRIPT = 64 * 1024
"""Characters of an inner script that are parsed."""

_GLOBBED = tuple(
    """
    rm dd cat sh bash nc curl wget chmod mkfs python3 shred base64 sudo
""".split()
)
_SHELLS = interpreters.SHELLS
_RUN_LATER = frozenset(
    """
    PROMPT_COMMAND GIT_SSH_COMMAND GIT_EXTERNAL_DIFF GIT_EDITOR GIT_PAGER GIT_SEQUENCE_EDITOR LESSOPEN PAGER MANPAGER
    EDITOR VISUAL BROWSER RSYNC_RSH CVS_RSH SUDO_ASKPASS SSH_ASKPASS GIT_ASKPASS FCEDIT
""".split()
)
"""Variables whose value other programs run."""
_RECENT_FILES = 32
"""Files among which a pattern is looked for."""
CLONERS = frozenset({"git", "svn", "hg", "fossil", "bzr"})
REMOTE = frozenset({Label.REMOTE})


@dataclass(slots=True)
class Ledger:
    """What is shared by all scripts within a text: the hits with their places, and what may still be spent."""

    hits: list[tuple[Hit, int, int]] = field(default_factory=list)
    calls: int = 0
    parsed: int = 0
    fetched: bool = False
    executable: set[str] = field(default_factory=set)

    def note(self, hit: Hit, place: tuple[int, int]) -> None:
        """Keep a hit, once per place."""
        if (hit, *place) not in self.hits[-8:]:
            self.hits.append((hit, *place))


class Shell:
    """One shell's state while its script is followed.

    Args:
        ledger: where hits go.
        nesting: how many scripts this one lies within.
        place: of the outer command in the whole text, in bytes; None for the text itself.
    """

    def __init__(self, ledger: Ledger, nesting: int = 0, place: tuple[int, int] | None = None) -> None:
        self.variables: dict[str, tuple[Data, ...]] = {}
        self.functions: dict[str, Group] = {}
        self.files: dict[str, Data] = {}
        self.fetched: list[str] = []
        self.folder = "."
        self.wrappers: tuple[str, ...] = ()
        self._ledger = ledger
        self._nesting = nesting
        self._outer = place
        self._place = place or (0, 0)
        self._calling: tuple[str, ...] = ()
        self._forever = False

    # What the modules around ask of a shell.

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

    def substitute(self, part: Substitution) -> Data:
        """Judge a substitution; its output is its value, or a made-up path that holds it."""
        data = self.run(part.script, NOTHING)
        if part.kind == "$(":
            if Label.ENDLESS in data.labels and "timeout" not in self.wrappers:
                self._note(block("exhaust", "fills the memory"))
            return Data(data.text.rstrip("\n"), data.labels)
        path = f"/dev/fd/{63 - len(self.files) % 50}"
        self.files[path] = data
        return Data(path, data.labels)

    def script(self, data: Data, stdin: Data = NOTHING, arguments: list[Field] | None = None) -> Data:
        """Follow an inner script in a shell of its own, which starts with this one's variables and files."""
        self._judge_origin(data)
        if not data.text.strip():
            return NOTHING
        if self._nesting >= MAX_NESTING:
            self._note(review("too_deep", "scripts nested too deep to be judged"))
            return ANYTHING
        if self._ledger.parsed + len(data.text) > MAX_SCRIPT * 4 or len(data.text) > MAX_SCRIPT:
            self._note(review("too_large", "a script within the command is too long to be judged"))
            return ANYTHING
        self._ledger.parsed += len(data.text)
        inner = Shell(self._ledger, self._nesting + 1, self._place)
        inner.variables, inner.functions = dict(self.variables), dict(self.functions)
        inner.files, inner.folder, inner.wrappers = self.files, self.folder, self.wrappers
        inner._calling, inner._forever = self._calling, self._forever
        for number, argument in enumerate(arguments or ()):
            inner.variables[str(number)] = (argument.data,)
        statements = parse(data.text)
        if loops.restarts(statements):
            self._note(block("exhaust", "a script that starts itself again and again"))
        return inner.run(statements, stdin)

    def call(self, name: str, *args: str, stdin: Data = NOTHING, outputs: list[Output] | None = None) -> None:
        """Judge a call that a program in another language would make."""
        fields = [Field(Data(text), globs=False) for text in args]
        made = Call(name, fields, stdin, outputs or [], folder=self.folder, wrappers=self.wrappers)
        self._judge(made)

    def note(self, hit: Hit) -> None:
        """Keep a hit at the present command."""
        self._note(hit)

    def follow(self, statements: tuple[Statement, ...]) -> None:
        """Follow a whole text."""
        if loops.restarts(statements):
            self._note(block("exhaust", "a script that starts itself again and again"))
        self.run(statements, NOTHING)

    # Statements.

    def run(self, statements: tuple[Statement, ...], stdin: Data) -> Data:
        """Follow statements one after the other; gives all that they write."""
        written = NOTHING
        for statement in statements:
            if self._ledger.calls > MAX_CALLS:
                self._note(review("too_large", "more commands than are judged"))
                break
            written = capped(written.joined(self._statement(statement, stdin)))
        return written

    def _statement(self, statement: Statement, stdin: Data) -> Data:  # noqa: PLR0911
        match statement:
            case Simple():
                return self._simple(statement, stdin)
            case Pipeline():
                return self._pipeline(statement, stdin)
            case Group():
                return self._group(statement, stdin)
            case ForEach():
                return self._for_each(statement, stdin)
            case Background():
                return self._statement(statement.statement, stdin)
            case Function():
                self.functions[statement.name] = statement.body
                return NOTHING
            case Unparsed():
                self._at(statement.start, statement.end)
                self._note(review("unparsed", "a part that is no shell grammar"))
                return NOTHING

    def _pipeline(self, pipeline: Pipeline, stdin: Data) -> Data:
        data = stdin
        for stage in pipeline.stages:
            if self._ledger.calls > MAX_CALLS:
                self._note(review("too_large", "more commands than are judged"))
                break
            data = self._statement(stage, data)
        return data

    def _group(self, group: Group, stdin: Data) -> Data:
        source, outputs, inputs = self._redirects(group.redirects, stdin)
        if inputs:
            self._judge(Call("", [], inputs=inputs, folder=self.folder))
        forever, folder = self._forever, self.folder
        self._forever = forever or group.forever
        written = self.run(group.body, source)
        self._forever = forever
        if group.looped or group.forever or group.times:
            for hit in loops.judge(group):
                self._note(hit)
        if group.subshell:
            self.folder = folder
        if outputs:
            self._judge(
                Call("", [], written, self._filled(outputs, written), folder=self.folder, forever=group.forever)
            )
            return Data("", written.labels)
        return written

    def _for_each(self, loop: ForEach, stdin: Data) -> Data:
        items = tuple(item.data for word in loop.items for item in expand(word, self))
        written = NOTHING
        for item in items[:12] or (ANYTHING,):
            self.variables[loop.name] = (item,)
            written = capped(written.joined(self._group(loop.body, stdin)))
        many = max(loops.count(loop.items), loops.MANY_FILES if any(Label.MANY in item.labels for item in items) else 0)
        if many:
            for hit in loops.judge(replace(loop.body, times=many)):
                self._note(hit)
        return written

    # Commands.

    def _simple(self, simple: Simple, stdin: Data) -> Data:
        self._ledger.calls += 1
        self._at(simple.start, simple.end)
        fields = [item for word in simple.words for item in expand(word, self)]
        for assignment in simple.assignments:
            self._assign(assignment.name, assignment.values, appends=assignment.appends)
        source, outputs, inputs = self._redirects(simple.redirects, stdin)
        self._at(simple.start, simple.end)
        if fields and fields[0].text in {"export", "declare", "local", "readonly", "typeset"} and simple.assignments:
            fields += [
                Field(Data(f"{a.name}=").joined(self.variables.get(a.name, (NOTHING,))[0])) for a in simple.assignments
            ]
        elif not fields and simple.assignments and not outputs:
            fields = [
                Field(Data(f"{a.name}=").joined(self.variables.get(a.name, (NOTHING,))[0])) for a in simple.assignments
            ]
            self._judge(Call("=", fields, folder=self.folder))
            return NOTHING
        written = self._fields(fields, source, inputs, outputs)
        if len(simple.words) > 2 and len(fields) > 1 and fields[1].text == "=":  # noqa: PLR2004
            self._assigned(simple.words[0], written)
        if simple.assignments and fields:
            names = [
                Field(Data(f"{a.name}=").joined(self.variables.get(a.name, (NOTHING,))[0])) for a in simple.assignments
            ]
            self._judge(Call("=", names, folder=self.folder))
        return written

    def _fields(self, fields: list[Field], stdin: Data, inputs: list[str], outputs: list[Output]) -> Data:
        """Follow an argument vector: a function, a wrapper, an interpreter or a plain program."""
        if len(fields) > 2 and fields[0].text in {"", UNKNOWN} and fields[1].text == "=":  # noqa: PLR2004
            fields = fields[2:]  # PowerShell's `$name = command …`
        while fields and not fields[0].text:
            fields = fields[1:]
        if not fields:
            self._judge(Call("", [], stdin, self._filled(outputs, stdin), inputs, self.folder, forever=self._forever))
            return stdin if inputs else NOTHING
        call = Call(
            _name(fields[0]),
            fields[1:],
            stdin,
            [],
            inputs,
            self.folder,
            self.wrappers,
            self._forever,
            self._environment(),
        )
        self._judge_origin(fields[0].data)
        self._judge_started(fields[0])
        alone = " " in fields[0].text and not call.args  # PowerShell: a text by itself is what the next stage reads
        written = fields[0].data if alone else self._written(call)
        call.outputs = self._filled(outputs, written)
        if call.name not in self.functions:
            self._judge(call)
        self._remember(call, written)
        return Data("", written.labels) if any(o.path == "1" for o in call.outputs) else written

    def _environment(self) -> Mapping[str, str]:
        return {name: self.variables[name][0].text for name in ENVIRONMENTS if name in self.variables}

    def _written(self, call: Call) -> Data:
        documents.judge(call, self)
        if call.name in self.functions:
            return self._function(call)
        inner = wrappers.unwrap(call) if self._nesting < MAX_NESTING else None
        if inner is not None:
            return self._unwrapped(call, inner)
        if call.name in interpreters.NAMES:
            before, self.wrappers = self.wrappers, (*self.wrappers, call.name)
            found = interpreters.run(call, self)
            self.wrappers = before
            if found is not None:
                return found
        self._built_in(call)
        return output(call, self)

    def _built_in(self, call: Call) -> None:
        """What the shell's own commands change of its state."""
        if call.name == "cd" and call.operands:
            self.folder = normal(call.operands[0], self.folder)
        elif call.name in {"read", "mapfile", "readarray"}:
            for name in call.operands:
                self.variables[name] = (call.stdin,)
        elif call.name in {"source", "."} and call.operands:
            self._sourced(call)
        elif call.name == "set" and "--" in call.argv:
            self._positional(call.args[call.argv.index("--") + 1 :])
        elif call.name == "printf" and call.option("-v"):
            rest = Call("printf", call.args[2:], call.stdin, folder=self.folder)
            self.variables[call.option("-v") or ""] = (output(rest, self),)

    def _unwrapped(self, call: Call, inner: Inner) -> Data:
        stdin = call.stdin if inner.stdin is None else inner.stdin
        before, nesting, folder = self.wrappers, self._nesting, self.folder
        self.wrappers, self._nesting = (*before, call.name), nesting + 1
        if call.name in {"env", "sudo"}:
            for arg in call.args:
                name, equals, held = arg.text.partition("=")
                if equals and name.isidentifier():
                    self.variables[name] = (Data(held, arg.data.labels),)
        if inner.folder:
            self.folder = inner.folder
        written, ran = NOTHING, False
        for fields in inner.commands[:64]:
            if fields:
                self._ledger.calls += 1
                written, ran = capped(written.joined(self._fields(fields, stdin, call.inputs, []))), True
        for text in inner.scripts[:64]:
            written, ran = capped(written.joined(self.script(text, stdin))), True
        self.wrappers, self._nesting, self.folder = before, nesting, folder
        if call.name == "find":
            return output(call, self)
        return written if ran else output(call, self)

    def _function(self, call: Call) -> Data:
        body = self.functions[call.name]
        if call.name in self._calling:
            return NOTHING
        if loops.multiplies(call.name, body):
            self._note(block("exhaust", "a function that starts itself again and again"))
            return NOTHING
        if len(self._calling) >= MAX_NESTING:
            self._note(review("too_deep", "functions nested too deep to be judged"))
            return ANYTHING
        saved, calling = dict(self.variables), self._calling
        self._calling = (*calling, call.name)
        self.variables["@"] = self.variables["*"] = tuple(arg.data for arg in call.args)
        for number, arg in enumerate(call.args[:20], 1):
            self.variables[str(number)] = (arg.data,)
        written = self._group(body, call.stdin)
        self._calling = calling
        for name in ("@", "*", *map(str, range(1, 21))):
            if name in saved:
                self.variables[name] = saved[name]
            else:
                self.variables.pop(name, None)
        return written

    def _positional(self, args: list[Field]) -> None:
        self.variables["@"] = self.variables["*"] = tuple(arg.data for arg in args)
        for number, arg in enumerate(args[:20], 1):
            self.variables[str(number)] = (arg.data,)

    def _sourced(self, call: Call) -> None:
        standard = call.operands[0] in {"/dev/stdin", "/proc/self/fd/0", "/dev/fd/0"}
        content = call.stdin if standard else self.content(call.operands[0])
        if content is not None:
            self.script(content)

    # Data.

    def _assign(self, name: str, words: tuple[Word, ...], *, appends: bool) -> None:
        self._keep(name, words, appends=appends)
        if name in _RUN_LATER:
            self.script(self.variables[name][0])

    def _keep(self, name: str, words: tuple[Word, ...], *, appends: bool) -> None:
        values = tuple(capped(value(word, self)) for word in words) or (NOTHING,)
        if len(words) > 1:
            values = tuple(item.data for word in words for item in expand(word, self)) or (NOTHING,)
        if appends and name in self.variables and len(words) == 1:
            values = (capped(self.variables[name][0].joined(values[0])),)
        self.variables[name] = values

    def _assigned(self, word: Word, written: Data) -> None:
        """PowerShell's `$name = command …`: the variable holds what the command writes."""
        if len(word.parts) == 1 and isinstance(word.parts[0], Variable):
            self.variables[word.parts[0].name] = (capped(written),)

    def _redirects(self, redirects: tuple[Redirect, ...], stdin: Data) -> tuple[Data, list[Output], list[str]]:
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

    def _filled(self, outputs: list[Output], data: Data) -> list[Output]:
        for made in outputs:
            if not made.path.startswith("/dev/") or made.path.startswith("/dev/shm/"):  # noqa: S108 (a pattern)
                path = normal(made.path, self.folder)
                before = self.files.get(path) if made.appends else None
                self.files[path] = capped(before.joined(data) if before else data)
        return [Output(made.path, made.appends, data) for made in outputs]

    def _remember(self, call: Call, written: Data) -> None:  # noqa: ARG002
        """Keep what downloads, copies and tee put into files, and what was made executable."""
        if call.name in FETCHERS or (call.name in interpreters.NAMES and any("://" in text for text in call.argv)):
            self._ledger.fetched = True
        elif call.name in {"chmod", "install"}:
            made = [normal(path, self.folder) for path in call.operands[-4:]]
            self._ledger.executable.update(made)
            self._judge_made(made)
        for path, data in rules.files_written(call, self):
            self.files[normal(path, self.folder)] = data
            if call.name in CLONERS and data.labels == REMOTE:
                self.fetched.append(normal(path, self.folder))

    # Judging.

    def _judge(self, call: Call) -> None:
        for hit in rules.judge(call, self):
            self._note(hit)

    def _judge_origin(self, data: Data) -> None:
        """What is run was fetched, or can't be read."""
        if Label.REMOTE in data.labels:
            self._note(block("download_execute", "runs what comes from the network"))
        elif Label.OPAQUE in data.labels and not data.known:
            self._note(review("opaque", "runs what was decoded from something unreadable"))

    def _judge_started(self, first: Field) -> None:
        """The program itself is a file that this text wrote."""
        if "/" not in first.text and not first.text.lower().endswith((".bat", ".cmd", ".exe", ".ps1")):
            return
        content = self.content(first.text)
        if content is None:
            if self._ledger.fetched and normal(first.text, self.folder) in self._ledger.executable:
                self._note(block("download_execute", "runs what was just fetched"))
            return
        self._judge_origin(content)
        if content.known:
            self.script(content)

    def _judge_made(self, paths: list[str]) -> None:
        """Scripts that this text wrote and makes programs: somebody runs them sooner or later."""
        for path in paths:
            recent = tuple(self.files)[-_RECENT_FILES:]
            named = filter(matcher(path), recent) if any(mark in path for mark in "*?[") else [path]
            for name in list(named)[:8]:
                held = self.files.get(name)
                if held is not None and held.known and held.text.startswith("#!/bin/"):
                    self.script(held)

    def _at(self, start: int, end: int) -> None:
        if self._outer is None:
            self._place = (start, end)

    def _note(self, hit: Hit) -> None:
        self._ledger.note(hit, self._place)


def _name(first: Field) -> str:
    """A program's name: without its folder, with a glob in it solved, with a DOS ending taken off."""
    text = first.text
    name = posixpath.basename(text.replace("\\", "/")) if "/" in text or "\\" in text else text
    if first.globs and any(mark in name for mark in "*?["):
        name = next(filter(matcher(name), _GLOBBED), name)
    name = name.replace(UNKNOWN, "") or name  # an unset variable amid a name is nothing
    lowered = name.lower()
    if lowered.endswith((".exe", ".com")):
        return lowered[:-4]
    cmdlet = name[:1].isupper() and "-" in name
    return lowered if name != lowered and (cmdlet or lowered in rules.FOLDED) else name
