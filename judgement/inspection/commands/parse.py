"""Shell text into the model's statements, by tree-sitter's grammar of bash."""

from __future__ import annotations

from collections.abc import Iterator

import tree_sitter_bash
from tree_sitter import Language, Node, Parser

from .conditions import greatest_number as _greatest_number
from .conditions import is_constant
from .model import UNKNOWN
from .quoting import ansi_c, unescape, unescape_double
from .syntax import (
    Assignment,
    Background,
    ForEach,
    Function,
    Group,
    Literal,
    Part,
    Pipeline,
    Redirect,
    Simple,
    Statement,
    Substitution,
    Unparsed,
    Variable,
    Word,
)

MAX_DEPTH = 60
"""How deep statements and words may nest; what lies deeper is Unparsed."""

_LANGUAGE = Language(tree_sitter_bash.language())
_WORDS = frozenset(
    """
        word string raw_string ansi_c_string translated_string concatenation simple_expansion expansion number
        command_substitution process_substitution brace_expression arithmetic_expansion extglob_pattern regex
        test_operator variable_name string_content heredoc_body array
    """.split()
)
_DECLARES = ("declaration_command", "unset_command")
_REPAIRED = frozenset({"<<", ">", "|"})  # the grammar trips over `<>`, `>>|` and a `<<<` after another redirection


def parse(text: str) -> tuple[Statement, ...]:
    """Read a script; never raises, what is not understood becomes Unparsed.

    Args:
        text: a script; places in the result are offsets of its UTF-8 form.
    """
    raw = text.rstrip("\\").encode("utf-8", "surrogatepass")  # at the very end a backslash quotes nothing
    raw = raw.replace(b" / ]", b" . ]")  # the grammar takes `/ ]` for a pattern that swallows what follows
    root = Parser(_LANGUAGE).parse(raw).root_node
    statements = _Reader().block(root)
    if root.type == "ERROR" and not any(isinstance(statement, Unparsed) for statement in statements):
        return (*statements, Unparsed(root.start_byte, root.end_byte))
    return statements


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")


