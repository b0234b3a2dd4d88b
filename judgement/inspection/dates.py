"""Find dates of birth: dates that words near them call so."""

# ruff: noqa: PLR2004 - days and months

from __future__ import annotations

from collections.abc import Iterator

from .context import Context
from .scan import Match, Span, each, pattern

_MONTH = (
    r"(?:jan|feb|m[a\xe4]r|apr|ma[iyj]|j[u]n|j[u]l|aug|sep|o[ck]t|nov|de[cz]|f[e\xe9]v|avr|ju?in|ao[u\xfb]t|d[e\xe9]c|ene|"
    r"abr|ago|dic|gen|mag|giu|lug|set|ott|fev|out|dez|mrt|mei|maart|juil|kwie|maj|cze|lip|sie|wrz|pa\x3f|lis|gru|sty|lut)"
    r"[a-z\xe0-\xff?]*\.?"
)
_DATE = pattern(
    r"(?i)\b(?:"
    r"(?:18|19|20)[0-9]{2}[-/. ][0-9]{1,2}[-/. ][0-9]{1,2}|"
    r"[0-9]{1,2} ?[-/.] ?[0-9]{1,2} ?[-/.] ?(?:(?:18|19|20)[0-9]{2}|[0-9]{2})|"
    rf"[0-9]{{1,2}}(?:st|nd|rd|th|er|\xba|\.)?(?: of| de| d')?[ -]{_MONTH},?(?: de| del|')?[ -]"
    r"(?:(?:18|19|20)[0-9]{2}|'?[0-9]{2})|"
    rf"{_MONTH} [0-9]{{1,2}}(?:st|nd|rd|th)?,? (?:18|19|20)[0-9]{{2}}|"
    r"(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])|"
    r"(?:0[1-9]|[12][0-9]|3[01])(?:0[1-9]|1[0-2])(?:19|20)[0-9]{2}|"
    r"[0-9]{1,2} \?+\.? (?:19|20)[0-9]{2}"  # a month in another script
    r")\b|\b(?:19|20)[0-9]{2} ?[?] ?[0-9]{1,2} ?[?] ?[0-9]{1,2} ?[?]"
)
_NOT_BORN = pattern(
    r"(?i)(?:issued|expires?|expiry|valid|updated|created|signed|hired|joined|appointment|due|died|party|present|celebrat|gift|cake|\bdeath|gestorben)[^\n0-9]*\z"
)

_DIGITS = bytes(each if each in b"0123456789" else 32 for each in range(256))  # all else becomes a blank


def birth_dates(raw: bytes, context: Context) -> Iterator[Span]:
    """Dates that are said to be somebody's day of birth."""
    if "birth_date" not in context.named:
        return
    before = -1
    for match in each(_DATE, raw):
        start, end = match.start(), match.end()
        if 0 <= context.said("birth_date", start) < before and not context.heads("birth_date", start, end):
            continue  # the word belongs to the date that stands between
        before = start
        if (
            _exists(match)
            and context.names("birth_date", start, end)
            and not _NOT_BORN.search(raw[max(0, start - 32) : start])
        ):
            yield start, end, "birth_date"


def _exists(match: Match) -> bool:
    """Whether its figures can be a day, a month and a year."""
    text = match.group()
    numbers = [int(part) for part in text.translate(_DIGITS).split()]
    if len(numbers) != 3:
        return True
    first, second, third = numbers
    if first > 31:
        return 1 <= second <= 12 and 1 <= third <= 31
    return 1 <= min(first, second) <= 12 and max(first, second) <= 31
