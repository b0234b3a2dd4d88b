"""What a request says in its own words: quotations, what follows a colon, lists, questions, reasons; all linear."""

from __future__ import annotations

import json
from typing import Any

import re2

_QUOTES = re2.compile(r"\"([^\"]+)\"|`([^`]+)`|\x{201c}([^\x{201d}]+)\x{201d}|(?:^|[\s:,(])'([^']+)'")
_BETWEEN = re2.compile(r",\s*(?:and\s+|or\s+)?|\s+and\s+|\s+or\s+|;\s*")
_RANKED = re2.compile(
    r"(?i)^(?:please |could you |can you )?(?:re-?rank|rank|sort|order|score|compare)\s+(?:these |the |this )?"
    r"([^:\"]+?(?:,|\band\b|\bor\b)[^:\"]*?)\s+(?:by|against|for|according to|on|with|to)\s+"
    r"(?:relevance to |closeness to |similarity to |meaning of |their |the query |nearness to )*(.+?)[.?!]?$"
)
_SPOKEN_TEXT = re2.compile(
    r"(?i)(?:^(?:please )?(?:echo|repeat|say|mirror|parrot)|\b(?:sentence|text|phrase|words?|line))\s+(\S.*?)[?!]?$"
)
_LABELLED = re2.compile(
    r"(?i)\b(?:as|is (?:this|that|it)|one of|under|labels?|between|either|into)\s+(?:an? |one of |the )?"
    r"([\pL\pN -]+?(?:,| or | and | / )[^:\"?]*?)\s*(?:[:\"?]|$)"
)
_WISHED = re2.compile(
    r"(?i)\b(?:approval|permission|sign-?off|risky (?:is it|would it be)|dangerous (?:is it|would it be)|risk"
    r"|is it risky|is it dangerous|what if (?:we|i))\s+(?:to|for|of|if (?:we|i))?\s*"
    r"(.+?)(?:\s+because\b.*|,?\s*reason:.*)?[.?!]?$"
)
_TAIL = re2.compile(r"(?s):\s+(\S.*)$")
_ABOUT = re2.compile(
    r"(?i)\b(?:about|regarding|concerning|on whether|on the question of|on the question whether|on|whether|over|for|"
    r"fur|nach|uber|nach|sobre|sur|su|info(?:rmation)? on|know of|mentions?|for the word|containing)\s+(.+)$"
)


def json_array(request: str) -> list[Any] | None:
    """The first JSON array, or None."""
    start = request.find("[")
    if start < 0:
        return None
    try:
        value, _ = json.JSONDecoder().raw_decode(request[start:])
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, list) and value else None


def quotations(request: str) -> list[str]:
    """All quotations."""
    return [next(part for part in match.groups() if part) for match in _QUOTES.finditer(request)]


def quoted_text(request: str) -> str | None:
    """What is quoted, else what follows a colon."""
    quoted = quotations(request)
    if quoted:
        return quoted[0]
    tail = _TAIL.search(request) or _SPOKEN_TEXT.search(request)
    return tail.group(1).strip(" .") if tail else None


def topic_of(request: str) -> str | None:
    """What is quoted or follows a colon, else what the request is about."""
    text = quoted_text(request)
    if text:
        return text
    about = _ABOUT.search(request)
    return about.group(1).strip(" .?!") if about else None


def topic_or_all(request: str) -> str:
    """Its topic, else all of it."""
    return topic_of(request) or request.strip()


def listed_texts(request: str) -> list[str] | None:
    """An array, several quotations, or what follows a colon, split at commas."""
    array = json_array(request)
    if array is not None and all(isinstance(item, str) for item in array):
        return array
    quoted = quotations(request)
    if len(quoted) > 1:
        return quoted
    tail = _TAIL.search(request)
    if tail and "," in tail.group(1):
        return [part.strip(" \"'") for part in tail.group(1).split(",") if part.strip(" \"'")]
    one = quoted_text(request)
    return quoted or ([one] if one else None)


def ranked_by(request: str) -> str | None:
    """What to rank by: "rank apple, car and banana by fruit", else as any text."""
    found = None if quotations(request) else _RANKED.search(request)
    return str(found.group(2)).strip() if found else quoted_text(request)


def labels_of(request: str) -> list[str] | None:
    """Labels that the sentence names, else what follows a colon."""
    found = _LABELLED.search(str(_QUOTES.sub(' "" ', request)))
    if not found:
        return candidates_of(request)
    return [part for part in (part.strip() for part in _BETWEEN.split(found.group(1).replace(" / ", ","))) if part]


def operation_of(request: str) -> str:
    """What would be done: what is quoted or after a colon, else what approval is asked or risk is rated of."""
    found = None if quoted_text(request) else _WISHED.search(request)
    return str(found.group(1)).strip() if found else topic_or_all(request)


def candidates_of(request: str) -> list[str] | None:
    """What is to be ranked."""
    ranked = None if quotations(request) else _RANKED.search(request)
    if ranked:
        return [part for part in (part.strip() for part in _BETWEEN.split(ranked.group(1))) if part]
    listed = _listed_after(request)
    return listed if listed else json_array(request)


def _listed_after(request: str) -> list[str] | None:
    """What follows a colon, parted at commas or semicolons."""
    tail = _TAIL.search(request)
    found = listed_texts(tail.group(1)) if tail and quotations(tail.group(1)) else None
    if found is None and tail and "," in tail.group(1):
        found = [part.strip(" \"'") for part in tail.group(1).split(",")]
    if found is None and tail and ";" in tail.group(1):
        found = [part.strip(" \"'") for part in tail.group(1).split(";")]
    return found


def command_of(request: str) -> str | None:
    """A quoted command, else what follows `run`."""
    quoted = quotations(request)
    if quoted:
        return quoted[0]
    found = re2.search(
        r"(?i)(?:run|execute|exec|shell|start|issue|do)(?: an?| the)?(?: shell)?(?: command)?:?\s+(.+)$", request
    )
    return str(found.group(1)).strip(" .") if found else None


def reason_of(request: str) -> str | None:
    """What follows `because`."""
    found = re2.search(r"(?i)(?:because(?: of)?|reason:?|since)\s+(.+)$", request)
    return str(found.group(1)).strip(" .") if found else None


def details_of(request: str) -> str:
    """What follows `that` or a colon, else all of it."""
    found = re2.search(r"(?i)(?:that|:)\s+(.+)$", request)
    return str(found.group(1)).strip(" .") if found else request.strip()


def query_of(request: str) -> str | None:
    """What to look for."""
    if quotations(request):
        return quotations(request)[0]
    found = re2.search(
        r"(?i)\b(?:for|about|on|regarding|mention|mentions|containing|matching|to|nach|sobre|sur"
        r"|su)\s+(.+?)(?:\s+in\s+(?:the\s+)?"
        r"(?:collection|logs?|knowledge base|kb|notes|docs)\b.*)?[.?!]?$",
        request,
    )
    if found:
        return str(found.group(1))
    tail = _TAIL.search(request)
    return str(tail.group(1)).strip() if tail else request.strip(" ?.!")