class _Reader:
    """Walks the tree; counts how deep it is."""

    def __init__(self) -> None:
        self._depth = 0

    def block(self, node: Node) -> tuple[Statement, ...]:
        """The statements among a node's children."""
        if self._depth >= MAX_DEPTH:
            return (Unparsed(node.start_byte, node.end_byte),)
        self._depth += 1
        found: list[Statement] = []
        for child in _spine(node):
            if child.type == "&" and found:
                found[-1] = Background(found[-1])
            elif child.is_named:
                found.extend(self._statement(child))
        self._depth -= 1
        return tuple(found)

    def _statement(self, node: Node) -> tuple[Statement, ...]:  # noqa: C901, PLR0911 (one case a kind of node)
        kind = node.type
        if kind == "command" or kind in _DECLARES or kind in {"variable_assignment", "variable_assignments"}:
            return (self._simple(node, ()),)
        if kind == "redirected_statement":
            return self._redirected(node)
        if kind == "pipeline":
            return (Pipeline(self.block(node)),)
        if kind == "function_definition":
            return (self._function(node),)
        if kind == "for_statement":
            return (self._for_each(node),)
        if kind in {"while_statement", "c_style_for_statement"}:
            return (self._loop(node),)
        if kind == "ERROR":
            return self._error(node)
        if kind in {"subshell", "compound_statement"}:
            return (Group(self.block(node), subshell=kind == "subshell", start=node.start_byte, end=node.end_byte),)
        if kind == "file_redirect":  # `$(< file)`
            redirects = tuple(self._file_redirect(node, here=False))
            return (Simple((), (), redirects, node.start_byte, node.end_byte),)
        if kind == "comment" or kind in _WORDS:
            return ()
        return self.block(node)

    def _function(self, node: Node) -> Function:
        body, name = node.child_by_field_name("body"), node.child_by_field_name("name")
        return Function(_text(name) if name else "", Group(self.block(body) if body else ()))

    def _error(self, node: Node) -> tuple[Statement, ...]:
        if _text(node).strip() in _REPAIRED:
            return ()
        words = [child for child in node.children if child.type == "command_name"]
        inner = tuple(self._simple(child, ()) for child in words)
        return (*inner, *self.block(node), Unparsed(node.start_byte, node.end_byte))

    def _loop(self, node: Node) -> Group:
        head = _text(node.children[1]).strip() if len(node.children) > 1 else ""
        times = 0
        if node.type == "c_style_for_statement":
            head = "".join(_text(node).partition("do")[0].split())
            endless = ";;" in head
            times = _greatest_number(head)
        else:
            endless = is_constant(head, truth=node.children[0].type != "until")
        return Group(
            self.block(node),
            forever=endless,
            start=node.start_byte,
            end=node.end_byte,
            looped="((" not in _text(node) and "let " not in _text(node),
            times=times,
        )

    def _for_each(self, node: Node) -> ForEach:
        name, items = "", []
        for child in node.children:
            if child.type == "variable_name" and not name:
                name = _text(child)
            elif child.type in _WORDS:
                items.append(self._word(child))
        return ForEach(name, tuple(items), Group(self.block(node), start=node.start_byte, end=node.end_byte))

    def _redirected(self, node: Node) -> tuple[Statement, ...]:
        body = node.child_by_field_name("body")
        redirects: list[Redirect] = []
        after: list[Statement] = []
        piped: list[Statement] = []
        extra: list[Word] = []
        broken = False
        for child in node.children:
            if child.type == "file_redirect":
                first, *more = self._file_redirect(child, here=broken)
                redirects.append(first)
                extra.extend(redirect.target for redirect in more)
            elif child.type == "herestring_redirect":
                redirects.append(Redirect("<<<", "", self._word(child.children[-1])))
            elif child.type == "heredoc_redirect":
                redirects.append(self._here_document(child))
                self._behind_here_document(child, redirects, piped, after, extra)
            broken = child.type == "ERROR" and _text(child).strip() == "<<"
        first_statement = self._with_redirects(body, tuple(redirects), tuple(extra), node)
        whole = Pipeline((first_statement, *piped)) if piped else first_statement
        errors = [e for c in node.children if c.type == "ERROR" for e in self._error(c)]
        return (whole, *after, *errors)

    def _behind_here_document(
        self,
        node: Node,
        redirects: list[Redirect],
        piped: list[Statement],
        after: list[Statement],
        extra: list[Word],
    ) -> None:
        """What stands on a here-document's first line behind `<<EOF`: the grammar hangs it below the redirection."""
        for child in node.children:
            if child.type == "pipeline":
                piped.extend(self.block(child))
            elif child.type == "file_redirect":
                redirects.extend(self._file_redirect(child, here=False)[:1])
            elif child.type in {"word", "string", "raw_string", "concatenation"}:
                extra.append(self._word(child))
            elif child.is_named and child.type not in {
                "heredoc_start",
                "heredoc_body",
                "heredoc_end",
                "file_descriptor",
            }:
                after.extend(self._statement(child))

    def _with_redirects(
        self, body: Node | None, redirects: tuple[Redirect, ...], extra: tuple[Word, ...], node: Node
    ) -> Statement:
        if body is None:
            return Simple(extra, (), redirects, node.start_byte, node.end_byte)
        if body.type == "command" or body.type in _DECLARES or body.type.startswith("variable_assignment"):
            return self._simple(body, redirects, extra)
        inner = self._statement(body)
        if body.type == "pipeline" and len(inner) == 1 and isinstance(inner[0], Pipeline) and inner[0].stages:
            *front, last = inner[0].stages
            return Pipeline((*front, _add_redirects(last, redirects, extra)))
        if len(inner) == 1:
            return _add_redirects(inner[0], redirects, extra)
        if body.type == "list" and inner:  # `a && b > file`: the redirection belongs to the last
            return Group((*inner[:-1], _add_redirects(inner[-1], redirects, extra)))
        return Group(inner, redirects, start=node.start_byte, end=node.end_byte)

    def _file_redirect(self, node: Node, *, here: bool) -> list[Redirect]:
        operator, descriptor, targets = "", "", []
        for child in node.children:
            if child.type == "file_descriptor":
                descriptor = _text(child)
            elif child.type == "ERROR":
                operator += _text(child).strip()
            elif not child.is_named and child.type[:1] in "<>&":
                operator += child.type
            elif child.type in _WORDS:
                targets.append(self._word(child))
        if here:
            operator = "<<<"
        empty = Word((), node.start_byte, node.end_byte)
        return [Redirect(operator, descriptor, target) for target in targets] or [Redirect(operator, descriptor, empty)]

    def _here_document(self, node: Node) -> Redirect:
        start = next((child for child in node.children if child.type == "heredoc_start"), None)
        body = next((child for child in node.children if child.type == "heredoc_body"), None)
        if body is None:
            return Redirect("<<", "", Word((), node.start_byte, node.end_byte))
        literal = start is not None and any(mark in _text(start) for mark in "'\"\\")
        if literal or not body.named_children:
            parts: tuple[Part, ...] = (Literal(_text(body), quoted=True),)
        else:
            parts = self._gaps(body, quoted=True)
        return Redirect("<<", "", Word(parts, body.start_byte, body.end_byte))

    def _simple(self, node: Node, redirects: tuple[Redirect, ...], extra: tuple[Word, ...] = ()) -> Simple:
        words: list[Word] = []
        assignments: list[Assignment] = []
        found = list(redirects)
        if node.type in _DECLARES:
            words.append(Word((Literal(node.children[0].type),), node.start_byte, node.start_byte))
        for child in [node] if node.type in {"variable_assignment", "command_name"} else node.children:
            kind = child.type
            if kind in _WORDS:
                words.append(self._word(child))
            elif kind == "command_name":
                words.extend(self._word(inner) for inner in child.children or [child])
            elif kind == "variable_assignment":
                assignments.append(self._assignment(child))
            elif kind == "herestring_redirect":
                found.append(Redirect("<<<", "", self._word(child.children[-1])))
            elif kind == "file_redirect":
                found.extend(self._file_redirect(child, here=False)[:1])
            elif kind == "heredoc_redirect":
                found.append(self._here_document(child))
            elif kind == "subshell":  # `iex (…)`: PowerShell's way to give an argument
                words.append(Word((Substitution(self.block(child)),), child.start_byte, child.end_byte))
        return Simple(tuple(words) + extra, tuple(assignments), tuple(found), node.start_byte, node.end_byte)

    def _assignment(self, node: Node) -> Assignment:
        name = node.child_by_field_name("name")
        value = node.child_by_field_name("value")
        appends = any(child.type == "+=" for child in node.children)
        title = _text(name).partition("[")[0] if name else ""
        if value is None:
            return Assignment(title, (), appends)
        if value.type == "array":
            return Assignment(title, tuple(self._word(child) for child in value.named_children), appends)
        return Assignment(title, (self._word(value),), appends)

    def _word(self, node: Node) -> Word:
        if node.type == "word":  # by far the most
            text = _text(node)
            if "\\" not in text:
                return Word((Literal(text),), node.start_byte, node.end_byte)
        return Word(tuple(self._parts(node, quoted=False)), node.start_byte, node.end_byte)

    def _parts(self, node: Node, *, quoted: bool) -> Iterator[Part]:  # noqa: C901
        if self._depth >= MAX_DEPTH:
            yield Literal(UNKNOWN, quoted)
            return
        kind = node.type
        if kind == "raw_string":
            yield Literal(_text(node)[1:-1], quoted=True)
        elif kind == "ansi_c_string":
            yield Literal(ansi_c(_text(node)[2:-1]), quoted=True)
        elif kind in {"string", "translated_string"}:
            yield from self._nested_string(node)
        elif kind == "concatenation":
            self._depth += 1
            for piece in _of_powershell(node):
                yield from self._parts(piece, quoted=quoted) if isinstance(piece, Node) else (piece,)
            self._depth -= 1
        elif kind == "simple_expansion":
            yield Variable(_text(node).strip()[1:], quoted=quoted)
        elif kind == "expansion":
            yield self._expansion(node, quoted=quoted)
        elif kind in {"command_substitution", "process_substitution"}:
            opener = node.children[0].type
            yield Substitution(self.block(node), quoted, "$(" if opener in {"`", "$(", "$`"} else opener)
        elif kind == "arithmetic_expansion":
            yield Literal("1", quoted)
        else:
            text = _text(node)
            yield from _plain(text, quoted=quoted)

    def _nested_string(self, node: Node) -> Iterator[Part]:
        if node.type == "translated_string":
            node = node.children[-1]
        self._depth += 1
        yield from self._gaps(node, quoted=True, trim='"')
        self._depth -= 1

    def _gaps(self, node: Node, *, quoted: bool, trim: str = "") -> tuple[Part, ...]:
        """A string's parts; the grammar leaves some white space between them out, so that text is taken by place."""
        raw = node.text or b""
        parts: list[Part] = []
        at = 0

        def literal(stretch: bytes) -> None:
            if stretch:
                parts.append(Literal(unescape_double(stretch.decode("utf-8", "replace")), quoted))

        if trim and raw.startswith(trim.encode()):
            at, raw = 1, raw[:-1] if raw.endswith(trim.encode()) and len(raw) > 1 else raw
        for child in node.children:
            if child.type in {"simple_expansion", "expansion", "command_substitution", "arithmetic_expansion"}:
                inner = child.text or b""  # the grammar gives white space before an expansion to the expansion
                literal(raw[at : child.start_byte - node.start_byte + len(inner) - len(inner.lstrip())])
                parts.extend(self._parts(child, quoted=True))
                at = child.end_byte - node.start_byte
        literal(raw[at:])
        return tuple(parts) or (Literal("", quoted),)

    def _expansion(self, node: Node, *, quoted: bool) -> Variable:
        name, operator, operands = "", "", []
        for child in node.children[1:-1]:
            if child.type in {"variable_name", "special_variable_name", "subscript"} and not name:
                name = _text(child)
            elif child.is_named and (name or child.type in _WORDS):
                operands.append(self._word(child))
            elif not child.is_named and not (operands and operator.endswith(child.type)):
                operator += child.type if name else child.type + "…"
        return Variable(name, operator, tuple(operands), quoted)


