"""Decoders and ciphers of characters: what each writes for what it reads."""

from __future__ import annotations

import base64
import binascii
import codecs
import string
from collections.abc import Callable, Mapping

from .model import UNKNOWN, Call, Data, Label
from .quoting import ansi_c
from .sources import Files, path_labels, read_labels, source_of


def _opaque(source: Data) -> Data:
    return Data(UNKNOWN, source.labels | {Label.OPAQUE})


def _base64(call: Call, files: Files) -> Data:
    source = source_of(call, files)
    if not call.has("dD", "--decode"):
        text = base64.b64encode(source.text.encode("utf-8", "replace")).decode() if source.known else UNKNOWN
        return Data(text, source.labels)
    return _decoded(source, lambda raw: base64.b64decode(raw + "=" * (-len(raw) % 4)))


def _base32(call: Call, files: Files) -> Data:
    source = source_of(call, files)
    if not call.has("dD", "--decode"):
        return Data(UNKNOWN, source.labels)
    return _decoded(source, base64.b32decode)


def _xxd(call: Call, files: Files) -> Data:
    source = source_of(call, files)
    if not call.has("r"):
        return Data(UNKNOWN, source.labels | frozenset(read_labels(call, files)))
    return _decoded(source, bytes.fromhex)


def _decoded(source: Data, decode: Callable[[str], bytes]) -> Data:
    if not source.known:
        return _opaque(source)
    try:
        text = decode("".join(source.text.split())).decode("utf-8")
    except (binascii.Error, ValueError):
        return _opaque(source)
    return Data(text, source.labels)


def _openssl(call: Call, files: Files) -> Data:
    verb = call.operands[:1]
    decodes = call.has("", "-d")
    if (verb == ["base64"] or call.has("", "-base64", "-a")) and decodes and not call.has("", "-k", "-pass", "-K"):
        return _decoded(call.stdin, base64.b64decode)
    if verb == ["s_client"]:
        return Data(UNKNOWN, frozenset({Label.REMOTE}))
    return _opaque(call.stdin) if decodes else Data(UNKNOWN, call.stdin.labels | frozenset(read_labels(call, files)))


def _rev(call: Call, files: Files) -> Data:
    source = source_of(call, files)
    return Data("\n".join(line[::-1] for line in source.text.split("\n")), source.labels)


_CLASSES = {
    "[:upper:]": string.ascii_uppercase,
    "[:lower:]": string.ascii_lowercase,
    "[:space:]": " \t\n\r\v\f",
    "[:digit:]": string.digits,
    "[:alpha:]": string.ascii_letters,
}


_MOST_CHARACTERS = 1024


def _set(text: str) -> str:
    """A tr set written out: ranges and classes."""
    text = ansi_c(text)
    for name, members in _CLASSES.items():
        text = text.replace(name, members)
    out: list[str] = []
    at = 0
    while at < len(text) and len(out) < _MOST_CHARACTERS:
        if text[at + 1 : at + 2] == "-" and at + 2 < len(text) and text[at] <= text[at + 2] <= "\xff":
            out.extend(chr(code) for code in range(ord(text[at]), ord(text[at + 2]) + 1))
            at += 3
        else:
            out.append(text[at])
            at += 1
    return "".join(out)


def _tr(call: Call, _files: Files) -> Data:
    labels = call.stdin.labels | frozenset(label for path in call.inputs for label in path_labels(path, call.folder))
    sets = [_set(text) for text in call.operands]
    if not sets:
        return Data(UNKNOWN, labels)
    if call.has("d") and not call.has("c"):
        return Data(call.stdin.text.translate({ord(c): None for c in sets[0] if c != UNKNOWN}), labels)
    if len(sets) > 1 and sets[1] and not call.has("c"):
        target = sets[1] + sets[1][-1] * max(0, len(sets[0]) - len(sets[1]))
        return Data(call.stdin.text.translate(dict(zip(map(ord, sets[0]), target, strict=False))), labels)
    return Data(call.stdin.text if call.has("s") else UNKNOWN, labels)


def _rot13(call: Call, _files: Files) -> Data:
    return Data(codecs.encode(call.stdin.text, "rot13"), call.stdin.labels)


WRITERS: Mapping[str, Callable[[Call, Files], Data]] = {
    **dict.fromkeys(("base64", "gbase64"), _base64),
    "base32": _base32,
    "xxd": _xxd,
    "openssl": _openssl,
    "rev": _rev,
    "tr": _tr,
    "rot13": _rot13,
}
