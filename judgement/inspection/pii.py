"""Find personal data: addresses of mail, telephones, cards, accounts, national numbers, dates of birth.

Shapes are found by RE2, then checked by their check digits; where a shape says too little, words near it must say what
it is, or the head of its column.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..finding import Finding, Severity
from .context import BIRTH, Context
from .dates import birth_dates
from .emails import emails
from .numbers import CHECKS, IBAN_LENGTHS, iban
from .phones import phones
from .scan import Span, each, gathered, narrow, pattern

TYPES = (
    "email",
    "phone",
    "payment_card",
    "iban",
    "us_ssn",
    "uk_nino",
    "uk_nhs",
    "de_tax_id",
    "fr_nir",
    "es_nif",
    "it_cf",
    "nl_bsn",
    "ca_sin",
    "in_aadhaar",
    "br_cpf",
    "birth_date",
)
_WHAT = {
    "email": "an e-mail address",
    "phone": "a telephone number",
    "payment_card": "the number of a payment card",
    "iban": "a bank account",
    "birth_date": "a date of birth",
}
_SHORTEST = 6
_FEWEST_DIGITS, _MOST_DIGITS = 12, 19  # of a card: ISO/IEC 7812-1
_REMEDY = "Leave it out, or put a name for it in its place, unless the work needs it."
_HINT = pattern(
    r"@|%40|&#64;| dot |\([ ]?at[ ]?\)|\[[ ]?at[ ]?\]|[0-9][0-9 .()/-]{4,}[0-9]|"
    r"[0-9]{2}[A-Za-z0-9]{3}|[0-9]{4}\?|[0-9] \?+\.? [0-9]{4}|(?i:" + BIRTH + ")"
)
_CARD = pattern(
    r"\b(?:[0-9]{12,19}|[0-9]{4}(?:[ -][0-9]{4}){2}[ -][0-9]{1,7}(?:[ -][0-9]{3})?|"
    r"[0-9]{4}[ -][0-9]{6}[ -][0-9]{4,5})\b"
)
_CARD_NAMED = pattern(  # in odd groups, where words say that it is one
    r"\b(?:[0-9]{4,8}(?:[ ./-]{1,2}[0-9]{4,12}){1,3}|[0-9]{2}(?: [0-9]{2}){7})\b"
)
_IBAN = pattern(r"\b[A-Za-z]{2} ?[0-9]{2}[ ./-]?[A-Za-z0-9]{4}[ ./-]?[A-Za-z0-9]{3}")
# type, shape, whether it is enough (else words near it must name the type)
_SHAPES: tuple[tuple[str, str, str], ...] = (
    ("us_ssn", r"\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b", r"\b(?:[0-9]{9}|[0-9]{3}[ .][0-9]{2}[ .][0-9]{4})\b"),
    (
        "uk_nino",
        r"\b[A-Z]{2} [0-9]{2} [0-9]{2} [0-9]{2} [A-D]\b",
        r"(?i)\b[A-Z]{2}[ -]?[0-9]{2}[ -]?[0-9]{2}[ -]?[0-9]{2}[ -]?[A-D]\b",
    ),
    ("uk_nhs", "", r"\b[0-9]{3}[ .-]?[0-9]{3}[ .-]?[0-9]{4}\b"),
    ("de_tax_id", "", r"\b[0-9]{2}[ /-]?[0-9]{3}[ /-]?[0-9]{3}[ /-]?[0-9]{3}\b"),
    (
        "fr_nir",
        r"\b[1-478][ .-]?[0-9]{2}[ .-]?[0-9]{2}[ .-]?[0-9][0-9AB][ .-]?[0-9]{3}[ .-]?[0-9]{3}[ .-]?[0-9]{2}\b",
        "",
    ),
    (
        "es_nif",
        r"\b(?:[0-9]{8}|[XYZ]-?[0-9]{7})-?[A-Z]\b",
        r"(?i)\b(?:[0-9]{2}\.?[0-9]{3}\.?[0-9]{3}|[XYZ][ -]?[0-9]{7})[ -]?[A-Z]\b",
    ),
    (
        "it_cf",
        r"\b[A-Z]{3} ?[A-Z]{3} ?[0-9L-V]{2}[A-EHLMPRST][0-9L-V]{2} ?[A-Z][0-9L-V]{3}[A-Z]\b",
        r"(?i)\b[A-Z]{6}[0-9L-V]{2}[A-EHLMPRST][0-9L-V]{2}[A-Z][0-9L-V]{3}[A-Z]\b",
    ),
    ("nl_bsn", "", r"\b(?:[0-9]{9}|[0-9]{4}[ .][0-9]{2}[ .][0-9]{3}|[0-9]{3}[ .-][0-9]{3}[ .-][0-9]{3})\b"),
    ("ca_sin", "", r"\b[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{3}\b"),
    ("in_aadhaar", "", r"\b[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{4}\b"),
    ("br_cpf", r"\b[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}\b", r"\b[0-9]{3}[. ]?[0-9]{3}[. ]?[0-9]{3}[- ]?[0-9]{2}\b"),
)
_ALONE = {kind: pattern(shape) for kind, shape, _ in _SHAPES if shape}
_NAMED = {kind: pattern(shape) for kind, _, shape in _SHAPES if shape}


def find_pii(text: str) -> list[Finding]:
    """The personal data in a text, in order and without overlap; linear in its length.

    Returns:
        Findings of rules `pii.<type>`, with the types of `TYPES`. Where a text has more than `scan.MOST_PLACES`
        places to look at for a type, all that comes after them is one finding of that type.
    """
    return [
        Finding(f"pii.{kind}", Severity.INFO, start, end, 0.9, _WHAT.get(kind, f"a national number ({kind})"), _REMEDY)
        for start, end, kind in pii_spans(text)
    ]


def pii_spans(text: str) -> list[Span]:
    """Where the personal data is, in order and without overlap: start, end, type."""
    if len(text) < _SHORTEST:
        return []
    raw = narrow(text)
    if not _HINT.search(raw):
        return []
    context = Context(text, raw)
    found: list[Span] = []
    for kind, find in _FINDERS:
        found += gathered(find(raw, context), kind, raw)
    return _first(found) if len(found) > 1 else found


def _cards(raw: bytes, context: Context) -> Iterator[Span]:
    for match in each(_CARD, raw):
        start, end = match.span()
        if _is_card(raw, start, end) and (context.names("payment_card", start, end) or not context.denies(start, end)):
            yield start, end, "payment_card"
    if "payment_card" in context.named:
        for match in each(_CARD_NAMED, raw):
            start, end = match.span()
            if _is_card(raw, start, end) and context.names("payment_card", start, end):
                yield start, end, "payment_card"


def _is_card(raw: bytes, start: int, end: int) -> bool:
    digits = _bare(raw[start:end])
    return (
        _FEWEST_DIGITS <= len(digits) <= _MOST_DIGITS
        and not _joined(raw, start, end)
        and CHECKS["payment_card"](digits)
    )


def _ibans(raw: bytes, context: Context) -> Iterator[Span]:
    del context
    for match in each(_IBAN, raw):
        start = match.start()
        length = IBAN_LENGTHS.get(raw[start : start + 2].decode().upper())
        if length is None:
            continue
        end, taken = start, bytearray()
        while end < len(raw) and len(taken) < length:
            if raw[end : end + 1].isalnum():
                taken.append(raw[end])
            elif raw[end] not in b" -./" or raw[end - 1] in b" -./":
                break
            end += 1
        if raw[end : end + 1].isalnum() or not iban(taken.decode().upper()):
            continue
        yield start, end, "iban"


def _national(kind: str) -> Callable[[bytes, Context], Iterator[Span]]:
    alone, named, holds = _ALONE.get(kind), _NAMED.get(kind), CHECKS[kind]

    def find(raw: bytes, context: Context) -> Iterator[Span]:
        if alone:
            for match in each(alone, raw):
                start, end = match.span()
                if not _joined(raw, start, end) and holds(_bare(raw[start:end])):
                    dated = kind == "es_nif" and raw[start : start + 2] in (b"19", b"20") and raw[end - 1 : end] == b"Z"
                    if context.names(kind, start, end) or not (dated or context.denies(start, end)):
                        yield start, end, kind
        if named and kind in context.named:
            for match in each(named, raw):
                start, end = match.span()
                known = not _joined(raw, start, end) and holds(_bare(raw[start:end]).upper())
                if known and context.names(kind, start, end):
                    yield start, end, kind

    return find


def _bare(found: bytes) -> str:
    return found.translate(None, b" -./").decode()


def _joined(raw: bytes, start: int, end: int) -> bool:
    """Whether it is a part of something longer: of a number, a UUID, a version, a path, a decimal."""
    before, after = raw[max(0, start - 2) : start], raw[end : end + 2]
    if before[-1:] in b"-._/+#$" and before and (before[-1:] in b"_#$" or before[:1].isalnum()):
        return True
    return (after[:1] in b"-._/" and after[1:].isalnum()) or after[:1] == b"_"


def _first(found: list[Span]) -> list[Span]:
    """Of those that overlap, the one that was looked for first."""
    taken: list[Span] = []
    order = {kind: place for place, kind in enumerate(_PRECEDENCE)}
    for span in sorted(found, key=lambda span: (span[0], order[span[2]])):
        if taken and span[0] < taken[-1][1]:
            if order[span[2]] < order[taken[-1][2]]:
                taken[-1] = span
            continue
        taken.append(span)
    return taken


_PRECEDENCE = (
    "email",
    "iban",
    "birth_date",
    "fr_nir",
    "it_cf",
    "uk_nhs",
    "de_tax_id",
    "nl_bsn",
    "ca_sin",
    "in_aadhaar",
    "br_cpf",
    "es_nif",
    "uk_nino",
    "us_ssn",
    "payment_card",
    "phone",
)
_FINDERS: tuple[tuple[str, Callable[[bytes, Context], Iterator[Span]]], ...] = (
    ("email", emails),
    ("iban", _ibans),
    ("birth_date", birth_dates),
    ("payment_card", _cards),
    *((kind, _national(kind)) for kind, _, _ in _SHAPES),
    ("phone", phones),
)
