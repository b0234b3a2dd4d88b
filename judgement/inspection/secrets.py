"""Find secrets: keys, tokens, passwords, private keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..finding import Finding, Severity
from . import assignments, places, shapes
from .assignments import assigned, on_command_lines
from .columns import in_columns
from .places import placed, said_before
from .scan import Span, gathered, narrow, pattern
from .shapes import headers, private_keys, tokens, url_passwords
from .values import is_placeholder

_SHORTEST = 7  # pw=ab12
# One of these occurs in every secret: a cheap way to pass clean text by.
_HINT = pattern("|".join((shapes.HINTS, places.HINTS, assignments.HINTS, assignments.COMMAND_HINTS)))
_WHAT = {
    "private_key": "a private key",
    "jwt": "a signed token",
    "bearer": "the credential of an HTTP header",
    "url_password": "a password in a URL",
    "password": "a password",
    "key": "a key or token under a name that says so",
    "too_many": "more places to look at than time allows, to the end of the text",
    "webhook": "an address that lets everybody post who knows it",
}
_REMEDY = "Refer to it by the name it is stored under, and replace it if others may have seen it."


def find_secrets(text: str) -> list[Finding]:
    """The secrets in a text, in order and without overlap; linear in its length.

    Returns:
        Findings of rules `secret.<kind>`, over the secret itself and not over what names it. Where a text has more
        than `scan.MOST_PLACES` places of one kind to look at, all that comes after them is one `secret.too_many`.
    """
    return [
        Finding(f"secret.{kind}", Severity.INFO, start, end, 1.0, _WHAT.get(kind, kind.replace("_", " ")), _REMEDY)
        for start, end, kind in secret_spans(text)
    ]


def secret_spans(text: str) -> list[Span]:
    """Where the secrets are, in order and without overlap: start, end, kind."""
    if len(text) < _SHORTEST:
        return []
    raw = narrow(text)
    if not _HINT.search(raw):
        return []
    found: list[Span] = []
    for find in _FINDERS:
        found += gathered(find(raw), "too_many", raw)
    return _apart(found) if len(found) > 1 else found


def _stands_for_one(value: bytes) -> bool:
    text = value.decode("latin-1")
    return is_placeholder(text) or text.lower() in ("password", "passwd", "pass", "pwd", "pw", "token", "secret")


_FINDERS: tuple[Callable[[bytes], Iterator[Span]], ...] = (  # of two that overlap the first is whole
    private_keys,
    tokens,
    placed,
    said_before,
    headers,
    lambda raw: url_passwords(raw, _stands_for_one),
    assigned,
    on_command_lines,
    in_columns,
)


def _apart(found: list[Span]) -> list[Span]:
    """Without those that lie in another; of two that overlap, the one that was looked for first is whole."""
    taken: list[Span] = []
    for _, (start, end, kind) in sorted(enumerate(found), key=lambda item: (item[1][0], -item[1][1], item[0])):
        if taken and start < taken[-1][1]:
            if end > taken[-1][1]:
                before, _, first = taken.pop()
                taken.append((before, end, first))
            continue
        taken.append((start, end, kind))
    return taken
