"""Find telephone numbers: international ones, usual national forms, and any other that words near it call so."""

from __future__ import annotations

from collections.abc import Iterator

from .context import Context
from .scan import Span, each, pattern

_SEPARATOR = r"[ .\xa0/-]"
_INTERNATIONAL = pattern(
    rf"\+[ ]?[1-9][0-9]{{0,2}}(?:{_SEPARATOR}?\(?[0-9]{{1,5}}\)?){{1,6}}(?:[ -]?(?:x|ext\.?) ?[0-9]{{1,5}})?"
)
_ALONE = pattern(  # forms that little else has
    r"(?:\A|[^0-9A-Za-z.+-])("
    r"(?:1[ .-]?)?\([2-9][0-9]{2}\) ?[2-9][0-9]{2}[ .-][0-9]{4}|"  # (212) 555-0147
    r"(?:1[-. ])?[2-9][0-9]{2}-[2-9][0-9]{2}-[0-9]{4}|"  # 917-555-0182
    r"1[ .-][2-9][0-9]{2}[ .-][2-9][0-9]{2}[ .-][0-9]{4}|"
    r"\([1-9][0-9]\) ?9?[0-9]{4}-[0-9]{4}|"  # (11) 95555-0123
    r"0[1-9](?:[ .-][0-9]{2}){4}|"  # 01 99 00 12 34
    r"\(0[0-9]{1,5}\) ?[0-9]{3,5}[ -]?[0-9]{2,6}|"  # (0161) 496 0735
    r"07[0-9]{3} [0-9]{6}|07[0-9]{3} [0-9]{3} [0-9]{3}|"  # 07700 900461
    r"06-[0-9]{8}|0[0-9]{2,4}/[0-9]{5,8}|0[1-9][0-9]{1,4}/[0-9]{3,8}-[0-9]{1,4}|"  # 030/4417-0
    r"0[1-9][0-9]{1,2} [0-9]{3,4} [0-9]{4}|01[0-9]{3} [0-9]{3} ?[0-9]{3}|"  # 020 7946 0958, 01632 960001
    r"0[1-9][0-9]{0,2}-[0-9]{3,4}-[0-9]{4}|"  # 03-1234-5678, 090-1234-5678
    r"[2-9][0-9]{2}\.[2-9][0-9]{2}\.[0-9]{4}|"
    r"00[1-9][0-9]{1,2}(?:[ -][0-9]{2,4}){3,5}|00[3-9][0-9] [0-9]{4} [0-9]{6}|"
    r"00[3-9][0-9]{1,2} ?\(0\) ?[0-9]{2,4}(?:[ -][0-9]{2,8}){1,4}|011 [1-9][0-9]{1,2}(?: [0-9]{2,4}){3}|"
    r"8[ -]?\(?[0-9]{3}\)?[ -]?[0-9]{3}-[0-9]{2}-[0-9]{2}"  # 8 (912) 345-67-89
    r")"
)
_NAMED = pattern(
    r"(?:\A|[^0-9A-Za-z.+])(?:tel:)?("
    r"00 ?[1-9][0-9 ./()-]{7,18}[0-9]|"
    r"\(?0[0-9]{1,5}\)?(?:[ ./-]{1,3}[0-9]{2,8}){1,5}(?:-[0-9])?|"
    r"0[1-9][0-9]{7,10}|"
    r"[2-9][0-9]{2}[ .-][2-9][0-9]{2}[ .-][0-9]{4}|"
    r"[2-9][0-9]{9}|"
    r"[6-9][0-9]{4}[ -][0-9]{5}|3[0-9]{2}[ .-][0-9]{6,7}|"
    r"[1-9][0-9]{1,3}(?:[ .-][0-9]{2,6}){2,4}|"
    r"1[2-9][0-9]{9}|[2-9][0-9]{3}[ -][0-9]{4}|"
    r"[1-9][0-9]{8,9}|"
    r"[2-9][0-9]{2}[ -][0-9]{4}|"
    r"[1-9] [0-9]{4} [0-9]{4}|06 1 [0-9]{3} ?[0-9]{4}|8[ -]\(?[0-9]{3}\)?[ -][0-9]{5}|"
    r"1[38]00[ -]?[0-9]{3}[ -]?[0-9]{3}"
    r")"
)
_KEYED = pattern(  # msisdn=31641827735: international without a plus
    r"(?i)(?:msisdn|phone|mobile?|cell|tel|fax|sms|whatsapp|tlf|telefon|ani|dnis|caller|callee|recipient|destination|number|nr|no|to|from)"
    r"[\"']?[ ]?(?:=|:|=>)[ ]?[\"']?([2-9][0-9]{7,13}|1[2-9][0-9]{9})"
)
_FEWEST_LOCAL, _FEWEST, _MOST = 7, 8, 15  # digits; of an international number by ITU-T E.164


