"""Words of a script: what a node of the grammar's tree says, part by part."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

from tree_sitter import Node

from .model import UNKNOWN
from .quoting import ansi_c, unescape, unescape_double
from .syntax import Literal, Part, Statement, Substitution, Variable, Word

MAX_DEPTH = 60
"""How deep statements and words may nest; what lies deeper is Unparsed."""
WORDS = frozenset(
    """
        word string raw_string ansi_c_string translated_string concatenation simple_expansion expansion number
        command_substitution process_substitution brace_expression arithmetic_expansion extglob_pattern regex
        test_operator variable_name string_content heredoc_body array
    """.split()
)
_POWERSHELL = ("HOME", "PROFILE", "env")
"""Variables behind which a backslash parts folders: no POSIX shell's script has a use for one there."""


def text_of(node: Node) -> str:
    """A node as it stands in the script."""
    return (node.text or b"").decode("utf-8", "replace")


class WordReader(ABC):
    """Reads words; counts how deep it is.

    What a substitution holds is read by `block`, which whoever reads statements provides.
    """

    def __init__(self) -> None:
        self._depth = 0

    @abstractmethod
    def block(self, node: Node) -> tuple[Statement, ...]:
        """The statements among a node's children."""

    def _word(self, node: Node) -> Word:
        if node.type == "word":  # by far the most
            text = text_of(node)
            if "\\" not in text:
                return Word((Literal(text),), node.start_byte, node.end_byte)
        return Word(tuple(self._parts(node, quoted=False)), node.start_byte, node.end_byte)

    def _parts(self, node: Node, *, quoted: bool) -> Iterator[Part]:  # noqa: C901
        if self._depth >= MAX_DEPTH:
            yield Literal(UNKNOWN, quoted)
            return
        kind = node.type
        if kind == "raw_string":
            yield Literal(text_of(node)[1:-1], quoted=True)
        elif kind == "ansi_c_string":
            yield Literal(ansi_c(text_of(node)[2:-1]), quoted=True)
        elif kind in {"string", "translated_string"}:
            yield from self._nested_string(node)
        elif kind == "concatenation":
            self._depth += 1
            for piece in _of_powershell(node):
                yield from self._parts(piece, quoted=quoted) if isinstance(piece, Node) else (piece,)
            self._depth -= 1
        elif kind == "simple_expansion":
            yield Variable(text_of(node).strip()[1:], quoted=quoted)
        elif kind == "expansion":
            yield self._expansion(node, quoted=quoted)
        elif kind in {"command_substitution", "process_substitution"}:
            opener = node.children[0].type
            yield Substitution(self.block(node), quoted, "$(" if opener in {"`", "$(", "$`"} else opener)
        elif kind == "arithmetic_expansion":
            yield Literal("1", quoted)
        else:
            text = text_of(node)
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
                name = text_of(child)
            elif child.is_named and (name or child.type in WORDS):
                operands.append(self._word(child))
            elif not child.is_named and not (operands and operator.endswith(child.type)):
                operator += child.type if name else child.type + "…"
        return Variable(name, operator, tuple(operands), quoted)


def _of_powershell(node: Node) -> Iterator[Node | Part]:
    """A word's pieces, with PowerShell's variables in it and the backslashes behind them read as it does."""
    children = iter(node.children)
    for child in children:
        name = text_of(child).strip()[1:] if child.type == "simple_expansion" else ""
        following = next(children, None) if name in _POWERSHELL else None
        if following is None:
            yield child
            continue
        rest = text_of(following)
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
