"""Shell text into the model's statements, by tree-sitter's grammar of bash."""

from __future__ import annotations

from collections.abc import Iterator

import tree_sitter_bash
from tree_sitter import Language, Node, Parser

from .conditions import adds_each_time, greatest_number, is_constant, most_times
from .parse_words import MAX_DEPTH, WORDS, WordReader, text_of
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
    Word,
)

_LANGUAGE = Language(tree_sitter_bash.language())
_DECLARES = ("declaration_command", "unset_command")
_SIMPLE = frozenset({"command", *_DECLARES, "variable_assignment", "variable_assignments"})
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


class _Reader(WordReader):
    """Walks the tree."""

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

    def _statement(self, node: Node) -> tuple[Statement, ...]:
        kind = node.type
        if kind in _SIMPLE:
            return (self._simple(node, ()),)
        if kind == "comment" or kind in WORDS:
            return ()
        if kind == "redirected_statement":
            return self._redirected(node)
        if kind == "ERROR":
            return self._error(node)
        if kind == "file_redirect":  # `$(< file)`
            return (Simple((), (), tuple(self._file_redirect(node, here=False)), node.start_byte, node.end_byte),)
        made = self._compound(node)
        return self.block(node) if made is None else (made,)

    def _compound(self, node: Node) -> Statement | None:
        """What holds statements or redirects; None for what the grammar only groups."""
        match node.type:
            case "pipeline":
                return Pipeline(self.block(node))
            case "function_definition":
                return self._function(node)
            case "for_statement":
                return self._for_each(node)
            case "while_statement" | "c_style_for_statement":
                return self._loop(node)
            case "subshell" | "compound_statement" as kind:
                return Group(self.block(node), subshell=kind == "subshell", start=node.start_byte, end=node.end_byte)
        return None

    def _function(self, node: Node) -> Function:
        body, name = node.child_by_field_name("body"), node.child_by_field_name("name")
        return Function(text_of(name) if name else "", Group(self.block(body) if body else ()))

    def _error(self, node: Node) -> tuple[Statement, ...]:
        if text_of(node).strip() in _REPAIRED:
            return ()
        words = [child for child in node.children if child.type == "command_name"]
        inner = tuple(self._simple(child, ()) for child in words)
        return (*inner, *self.block(node), Unparsed(node.start_byte, node.end_byte))

    def _loop(self, node: Node) -> Group:
        head = text_of(node.children[1]).strip() if len(node.children) > 1 else ""
        times = 0
        if node.type == "c_style_for_statement":
            head = "".join(text_of(node).partition("do")[0].split())
            endless = ";;" in head
            times = greatest_number(head)
        else:
            truth = node.children[0].type != "until"
            endless = is_constant(head, truth=truth) or adds_each_time(head, truth=truth)
            times = most_times(head)
        return Group(
            self.block(node),
            forever=endless,
            start=node.start_byte,
            end=node.end_byte,
            looped="((" not in text_of(node) and "let " not in text_of(node),
            times=times,
        )

    def _for_each(self, node: Node) -> ForEach:
        name, items = "", []
        for child in node.children:
            if child.type == "variable_name" and not name:
                name = text_of(child)
            elif child.type in WORDS:
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
            broken = child.type == "ERROR" and text_of(child).strip() == "<<"
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
                descriptor = text_of(child)
            elif child.type == "ERROR":
                operator += text_of(child).strip()
            elif not child.is_named and child.type[:1] in "<>&":
                operator += child.type
            elif child.type in WORDS:
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
        literal = start is not None and any(mark in text_of(start) for mark in "'\"\\")
        if literal or not body.named_children:
            parts: tuple[Part, ...] = (Literal(text_of(body), quoted=True),)
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
            if kind in WORDS:
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
        title = text_of(name).partition("[")[0] if name else ""
        if value is None:
            return Assignment(title, (), appends)
        if value.type == "array":
            return Assignment(title, tuple(self._word(child) for child in value.named_children), appends)
        return Assignment(title, (self._word(value),), appends)


def _spine(node: Node) -> Iterator[Node]:
    """A node's children, with chains of `&&`, `||` and `;`, which lean to the left, laid flat without recursion."""
    waiting = list(reversed(node.children))
    while waiting:
        child = waiting.pop()
        if child.type in {"list", "negated_command"}:
            waiting.extend(reversed(child.children))
        else:
            yield child


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