def phones(raw: bytes, context: Context) -> Iterator[Span]:
    """Telephone and fax numbers."""
    if b"+" in raw:
        for match in each(_INTERNATIONAL, raw):
            start, end = match.start(), match.end()
            if _FEWEST <= _digits(match.group().partition(b"x")[0]) <= _MOST and not _goes_on(raw, start, end):
                yield start, end, "phone"
    for match in each(_ALONE, raw):
        start, end = match.start(1), match.end(1)
        if not _goes_on(raw, start, end) and (context.names("phone", start, end) or not context.denies(start, end)):
            yield start, end, "phone"
    if "phone" in context.named:
        for source in (_NAMED, _KEYED):
            for match in each(source, raw):
                start, end = match.start(1), match.end(1)
                if (
                    not _goes_on(raw, start, end)
                    and _FEWEST_LOCAL <= _digits(match.group(1)) <= _MOST
                    and _is_named(raw, context, start, end)
                ):
                    yield start, end, "phone"


_DATE = pattern(
    r"(?:19|20)[0-9]{2}[-./ ](?:0?[1-9]|1[0-2])[-./ ][0-3]?[0-9]\z|"
    r"[0-3]?[0-9][-./](?:0?[1-9]|1[0-2])[-./](?:19|20)?[0-9]{2}\z|"
    r"20[0-9]{2}(?:0[1-9]|1[0-2])[0-3][0-9](?:[0-9]{2}){0,3}\z|"  # 20251103, 20251103081422
    r"(?:19|20)[0-9]{2}-[01][0-9]-[0-3][0-9][ -]|"
    r"(?:10|1[0-9]{2}|2[0-5][0-9])(?:\.[0-9]{1,3}){3}\z|"  # IPv4
    r"1[5-8][0-9]{8}\z|"  # seconds since 1970
    r"[0-9]{1,4}[ .]?0{3}[ .]?0{3}\z"  # round numbers
)

_COUNTED = pattern(r"[0-9]{1,2}(?: [0-9]{3}){2,} [a-z]{3}")  # 12 345 678 users


def _is_named(raw: bytes, context: Context, start: int, end: int) -> bool:
    if _DATE.match(raw[start:end]) or _COUNTED.match(raw, start):
        return False
    return context.names("phone", start, end)


def _digits(found: bytes) -> int:
    return len(found) - len(found.translate(None, b"0123456789"))


def _goes_on(raw: bytes, start: int, end: int) -> bool:
    """Whether it is a part of something longer: of a decimal, an address, a number."""
    after = raw[end : end + 2]
    if (
        after[:1].isalnum()
        or (after[:1] in b".:/" and after[1:].isdigit())
        or (after[:1] in b"-_" and after[1:].isalnum())
    ):
        return True
    before = raw[max(0, start - 2) : start]
    if raw[end - 3 : end - 2] == b" " and (
        (before[-1:] == b" " and before[:1].isdigit()) or (after[:1] == b" " and raw[end + 1 : end + 3].isdigit())
    ):
        return True  # a row of pairs: octets, not a number
    return before[-1:].isalnum() or (before[-1:] in b"._/-" and before[:1].isalnum())
