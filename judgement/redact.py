"""Find secrets in text and JSON, and put a mark in their place.

Only forms that are secrets by their shape are matched; the time is linear in the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

VERSION = "1"
_MARK = "[redacted:{}]"
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


@dataclass(frozen=True, slots=True)
class _Rule:
    name: str
    hints: tuple[str, ...]  # one of them occurs in every match: a cheap way to pass clean text by
    pattern: re.Pattern[str]
    put: str


def _rule(name: str, hints: str, pattern: str, put: str = "") -> _Rule:
    return _Rule(name, tuple(hints.split("|")), re.compile(pattern), put or _MARK.format(name))


_B, _E = r"(?<![A-Za-z0-9_-])", r"(?![A-Za-z0-9_-])"
_RULES = (
    _rule("aura_token", "aura_", _B + r"aura_[A-Za-z0-9_-]{43}" + _E),
    _rule("api_key", "sk-", _B + r"sk-[A-Za-z0-9_-]{20,}"),
    _rule("github_token", "gh", _B + r"gh[pousr]_[A-Za-z0-9]{36,}"),
    _rule("github_token", "github_pat_", _B + r"github_pat_[A-Za-z0-9_]{22,}"),
    _rule("gitlab_token", "glpat-", _B + r"glpat-[A-Za-z0-9_-]{20,}"),
    _rule("aws_key_id", "AKIA|ASIA", _B + r"A[KS]IA[0-9A-Z]{16}" + _E),
    _rule("google_key", "AIza", _B + r"AIza[0-9A-Za-z_-]{35}" + _E),
    _rule("slack_token", "xox", _B + r"xox[abeoprs]-[A-Za-z0-9-]{10,}"),
    _rule("npm_token", "npm_", _B + r"npm_[A-Za-z0-9]{36}" + _E),
    _rule("hf_token", "hf_", _B + r"hf_[A-Za-z0-9]{30,}"),
    _rule("jwt", "eyJ", _B + r"eyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{8,}+"),
    _rule(
        "bearer",
        "earer |EARER ",
        r"\b([Bb]earer|BEARER) {1,4}[A-Za-z0-9._~+/-]{16,}=*",
        r"\1 " + _MARK.format("bearer"),
    ),
    _rule(
        "url_password",
        "://",
        r"(://[^\s/:@?#]{0,128}:)[^\s/@?#]{1,256}(?=@)",
        r"\1" + _MARK.format("url_password"),
    ),
)
_HINTS = tuple((hint, rule) for rule in _RULES for hint in rule.hints)
_PLAIN = frozenset({int, float, bool, type(None)})
_KEY_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{0,32}PRIVATE KEY(?: BLOCK)?-----")
_KEY_END = re.compile(r"-----END [A-Z0-9 ]{0,32}PRIVATE KEY(?: BLOCK)?-----")


def redact_text(text: str) -> tuple[str, dict[str, int]]:
    """The text with its secrets marked, and how many of which kind there were; the same text when there are none."""
    found: dict[str, int] = {}
    return _text(text, found), found


def redact(value: Any) -> tuple[Any, dict[str, int]]:
    """JSON with the secrets in its texts marked, and how many of which kind; the very same object when there are none.

    Member values under names such as `password` or `api_key` are secrets whatever their shape. Nesting deeper than
    the interpreter's recursion limit is the caller's to refuse; JSON that came through the gateway is at most 64 deep.
    """
    found: dict[str, int] = {}
    return _value(value, found), found


def _text(text: str, found: dict[str, int]) -> str:
    for hint, rule in _HINTS:
        if hint in text:
            text, count = rule.pattern.subn(rule.put, text)
            if count:
                found[rule.name] = found.get(rule.name, 0) + count
    if "-----BEGIN " in text:
        text = _redact_keys(text, found)
    return text


def _redact_keys(text: str, found: dict[str, int]) -> str:
    parts, at = [], 0
    while begin := _KEY_BEGIN.search(text, at):
        end = _KEY_END.search(text, begin.end())
        stop = end.end() if end else len(text)  # a key without its end goes to the end
        parts += [text[at : begin.start()], _MARK.format("private_key")]
        found["private_key"] = found.get("private_key", 0) + 1
        at = stop
    return "".join([*parts, text[at:]])


def _value(value: Any, found: dict[str, int]) -> Any:
    if isinstance(value, str):
        return _text(value, found)
    if isinstance(value, dict):
        changed = {}
        for name, member in value.items():
            if isinstance(member, str):
                if member and isinstance(name, str) and name.lower() in _MEMBERS:
                    new: Any = _MARK.format("member")
                    found["member"] = found.get("member", 0) + 1
                else:
                    new = _text(member, found)
            elif isinstance(member, _CONTAINERS):
                new = _value(member, found)
            else:
                continue
            if new is not member:
                changed[name] = new
        return value | changed if changed else value
    if isinstance(value, list | tuple) and not _PLAIN.issuperset(map(type, value)):
        items = [_value(item, found) for item in value]
        if any(new is not old for new, old in zip(items, value, strict=True)):
            return items
    return value
