"""One plain simple command: its words by the shell's grammar, or why it isn't one; and what may run. No shell runs it.

A command counts as plain when every byte of it is a blank, or part of a word in which a shell would expand nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import tree_sitter_bash
from tree_sitter import Language, Node, Parser

MOST_CHARS = 4096
SHELLS = frozenset(
    {"sh", "bash", "rbash", "dash", "ash", "zsh", "ksh", "mksh", "fish", "csh", "tcsh", "busybox", "toybox"}
)

_LANGUAGE = Language(tree_sitter_bash.language())
_QUOTE_IT = "there is no shell to expand it; put it in single quotes to pass it on as it is"
_SPECIAL = {
    **dict.fromkeys("*?[]", f"a pattern: {_QUOTE_IT}"),
    **dict.fromkeys("{}", f"a brace: {_QUOTE_IT}"),
    **dict.fromkeys("$`", f"a variable or substitution: {_QUOTE_IT}"),
    **dict.fromkeys("|&;<>()\n", f"an operator: {_QUOTE_IT}"),
}
_SPECIAL_FIRST = {"~": f"a home folder: {_QUOTE_IT}", "#": f"a comment: {_QUOTE_IT}"}
_ESCAPED = frozenset('$`"\\')
_NOT_PLAIN = {
    "pipeline": "a pipeline",
    "list": "several commands",
    "redirected_statement": "a redirection",
    "herestring_redirect": "a redirection",
    "comment": "a comment",
    "variable_assignment": "an assignment",
    "variable_assignments": "an assignment",
    "command_substitution": "a substitution",
    "process_substitution": "a substitution",
    "simple_expansion": "a variable",
    "expansion": "a variable",
    "arithmetic_expansion": "arithmetic",
    "brace_expression": "a brace",
    "ansi_c_string": "a $'…' string",
    "translated_string": 'a $"…" string',
    "subshell": "a subshell",
    "negated_command": "a negation",
    "test_command": "a test in brackets; use the program test",
}


class NotSimpleError(ValueError):
    """The text isn't one plain simple command; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class _Options:
    """Options with which a program that reads also writes, or runs others.

    Args:
        words: whole words.
        letters: of short options, also within clusters.
        valued: letters of short options that take the rest of their word as a value.
        names: of long options, without dashes; their abbreviations count.
    """

    words: frozenset[str] = frozenset()
    letters: str = ""
    valued: str = ""
    names: tuple[str, ...] = ()

    def has(self, word: str) -> bool:
        if word in self.words:
            return True
        if word.startswith("--"):
            name = word[2:].partition("=")[0]
            return bool(name) and any(one.startswith(name) for one in self.names)
        if not word.startswith("-"):
            return False
        for letter in word[1:]:
            if letter in self.letters:
                return True
            if letter in self.valued:
                return False
        return False


_WRITING = {
    "find": _Options(
        frozenset({"-exec", "-execdir", "-ok", "-okdir", "-delete", "-fprint", "-fprint0", "-fprintf", "-fls"})
    ),
    "date": _Options(letters="s", valued="dfrI", names=("set",)),
    "sort": _Options(letters="oT", valued="kSt", names=("output", "compress-program", "temporary-directory")),
}


def split(text: str) -> tuple[str, ...]:
    """The words of a plain simple command; the first is the program.

    Raises:
        NotSimpleError: it is anything else.
    """
    if len(text) > MOST_CHARS:
        raise NotSimpleError(f"a command may have {MOST_CHARS} characters")
    try:
        source = text.strip(" \t\r\n").encode()
    except UnicodeEncodeError:
        raise NotSimpleError("there is half a character in it (a lone surrogate)") from None
    if b"\0" in source:
        raise NotSimpleError("there is a NUL character in it")
    if not source:
        raise NotSimpleError("there is no command in it")
    root = Parser(_LANGUAGE).parse(source).root_node
    if root.has_error:
        raise NotSimpleError("it isn't a whole command: a quote or bracket may be left open")
    words: list[str] = []
    at = 0
    for node in _words(_command(root, source)):
        _check_gap(source[at : node.start_byte])
        words.append(_word(node))
        at = node.end_byte
    _check_gap(source[at:])
    return tuple(words)


