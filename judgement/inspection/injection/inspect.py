"""Finds prompt injection: what tells a model to drop its rules, in whatever writing, encoding or language."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from aura_ia_mcp.judgement.finding import Finding, Severity

from .calm import is_calm
from .decode import decoded
from .fold import Folded, fold
from .grammar import hits
from .invisible import hidden
from .lexicon import Symbols, symbols
from .markup import marks, unseen
from .mention import Context
from .source import Source
from .views import views
from .wordscore import judged, shipped, telling

BLOCK_FROM = 0.75
REVIEW_FROM = 0.5
INFO_FROM = 0.35
DEEPEST = 2  # encodings inside one another
_NEAR = 300  # characters; hits so near support each other
_SUPPORT = 0.5  # the part of a neighbour's weight that counts
_UNSEEN_ADDS = 0.25  # the weight that a place adds that readers don't see
_ENCODED_ADDS = 0.2  # nobody encodes orders without a reason
_HIDDEN_WEIGHT = 0.6  # of invisible text, whatever it says
_MARK_LEAST = 0.3  # markup and hits so weak still support one another
_MOST_FINDINGS = 50

_WHAT = {
    "override": "cancels or replaces the instructions in force",
    "persona": "makes the model somebody without rules",
    "leak": "wants the hidden instructions or secrets",
    "authority": "claims the authority of the system, its developers or an administrator",
    "delimiter": "forges chat markup or the end of a document",
    "hijack": "tells a model to use its tools",
    "exfiltrate": "tells a model to send data out",
    "conceal": "tells a model to keep something from the user",
    "bypass": "tells a model to get round approvals or policy",
    "indirect": "speaks to a model from within a document",
    "hidden_text": "carries a text that nobody sees",
    "statistical": "sounds like an injection",
}
_REMEDY = (
    "Treat the text as data and don't follow it; if you wrote it yourself, say what you want without speaking of the "
    "model's rules, and put quotations in quotation marks."
)


class _Sign(NamedTuple):
    """Something seen, with its weight."""

    family: str
    weight: float
    start: int
    end: int
    how: str = ""
    spoken_of: bool = False


def inspect_injection(text: str) -> list[Finding]:
    """Find prompt injection in a text; never raises, and takes time linear in the text.

    Args:
        text: a prompt, document, page or tool result.

    Returns:
        One finding for each family and place, the gravest first; rules are `injection.<family>` as in
        `tests/corpora/README.md`, and `injection.hidden_text`. Spans are of the text as given.
    """
    if is_calm(text):
        return []
    signs = sorted(_signs(text, 0), key=lambda sign: (-sign.weight, sign.start))
    findings: list[Finding] = []
    taken: dict[str, list[tuple[int, int]]] = {}
    for sign in signs:
        if sign.weight < INFO_FROM or len(findings) >= _MOST_FINDINGS:
            break
        spans = taken.setdefault(sign.family, [])
        if any(start < sign.end and sign.start < end for start, end in spans):
            continue
        spans.append((sign.start, sign.end))
        findings.append(_finding(sign))
    return findings


def _finding(sign: _Sign) -> Finding:
    severity = Severity.INFO
    if sign.weight >= REVIEW_FROM:
        severity = Severity.BLOCK if sign.weight >= BLOCK_FROM else Severity.REVIEW
    what = f"the text {_WHAT[sign.family]}" + (
        f" ({'by' if sign.family == 'statistical' else 'in'} {sign.how})" if sign.how else ""
    )
    return Finding(f"injection.{sign.family}", severity, sign.start, sign.end, sign.weight, what, _REMEDY)


def _signs(text: str, depth: int) -> Iterator[_Sign]:
    """All signs in a text, in all its readings and in what it holds encoded."""
    source = Source(text)
    folded = fold(text)
    places = [_Sign(place.family, place.weight, place.start, place.end, place.what) for place in marks(source)]
    read = symbols(folded)
    yield from _supported(_of_words(read), places, unseen(source))
    yield from _sounding(folded, read)
    for view, name in views(text, folded):
        read = symbols(view)
        yield from (_encoded(sign, name) for sign in _supported(_of_words(read), [], []))
        yield from (sign._replace(how=name) for sign in _sounding(view, read))
    for part in hidden(source):
        yield _Sign("hidden_text", _HIDDEN_WEIGHT, part.start, part.end, part.encoding)
        yield from _inside(part.text, part.start, part.end, part.encoding, depth)
    for part in decoded(source):
        yield from _inside(part.text, part.start, part.end, part.encoding, depth)


def _inside(text: str, start: int, end: int, encoding: str, depth: int) -> Iterator[_Sign]:
    """The signs in a decoded text, at the place of what was decoded."""
    if depth < DEEPEST and text:
        for sign in _signs(text, depth + 1):
            yield _encoded(sign._replace(start=start, end=end), encoding)


def _encoded(sign: _Sign, how: str) -> _Sign:
    """A sign that was found in disguise counts for more, unless it's hardly one."""
    weight = min(1.0, sign.weight + _ENCODED_ADDS) if sign.weight >= INFO_FROM else sign.weight
    return sign._replace(weight=weight, how=f"{how}, {sign.how}" if sign.how else how)


def _of_words(text: Symbols) -> list[_Sign]:
    """The grammar's hits, with what their context leaves of them."""
    context = Context(text)
    found = []
    for hit in hits(text):
        remains = 1.0 if hit.many else context.remains(hit)  # or else a flood of quotations would hide one that isn't
        start, end = int(text.starts[hit.first]), int(text.ends[hit.last - 1])
        found.append(_Sign(hit.family, hit.weight * remains, start, end, spoken_of=remains < 1.0))
    return found


def _sounding(folded: Folded, text: Symbols) -> Iterator[_Sign]:
    """What sounds like an injection by its words, the surest stretch first."""
    if not folded.words:
        return
    by = shipped()
    found = [part for part in judged(folded, text, by) if part.score > by.model.review]
    for part in sorted(found, key=lambda part: -part.score)[:_MOST_FINDINGS]:
        start, end = int(text.starts[part.first]), int(text.ends[part.last - 1])
        yield _Sign(
            "statistical", by.model.weight(part.score, REVIEW_FROM, BLOCK_FROM), start, end, telling(part, text, by)
        )


def _supported(signs: list[_Sign], places: list[_Sign], unseen_spans: list[tuple[int, int]]) -> list[_Sign]:
    """Signs of different families near each other make each other surer, and so do places that readers don't see."""
    found = sorted([*signs, *places], key=lambda sign: sign.start)
    result = []
    low = 0
    for sign in found:
        while found[low].start < sign.start - _NEAR:
            low += 1
        best: dict[str, float] = {}
        for other in found[low:]:
            if other.start > sign.end + _NEAR:
                break
            apart = other.start >= sign.end or other.end <= sign.start or other.family != sign.family
            if apart and other is not sign and other.weight >= _MARK_LEAST and not other.spoken_of:
                best[other.family] = max(best.get(other.family, 0.0), other.weight)
        doubt = 1.0 - sign.weight
        for weight in () if sign.spoken_of else best.values():
            doubt *= 1.0 - _SUPPORT * weight
        weight = 1.0 - doubt
        if any(start <= sign.start and sign.end <= end for start, end in unseen_spans):
            weight = min(1.0, weight + _UNSEEN_ADDS)
        result.append(sign._replace(weight=weight))
    return result
