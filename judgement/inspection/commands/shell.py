"""Follow a script without running it: variables, pipes, functions and files it writes, every call judged.

Nothing is executed and nothing outside the text is looked at. Branches are all taken and loops go round once, for what
may run is what is judged.
"""

from __future__ import annotations

from dataclasses import replace

from . import loops, wrappers
from .code import documents, interpreters
from .flow import output
from .inner import Inner
from .judging import Judge
from .ledger import MAX_CALLS, Ledger
from .model import ANYTHING, NOTHING, UNKNOWN, Call, Data, Field, Label, Output, block, review
from .parse import parse
from .syntax import (
    Background,
    ForEach,
    Function,
    Group,
    Pipeline,
    Simple,
    Statement,
    Substitution,
    Unparsed,
)
from .targets import normal
from .words import capped, expand

MAX_NESTING = 10
"""Scripts within scripts, functions within functions."""

MAX_SCRIPT = 64 * 1024
"""Characters of an inner script that are parsed."""

_TOLD_BY_FILES = frozenset({"aws", "kubectl", "oc"})


class Shell(Judge):
    """One shell while its script is followed."""

    def __init__(self, ledger: Ledger, nesting: int = 0, place: tuple[int, int] | None = None) -> None:
        super().__init__(ledger, nesting, place)
        self._calling: tuple[str, ...] = ()
        self._forever = False

    # What the modules around ask of a shell.

    def substitute(self, part: Substitution) -> Data:
        """Judge a substitution; its output is its value, or a made-up path that holds it."""
        data = self.run(part.script, NOTHING)
        if part.kind == "$(":
            if Label.ENDLESS in data.labels and "timeout" not in self.wrappers:
                self.note(block("exhaust", "fills the memory"))
            return Data(data.text.rstrip("\n"), data.labels)
        path = f"/dev/fd/{63 - len(self.files) % 50}"
        self.files[path] = data
        if part.kind == ">(":
            self.sinks[path] = part.script
        return Data(path, data.labels)

    def script(self, data: Data, stdin: Data = NOTHING, arguments: list[Field] | None = None) -> Data:
        """Follow an inner script in a shell of its own, which starts with this one's variables and files."""
        self.judge_origin(data)
        if not data.text.strip():
            return NOTHING
        if self._nesting >= MAX_NESTING:
            self.note(review("too_deep", "scripts nested too deep to be judged"))
            return ANYTHING
        if self._ledger.parsed + len(data.text) > MAX_SCRIPT * 4 or len(data.text) > MAX_SCRIPT:
            self.note(review("too_large", "a script within the command is too long to be judged"))
            return ANYTHING
        self._ledger.parsed += len(data.text)
        inner = Shell(self._ledger, self._nesting + 1, self._place)
        inner.inherit(self)
        inner._calling, inner._forever = self._calling, self._forever
        for number, argument in enumerate(arguments or ()):
            inner.variables[str(number)] = (argument.data,)
        statements = parse(data.text)
        if loops.restarts(statements):
            self.note(block("exhaust", "a script that starts itself again and again"))
        return inner.run(statements, stdin)

    def call(self, name: str, *args: str, stdin: Data = NOTHING, outputs: list[Output] | None = None) -> None:
        """Judge a call that a program in another language would make."""
        fields = [Field(Data(text), globs=False) for text in args]
        made = Call(name, fields, stdin, outputs or [], folder=self.folder, wrappers=self.wrappers)
        self.judge(made)

    def follow(self, statements: tuple[Statement, ...]) -> None:
        """Follow a whole text."""
        if loops.restarts(statements):
            self.note(block("exhaust", "a script that starts itself again and again"))
        self.run(statements, NOTHING)

    # Statements.

    def run(self, statements: tuple[Statement, ...], stdin: Data) -> Data:
        """Follow statements one after the other; gives all that they write."""
        written = NOTHING
        for statement in statements:
            if self._ledger.calls > MAX_CALLS:
                self.note(review("too_large", "more commands than are judged"))
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
                self.at(statement.start, statement.end)
                self.note(review("unparsed", "a part that is no shell grammar"))
                return NOTHING

    def _pipeline(self, pipeline: Pipeline, stdin: Data) -> Data:
        data = stdin
        for stage in pipeline.stages:
            if self._ledger.calls > MAX_CALLS:
                self.note(review("too_large", "more commands than are judged"))
                break
            data = self._statement(stage, data)
        return data

    def _group(self, group: Group, stdin: Data) -> Data:
        source, outputs, inputs = self.opened(group.redirects, stdin)
        if inputs:
            self.judge(Call("", [], inputs=inputs, folder=self.folder))
        forever, folder = self._forever, self.folder
        self._forever = forever or group.forever
        written = self.run(group.body, source)
        self._forever = forever
        if group.looped or group.forever or group.times:
            for hit in loops.judge(group):
                self.note(hit)
        if group.subshell:
            self.folder = folder
        if outputs:
            self.judge(Call("", [], written, self.filled(outputs, written), folder=self.folder, forever=group.forever))
            return Data("", written.labels)
        return written

    def _for_each(self, loop: ForEach, stdin: Data) -> Data:
        items = tuple(item.data for word in loop.items for item in expand(word, self))
        written = NOTHING
        for item in items[:12] or (ANYTHING,):
            self.variables[loop.name] = (item,)
            written = capped(written.joined(self._group(loop.body, stdin)))
        many = max(
            loops.count(loop.items), loops.MANY_PROCESSES if any(Label.MANY in item.labels for item in items) else 0
        )
        if many:
            for hit in loops.judge(replace(loop.body, times=many)):
                self.note(hit)
        return written

    # Commands.

    def _simple(self, simple: Simple, stdin: Data) -> Data:
        self._ledger.calls += 1
        self.at(simple.start, simple.end)
        fields = [item for word in simple.words for item in expand(word, self)]
        for assignment in simple.assignments:
            self.assign(assignment.name, assignment.values, appends=assignment.appends)
        source, outputs, inputs = self.opened(simple.redirects, stdin)
        self.at(simple.start, simple.end)
        if fields and fields[0].text in {"export", "declare", "local", "readonly", "typeset"} and simple.assignments:
            fields += self.settings(simple.assignments)
        elif not fields and simple.assignments and not outputs:
            self.judge(Call("=", self.settings(simple.assignments), folder=self.folder))
            return NOTHING
        written = self._fields(fields, source, inputs, outputs)
        if simple.words[2:] and len(fields) > 1 and fields[1].text == "=":
            self.hold(simple.words[0], written)
        if simple.assignments and fields:
            self.judge(Call("=", self.settings(simple.assignments), folder=self.folder))
        return written

    def _fields(self, fields: list[Field], stdin: Data, inputs: list[str], outputs: list[Output]) -> Data:
        """Follow an argument vector: a function, a wrapper, an interpreter or a plain program."""
        if fields[2:] and fields[0].text in {"", UNKNOWN} and fields[1].text == "=":
            fields = fields[2:]  # PowerShell's `$name = command …`
        while fields and not fields[0].text:
            fields = fields[1:]
        if not fields:
            self.judge(Call("", [], stdin, self.filled(outputs, stdin), inputs, self.folder, forever=self._forever))
            return stdin if inputs else NOTHING
        surroundings = (inputs, self.folder, self.wrappers, self._forever, self.environment())
        name = self.named(fields[0])
        arguments = self.told(fields[1:]) if name in _TOLD_BY_FILES else fields[1:]
        call = Call(name, arguments, stdin, [], *surroundings)
        self.judge_origin(fields[0].data)
        self.judge_started(fields[0])
        alone = " " in fields[0].text and not call.args  # PowerShell: a text by itself is what the next stage reads
        written = fields[0].data if alone else self._written(call)
        call.outputs = self.filled(outputs, written)
        if call.name not in self.functions:
            self.judge(call)
        self.remember(call)
        self.drain(call)
        return Data("", written.labels) if any(o.path == "1" for o in call.outputs) else written

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
            self.number(call.args[call.argv.index("--") + 1 :])
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
            self.note(block("exhaust", "a function that starts itself again and again"))
            return NOTHING
        if len(self._calling) >= MAX_NESTING:
            self.note(review("too_deep", "functions nested too deep to be judged"))
            return ANYTHING
        saved, calling = dict(self.variables), self._calling
        self._calling = (*calling, call.name)
        self.number(call.args)
        written = self._group(body, call.stdin)
        self._calling = calling
        for name in ("@", "*", *map(str, range(1, 21))):
            if name in saved:
                self.variables[name] = saved[name]
            else:
                self.variables.pop(name, None)
        return written

    def _sourced(self, call: Call) -> None:
        standard = call.operands[0] in {"/dev/stdin", "/proc/self/fd/0", "/dev/fd/0"}
        content = call.stdin if standard else self.content(call.operands[0])
        if content is not None:
            self.script(content)