def refusal(words: tuple[str, ...], allow: Collection[str]) -> str | None:
    """Why these words may not run, with the remedy; None when they may.

    Args:
        words: of `split`.
        allow: the programs that may run.
    """
    program, *rest = words
    if "/" in program:
        return "name the program without its folder; it is looked up in the system's own folders"
    if program in SHELLS:
        return f"{program} is a shell, and none is ever run; name the program itself"
    if program not in allow:
        return f"commands.allow in the settings doesn't have its program; it has {', '.join(sorted(allow)) or 'none'}"
    options = _WRITING.get(program)
    bad = next((number for number, word in enumerate(rest, 1) if options is not None and options.has(word)), None)
    if bad is not None:
        return f"argument {bad} lets {program} write, delete or run other programs; only its reading is allowed"
    return None


def _command(root: Node, source: bytes) -> Node:
    found = root.named_children
    if len(found) != 1:
        comment = any(node.type == "comment" for node in found)
        raise _not_plain("comment" if comment else "list")
    (node,) = found
    if node.type != "command":
        raise _not_plain(node.type)
    if node.start_byte != 0:
        raise NotSimpleError("there is something before the command")
    if source[node.end_byte :].strip():
        raise NotSimpleError("something follows the command, as `&` or `;`; send one command at a time")
    return node


def _words(command: Node) -> list[Node]:
    found = []
    for node in command.named_children:
        if node.type == "command_name":
            found.extend(node.named_children)
        elif node.type in _PLAIN:
            found.append(node)
        else:
            raise _not_plain(node.type)
    return found


def _not_plain(kind: str) -> NotSimpleError:
    what = _NOT_PLAIN.get(kind, "shell syntax")
    return NotSimpleError(f"there is {what} in it; send one plain command, a program and its arguments: no shell runs")


def _check_gap(between: bytes) -> None:
    if between.strip(b" \t"):
        raise NotSimpleError("there is shell syntax between its words; send one plain command: no shell runs")


def _word(node: Node) -> str:
    read = _PLAIN.get(node.type)
    if read is None:
        raise _not_plain(node.type)
    return read(node)


def _text(node: Node) -> str:
    return (node.text or b"").decode()


def _bare(node: Node) -> str:
    """A word outside quotes: backslashes go, and nothing that a shell would expand may stand in it."""
    out, letters = [], iter(_text(node))
    for letter in letters:
        if letter == "\\":
            following = next(letters, "")
            if following in {"", "\n"}:
                raise NotSimpleError("a line goes on after a backslash; write the command on one line")
            out.append(following)
            continue
        special = _SPECIAL.get(letter) or (None if out else _SPECIAL_FIRST.get(letter))
        if special is not None:
            raise NotSimpleError(f"{letter!r} is {special}")
        out.append(letter)
    return "".join(out)


def _single(node: Node) -> str:
    return _text(node)[1:-1]


def _double(node: Node) -> str:
    """A word in double quotes (POSIX, Shell Command Language, 2.2.3)."""
    for child in node.named_children:
        if child.type != "string_content":
            raise _not_plain(child.type)
    out, letters = [], iter(_text(node)[1:-1])
    for letter in letters:
        if letter in "$`":
            raise NotSimpleError(f"{letter!r} is {_SPECIAL[letter]}")
        if letter == "\\":
            following = next(letters, "")
            out.append(following if following in _ESCAPED else "" if following == "\n" else "\\" + following)
        else:
            out.append(letter)
    return "".join(out)


def _joined(node: Node) -> str:
    out, at = [], node.start_byte
    for child in node.named_children:
        if child.start_byte != at:
            raise _not_plain("shell syntax")
        out.append(_word(child))
        at = child.end_byte
    if at != node.end_byte:
        raise _not_plain("shell syntax")
    return "".join(out)


_PLAIN = {
    "word": _bare,
    "number": _bare,
    "raw_string": _single,
    "string": _double,
    "concatenation": _joined,
}
