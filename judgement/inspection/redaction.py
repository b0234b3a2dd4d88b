"""Put marks where secrets and personal data were.

Linear in the text; the value that is given stays as it was, and comes back as the very same object when there was
nothing to mark.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Any

from ..finding import Finding
from .assignments import name_kind
from .pii import pii_spans
from .scan import Span
from .secrets import secret_spans
from .values import is_key, is_password, is_placeholder, is_random

MARK = "[redacted:{}]"
_MEMBERS = frozenset(
    {
        "password",
        "passwd",
        "secret",
        "api_key",
        "apikey",
        "access_token",
        "refresh_token",
        "client_secret",
        "private_key",
        "authorization",
    }
)
_CONTAINERS = (dict, list, tuple)
_PLAIN = frozenset({int, float, bool, type(None)})
_MARKED = "[redacted:"
_LONGEST_NAME = 128


def redact_text(text: str, pii: Collection[str] = ()) -> tuple[str, dict[str, int]]:
    """The text with its secrets marked, and how many of which kind there were; the same text when there are none.

    Args:
        text: any.
        pii: types of personal data (`pii.TYPES`) to mark as well.
    """
    found: dict[str, int] = {}
    return _Redactor(frozenset(pii), found).text(text), found


def redact(value: Any, pii: Collection[str] = ()) -> tuple[Any, dict[str, int]]:
    """JSON with the secrets in its texts marked, and how many of which kind; the very same object when there are none.

    Member values under names such as `password` or `api_key` are secrets whatever their shape. Nesting deeper than
    the interpreter's recursion limit is the caller's to refuse; JSON that came through the gateway is at most 64 deep.

    Args:
        value: what JSON can hold.
        pii: types of personal data (`pii.TYPES`) to mark as well.
    """
    found: dict[str, int] = {}
    return _Redactor(frozenset(pii), found).value(value), found


def redact_continued(before: str, text: str) -> str:
    """A text, with a mark in place of its beginning where that goes on with a secret from what was said before.

    Args:
        before: the end of what was said before.
        text: what is said now.
    """
    here = len(before)
    ends = [(end, kind) for start, end, kind in secret_spans(before + text) if start < here < end]
    if not ends:
        return text
    end, kind = max(ends)
    return MARK.format(kind) + text[end - here :]


def mark(text: str, findings: Iterable[Finding]) -> str:
    """The text with a mark in place of each finding; they must be in order and without overlap."""
    parts, at = [], 0
    for finding in findings:
        parts += [text[at : finding.start], MARK.format(finding.rule.partition(".")[2])]
        at = finding.end
    return "".join([*parts, text[at:]])


class _Redactor:
    def __init__(self, pii: frozenset[str], found: dict[str, int]) -> None:
        self._pii = pii
        self._found = found

    def text(self, text: str) -> str:
        spans = secret_spans(text)
        if self._pii:
            spans = _merged(spans, [span for span in pii_spans(text) if span[2] in self._pii])
        return self._marked(text, spans) if spans else text

    def value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            changed = {}
            for name, member in value.items():
                if isinstance(member, str):
                    new: Any = self._member(name, member)
                elif isinstance(member, _CONTAINERS):
                    new = self.value(member)
                else:
                    continue
                if new is not member:
                    changed[name] = new
            return value | changed if changed else value
        if isinstance(value, list | tuple) and not _PLAIN.issuperset(map(type, value)):
            items = [self.value(item) for item in value]
            if any(new is not old for new, old in zip(items, value, strict=True)):
                return items
        return value

    def _member(self, name: Any, member: str) -> str:
        kind = _holder(name) if member and isinstance(name, str) and len(name) <= _LONGEST_NAME else ""
        if kind and (kind == "always" or _fits(kind, member)):
            if member.startswith(_MARKED) and member.endswith("]"):
                return member
            self._found["member"] = self._found.get("member", 0) + 1
            return MARK.format("member")
        return self.text(member)

    def _marked(self, text: str, spans: list[Span]) -> str:
        parts, at = [], 0
        for start, end, kind in spans:
            parts += [text[at:start], MARK.format(kind)]
            self._found[kind] = self._found.get(kind, 0) + 1
            at = end
        return "".join([*parts, text[at:]])


@lru_cache(maxsize=4096)
def _holder(name: str) -> str:
    """Always (its value is a secret whatever it is), or the kind of secret that its value must look like."""
    return "always" if name.lower() in _MEMBERS else name_kind(name)


def _fits(kind: str, value: str) -> bool:
    if kind in ("password", "weak"):
        return is_password(value, quoted=True, sure=True)
    return is_key(value, quoted=True) and (kind != "random" or is_random(value)) and not is_placeholder(value)


def _merged(secrets: list[Span], personal: list[Span]) -> list[Span]:
    """Both, in order; what is personal within a secret goes with it."""
    out = list(secrets)
    out += [span for span in personal if all(span[1] <= start or end <= span[0] for start, end, _ in secrets)]
    return sorted(out)