def _spine(node: Node) -> Iterator[Node]:
    """A node's children, with chains of `&&`, `||` and `;`, which lean to the left, laid flat without recursion."""
    waiting = list(reversed(node.children))
    while waiting:
        child = waiting.pop()
        if child.type in {"list", "negated_command"}:
            waiting.extend(reversed(child.children))
        else:
            yield child


_POWERSHELL = ("HOME", "PROFILE", "env")
"""Variables behind which a backslash parts folders: no POSIX shell's script has a use for one there."""


def _of_powershell(node: Node) -> Iterator[Node | Part]:
    """A word's pieces, with PowerShell's variables in it and the backslashes behind them read as it does."""
    children = iter(node.children)
    for child in children:
        name = _text(child).strip()[1:] if child.type == "simple_expansion" else ""
        following = next(children, None) if name in _POWERSHELL else None
        if following is None:
            yield child
            continue
        rest = _text(following)
        if following.type != "word" or rest[:1] not in {"\\", ":"}:
            yield from (child, following)
            continue
        if name == "env":
            name = rest[1:].partition("\\")[0].partition("/")[0]
            rest, name = rest[1 + len(name) :], name.upper()
        yield from (Variable(name), Literal(rest.replace("\\", "/")))


def _plain(text: str, *, quoted: bool) -> Iterator[Part]:
    """An unquoted word: a backslash quotes the character behind it."""
    if quoted or "\\" not in text:
        yield Literal(text, quoted)
        return
    yield from (Literal(piece, was_quoted) for piece, was_quoted in unescape(text))


def _add_redirects(statement: Statement, redirects: tuple[Redirect, ...], extra: tuple[Word, ...]) -> Statement:
    if isinstance(statement, Simple):
        return Simple(
            statement.words + extra,
            statement.assignments,
            statement.redirects + redirects,
            statement.start,
            statement.end,
        )
    if isinstance(statement, Group):
        return Group(
            statement.body,
            statement.redirects + redirects,
            statement.forever,
            statement.subshell,
            statement.start,
            statement.end,
            statement.looped,
            statement.times,
        )
    return Group((statement,), redirects)
