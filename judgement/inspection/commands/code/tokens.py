"""Tokens of languages that are not read by their grammar: names, strings, marks; encoded strings are decoded."""

from __future__ import annotations

import base64
import binascii
import codecs
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass

from ..model import HOME
from ..quoting import ansi_c

MAX_TOKENS = 4000
_ENDINGS = frozenset({")", ";", "}", "\n"})


@dataclass(frozen=True, slots=True)
class Token:
    """One piece of code; `command` is what stands in backquotes where these run it."""

    kind: str  # name, string, command (backquotes), mark
    text: str


_DECODERS = {
    "base64": (
        "decode_base64",
        "decode64",
        "base64_decode",
        "atob",
        "strict_decode64",
        "urlsafe_decode64",
        "b64decode",
    ),
    "hex": ("hex2bin", "unhex"),
    "percent": ("unescape", "decodeURIComponent", "urldecode", "rawurldecode", "uri_unescape"),
    "rot13": ("str_rot13",),
}
_DECODED_BY = {name: form for form, names in _DECODERS.items() for name in names}


def decoded(tokens: list[Token]) -> list[Token]:
    """The tokens, with a string behind a decoder's name as what it decodes to."""
    made: list[Token] = []
    form = ""
    for position, token in enumerate(tokens):
        if token.kind == "name":
            base = token.text.rpartition(".")[2].rpartition(":")[2]
            form = _DECODED_BY.get(
                base, "buffer" if token.text == "Buffer.from" else "pack" if base == "pack" else form
            )
        elif token.kind == "string" and form:
            following = next((t.text for t in tokens[position + 1 : position + 3] if t.kind == "string"), "")
            if form == "pack" and token.text[:1] in "HhmMu":
                form = {"H": "hex", "h": "hex"}.get(token.text[:1], "base64")
                continue
            text = _decode(following if form == "buffer" else form, token.text)
            form = ""
            if text is not None:
                made.append(Token("string", text))
                continue
        made.append(token)
    return made


def _decode(form: str, text: str) -> str | None:
    try:
        if form == "base64":
            return base64.b64decode(text + "=" * (-len(text) % 4)).decode()
        if form == "hex":
            return bytes.fromhex(text).decode()
        if form == "percent":
            return urllib.parse.unquote(text)
        if form == "rot13":
            return codecs.encode(text, "rot13")
    except (binascii.Error, ValueError):
        return None
    return None


def arguments_at(tokens: list[Token], at: int) -> list[str]:
    """The texts of a call's arguments: strings joined where they are joined, UNKNOWN for what isn't a string."""
    arguments: list[str] = []
    current, depth, joined = "", 0, False
    for token in tokens[at : at + 60]:
        if token.kind == "mark" and token.text in "([{":
            depth += 1
            continue
        if token.kind == "mark" and (token.text in _ENDINGS or token.text == "]"):
            depth -= 1
            if depth <= 0 or token.text == ";":
                break
            continue
        if token.kind == "mark" and token.text in {",", "=>"}:
            arguments.append(current)
            current, joined = "", False
        elif token.kind == "string":
            current = current + token.text if joined or not current else token.text
            joined = False
        elif token.kind == "mark" and token.text in {"+", "."}:
            joined = True
        elif token.kind == "name":
            current += (
                HOME
                if token.text in {"process.env.HOME", "os.homedir", "homedir", "Dir.home"}
                else token.text
                if token.text[:1].isdigit()
                else ""
            )
            joined = joined or token.text in {"process.env.HOME", "Dir.home"}
    return [text for text in [*arguments, current] if text]


def tokenized(code: str, language: str) -> Iterator[Token]:
    """A code's tokens, at most MAX_TOKENS of them; comments are left out."""
    at, made, end = 0, 0, len(code)
    while at < end and made < MAX_TOKENS:
        char = code[at]
        made += 1
        if char in "'\"`":
            stop = _closing(code, at)
            text = code[at + 1 : stop]
            command = char == "`" and language in {"perl", "ruby", "php"}
            yield Token("command" if command else "string", text if char == "'" and "\\x" not in text else ansi_c(text))
            at = stop + 1
        elif (char == "#" and language in {"perl", "ruby", "awk"}) or (
            code.startswith("//", at) and language in {"node", "php"} and (at == 0 or code[at - 1] != ":")
        ):
            line = code.find("\n", at)
            at = end if line < 0 else line
        elif char == "/" and (stop := _pattern_end(code, at)):
            at = stop
            yield Token("mark", "/")
        elif char.isalnum() or char in "_$@%":
            stop = at + 1
            while stop < end and (
                code[stop].isalnum()
                or (code[stop] in "_.:-" and stop + 1 < end and (code[stop + 1].isalnum() or code[stop + 1] == ":"))
                or code[stop] == "_"
            ):
                stop += 1
            name = code[at:stop].lstrip("$@")
            at = stop
            opened = code[at : at + 1]
            if name in {"qx", "q", "qq", "%x"} and opened and opened in "{(/[|":
                closing = {"{": "}", "(": ")", "[": "]"}.get(opened, opened)
                stop = code.find(closing, at + 1)
                stop = end if stop < 0 else stop
                yield Token("command" if name in {"qx", "%x"} else "string", code[at + 1 : stop])
                at = stop + 1
            else:
                yield Token("name", name)
        else:
            at += 1
            if not char.isspace() or char == "\n":
                yield Token("mark", char)


_BEFORE_PATTERN = ("if", "unless", "=~", "!~", "(", ",", "and", "or", "&&", "||", "~", "split", "grep", "match")


def _pattern_end(code: str, at: int) -> int:
    """Where a pattern that begins at this slash ends; 0 where no pattern begins. What a pattern says isn't run."""
    before = code[max(0, at - 40) : at].rstrip()
    stop = _closing(code, at)
    within = stop < len(code) and "\n" not in code[at:stop] and code[stop + 1 : stop + 2] != "e"
    return stop + 1 if within and (not before or before.endswith(_BEFORE_PATTERN)) else 0


def _closing(code: str, at: int) -> int:
    quote, stop = code[at], at + 1
    while stop < len(code) and code[stop] != quote:
        stop += 2 if code[stop] == "\\" else 1
    return min(stop, len(code))
