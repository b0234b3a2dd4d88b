"""SQL by its words alone: what can't be parsed or is too long for it, and the shapes of injections."""

from __future__ import annotations

from collections.abc import Iterator

import re2

from ..finding import Finding, Severity

WORDS = {
    "drop": ("drops what can't be had again", "Drop on a copy first, and have the owner do it."),
    "truncate": ("empties a table", "Delete with a condition instead."),
    "unconditional": ("changes or deletes every row", "Restrict it with WHERE."),
    "tautology": ("has a condition that is always true", "Restrict it to the rows that are meant."),
    "grant_all": ("gives all rights away", "Grant only the rights that are needed."),
    "program": ("runs a program of the database's machine", "Don't leave the database; copy through the client."),
    "file": ("reads or writes files of the database's machine", "Copy through the client."),
    "stacked": ("has a second statement hidden behind the first", "Send one statement, with parameters."),
    "comment": ("cuts a statement short with a comment", "Send the whole statement, with parameters."),
    "injection": ("has the shape of an injected condition", "Use parameters."),
    "unlogged": ("changes or stops what the database records", "Leave logs and audit tables to an administrator."),
    "hidden": ("runs a statement that it first decodes or puts together", "Write the statement itself."),
    "too_large": ("too long to be judged in whole", "Split it into smaller statements."),
    "unread": ("can't be read as SQL", "Write it in plain SQL."),
}


BLOCK, REVIEW = Severity.BLOCK, Severity.REVIEW


_DROPPED = frozenset(
    {
        "TABLE",
        "DATABASE",
        "SCHEMA",
        "KEYSPACE",
        "USER",
        "ROLE",
        "OWNED",
        "TABLESPACE",
        "MEASUREMENT",
        "SERIES",
        "COLLECTION",
        "BUCKET",
        "TYPE",
        "COLUMN",
        "CATALOG",
        "LOGIN",
        "CLUSTER",
        "GRAPH",
    }
)


_HEAD = re2.compile(
    r"(?is)\b(?:(drop)\s+(\w+)|(truncate)\b|(delete)\s+from\s+(\S+)\s*(?:;|$)|(update)\s+\S+\s+set\b|(xp_cmdshell|sp_oacreate)|"
    r"(into\s+(?:out|dump)file|load_file\s*\(|pg_read_file|lo_export|pg_ls_dir|utl_file)|(copy\b.*?\bprogram\b)|(grant\s+all)|(sys_exec|sys_eval|load_extension|dbms_scheduler))"
)


_TAUTOLOGY = re2.compile(
    r"(?i)\b(?:or|\|\|)\s+\(?\s*(?:'?(\w*)'?\s*=\s*'?(\w*)'?|true\b|not\s+false\b)|\bunion\s+(?:all\s+)?select\b.*\b(?:password|passwd|information_schema|sqlite_master|pg_shadow|mysql\.user)\b"
)


_UNLOGGED = re2.compile(
    r"(?s)\b(?:delete\s+from|truncate(?:\s+table)?|drop\s+table(?:\s+if\s+exists)?|update)\s+\S*(?:audit|general_log|slow_log|access_log|event_log)"
    r"|\b(?:general_log|log_statement|logging_collector|log_bin|sql_log_bin|slow_query_log|audit_log\w*)\b\s*=\s*'?(?:off|0|none|false)"
    r"|\bnoaudit\b|\bpurge\s+(?:binary|master)\s+logs\b"
)


_POWERS = re2.compile(
    r"(?s)\b(?:alter|create)\s+(?:role|user)\b[^;]*\b(?:superuser|createrole|bypassrls|replication)\b"
    r"|\balter\s+server\s+role\b[^;]*\badd\s+member\b|\bsp_addsrvrolemember\b|\bgrant\s+(?:dba|sysdba|control\s+server)\b"
)


_HIDDEN = re2.compile(
    r"(?s)\bprepare\b.*\b(?:from\s+@|0x[0-9a-f]{8}|unhex\b|char\().*\bexecute\b"
    r"|=\s*(?:0x[0-9a-f]{8}|unhex\b|char\(|from_base64).*\b(?:prepare|exec|execute)\b"
    r"|\bexec(?:ute)?\s*\(?\s*(?:@|immediate\s+(?:chr|utl)|cast\()"
)


def finding_of(rule: str, severity: Severity, start: int, end: int) -> Finding:
    """A rule's finding, with its words.

    Args:
        rule: a name of WORDS.
        severity: how grave it is.
        start: of the stretch that it is about, in characters.
        end: behind the stretch.
    """
    what, remedy = WORDS[rule]
    return Finding(f"sql.{rule}", severity, start, end, 0.95 if severity is BLOCK else 0.7, what, remedy)


def judge_shapes(text: str) -> Iterator[tuple[str, Severity]]:
    """Shapes of injection: a quote that ends a string, a condition that is always true, a comment that cuts the rest."""  # noqa: E501
    head = text.strip()
    broken = head[:1] in {"'", '"', ")"} or (head[:1].isdigit() and "or" in head.lower())
    tautology = _tautological(text)
    cut = head.endswith(("--", "#", "/*", "-- -", "--+"))
    if broken and (tautology or cut or ";" in head):
        yield "injection", BLOCK
    elif tautology and cut:
        yield "comment", BLOCK
    lowered = text.lower()
    if _UNLOGGED.search(lowered):
        yield "unlogged", REVIEW
    if _POWERS.search(lowered) and "nosuperuser" not in lowered:
        yield "grant_all", BLOCK
    if _HIDDEN.search(lowered):
        yield "hidden", REVIEW
    if any(mark in lowered for mark in ("xp_cmdshell", "sp_oacreate")):
        yield "program", BLOCK
    if "into outfile" in " ".join(lowered.split()) or "into dumpfile" in " ".join(lowered.split()):
        yield "file", BLOCK


def _tautological(text: str) -> bool:
    for match in _TAUTOLOGY.finditer(text):
        left, right = match.group(1), match.group(2)
        if left is None and right is None:
            return True
        if left == right and (left.isdigit() or f"'{left}" in text):
            return True
    return False


def scan(text: str) -> Iterator[Finding]:
    """One pass over text that isn't parsed: by the words that begin a statement."""
    for match in _HEAD.finditer(text):
        start, end = match.span()
        drop, kind, truncate, delete, _, update, command, file, copy, grant, program = match.groups()
        if drop and (kind or "").upper() in _DROPPED:
            yield finding_of("drop", BLOCK, start, end)
        elif truncate:
            yield finding_of("truncate", BLOCK, start, end)
        elif delete or (
            update and " where " not in " ".join(text[end:].split(";", maxsplit=1)[0].lower().split()) + " "
        ):
            yield finding_of("unconditional", BLOCK, start, end)
        elif command or copy or program:
            yield finding_of("program", BLOCK, start, end)
        elif file:
            yield finding_of("file", BLOCK, start, end)
        elif grant:
            yield finding_of("grant_all", BLOCK, start, end)
