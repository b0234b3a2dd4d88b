"""Find e-mail addresses."""

from __future__ import annotations

from collections.abc import Iterator

from .context import Context
from .scan import Span, each, pattern, words

_EMAIL = pattern(
    r"[A-Za-z0-9\x80-\xff?_][A-Za-z0-9\x80-\xff._%+'?-]*(@|%40|&#64;)"
    r"[A-Za-z0-9\xc0-\xff](?:[A-Za-z0-9\xc0-\xff-]*[A-Za-z0-9\xc0-\xff])?"
    r"(?:\.[A-Za-z0-9\xc0-\xff](?:[A-Za-z0-9\xc0-\xff-]*[A-Za-z0-9\xc0-\xff])?)*\.[A-Za-z]{2,24}"
)
_SPELT = pattern(
    r"(?i)\b[a-z0-9][a-z0-9._+-]* ?[\[({] ?at ?[\])}] ?[a-z0-9][a-z0-9-]*"
    r"(?:(?: ?[\[({] ?(?:dot|punkt|punto|point) ?[\])}] ?|\.)[a-z0-9][a-z0-9-]*)*"
    r"(?: ?[\[({] ?(?:dot|punkt|punto|point) ?[\])}] ?|\.)[a-z]{2,24}\b|"
    r"\b[a-z0-9_-]+(?: dot [a-z0-9_-]+){0,3} at [a-z0-9-]+(?: dot [a-z0-9-]+){0,3} dot [a-z]{2,6}\b"
)
# What ends so is a file, a unit of systemd or a piece of code.
_NOT_DOMAINS = words(
    """
    png jpg jpeg gif svg webp ico avif mp4 css scss js mjs cjs ts tsx jsx json yaml yml toml md txt html htm xml py
    rb rs php java kt swift c h cpp lock log sh bat exe dll so zip tar gz tgz service timer socket mount target
    slice path automount device swap prototype property length git
    """
)
_NOT_LOCAL = frozenset((b"git", b"hg", b"svn", b"gitea"))
_MESSAGE_ID = pattern(r"(?i)(?:message-id|in-reply-to|references|content-id|cid) ?: ?<?\z")
_REMOTE = pattern(r"(?i)(?:\A|[\n;|&(`$] ?|sudo )(?:ssh|scp|sftp|rsync|mosh|autossh|sshfs|ssh-copy-id)[ ][^\n|;]*\z")
_MOST_LOCAL = 64
_LINE = 160


def emails(raw: bytes, context: Context) -> Iterator[Span]:
    """Addresses, but for users of hosts: in URLs, of ssh, of repositories, and the ids of messages."""
    if b"@" in raw or b"40" in raw or b"&#64;" in raw:
        for match in each(_EMAIL, raw):
            start, end = match.start(), match.end()
            at = match.start(1)
            while raw[start : start + 1] in b"'?%._-":
                start += 1
            local, last = raw[start:at], raw[raw.rindex(b".", start, end) + 1 : end]
            if not local or len(local) > _MOST_LOCAL or last.decode().lower() in _NOT_DOMAINS or local in _NOT_LOCAL:
                continue
            if not _is_user_of_host(raw, context, start, end):
                yield start, end, "email"
    for match in each(_SPELT, raw):
        yield match.start(), match.end(), "email"


def _is_user_of_host(raw: bytes, context: Context, start: int, end: int) -> bool:
    begin = max(raw.rfind(b"\n", max(0, start - _LINE), start) + 1, start - _LINE)
    line = raw[begin:start]
    scheme = line.rfind(b"://")
    if scheme >= 0 and not any(sign in line[scheme + 3 :] for sign in (b" ", b"/", b"?", b'"', b"'", b"\t")):
        return True
    if raw[end : end + 1] == b":" and raw[end + 1 : end + 2] in b"/~" and end + 1 < len(raw):
        return True  # scp's user@host:/path
    if not context.remote:
        return False
    return bool(_MESSAGE_ID.search(line) or _REMOTE.search(raw[begin - 1 if begin else 0 : start]))
