"""Hazards of SQL statements: what drops, empties, overwrites, grants or leaves the database."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from itertools import islice

import re2
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from ..finding import Finding, Severity
from .sql_text import BLOCK, REVIEW, finding_of, judge_shapes, scan

logging.getLogger("sqlglot").setLevel(logging.CRITICAL)  # it logs statements, which may hold secrets

MAX_PARSED = 16 * 1024
"""Characters that are parsed; of a longer text only the first words of each statement are looked at."""

MAX_SCANNED = 1024 * 1024
MAX_STATEMENTS = 400
_MAX_DEPTH = 60
_MAX_NODES = 5000

_TESTS = ("test", "tmp", "temp", "scratch", "sandbox", "fixture")


_PLANS = re2.compile(
    r"(?is)(?:^|;)\s*(?:explain|describe|desc)(?:\s+(?:query\s+plan|plan\s+for|extended|verbose|format\s*=\s*\w+))*"
    r"(?:\s*\((?:[^()a]|a[^n()])*\))?\s+(?:delete|update|insert|merge|replace)\b[^;]*"
)
"""Statements whose plan is asked for, which then don't run; with ANALYZE they do."""


def inspect_sql(text: str) -> list[Finding]:
    r"""Judge SQL of any dialect, one statement or several.

    Time is bounded: only MAX_PARSED characters are parsed by grammar, the rest is scanned once with RE2.

    Args:
        text: SQL, or a client's commands (`\\dt`, `.tables`), which give nothing.

    Returns:
        Findings with rules `sql.<name>`: drop, truncate, unconditional, tautology, grant_all, program, file, stacked,
        comment, injection, too_large.
    """
    text = text.encode("utf-8", "replace").decode()  # a lone surrogate is no text; RE2 refuses it
    if len(text) > MAX_PARSED:
        findings = list(islice(scan(text[:MAX_SCANNED]), MAX_STATEMENTS))
        return [*findings, finding_of("too_large", REVIEW, 0, len(text))]
    body = "\n".join("" if line.lstrip()[:1] in {"\\", "."} else line for line in text.split("\n"))
    body = _PLANS.sub("", body)
    found = dict.fromkeys(judge_shapes(body))
    try:
        statements = sqlglot.parse(body, error_level=sqlglot.ErrorLevel.RAISE)[:MAX_STATEMENTS]
    except (SqlglotError, RecursionError, ValueError, IndexError, AttributeError, TypeError, KeyError):
        statements = None
    if statements is None:
        found.update(dict.fromkeys((found.rule, found.severity) for found in scan(body)))
    else:
        temporary = _temporary(statements)
        for statement in statements:
            if statement is not None:
                found.update(dict.fromkeys(_statement(statement, temporary)))
    rules = [(rule.removeprefix("sql."), severity) for rule, severity in found]
    return [finding_of(rule, severity, 0, len(text)) for rule, severity in dict.fromkeys(rules)]


def _temporary(statements: list[exp.Expr | None]) -> frozenset[str]:
    """Names of temporary tables made in the same text: these may be dropped."""
    return frozenset(
        statement.this.name.lower()
        for statement in statements
        if isinstance(statement, exp.Create)
        and statement.this is not None
        and statement.find(exp.TemporaryProperty) is not None
        for statement in [_table(statement)]
    )


def _table(statement: exp.Create) -> exp.Expr:
    this = statement.this
    return exp.Paren(this=this.this if isinstance(this, exp.Schema) else this)


_Judged = Iterator[tuple[str, Severity]]


def _statement(statement: exp.Expr, temporary: frozenset[str]) -> _Judged:
    for kind, rule in _RULES.items():
        if isinstance(statement, kind):
            yield from rule(statement, temporary)
    for node in islice(statement.walk(), _MAX_NODES):
        if isinstance(node, exp.Delete | exp.Update) and node is not statement:
            yield from _rows(node, temporary)
        elif isinstance(node, exp.Func | exp.Anonymous) and node.name.lower() in {
            "load_file",
            "pg_read_file",
            "lo_export",
            "lo_import",
            "sys_exec",
            "sys_eval",
            "load_extension",
            "pg_ls_dir",
            "dblink_connect",
            "pg_read_binary_file",
        }:
            yield ("program" if "sys_" in node.name.lower() or "load_ext" in node.name.lower() else "file"), BLOCK
        elif isinstance(node, exp.Or) and not isinstance(node.parent, exp.Or | exp.Paren) and _always(node):
            yield "tautology", REVIEW


def _named_for_tests(name: str, temporary: frozenset[str]) -> bool:
    lowered = name.lower()
    return lowered in temporary or any(mark in lowered for mark in _TESTS)


def _drop(statement: exp.Expr, temporary: frozenset[str]) -> _Judged:
    kind = str(statement.args.get("kind") or "").upper()
    name = statement.find(exp.Table)
    if kind in {
        "VIEW",
        "INDEX",
        "FUNCTION",
        "TRIGGER",
        "SEQUENCE",
        "PROCEDURE",
        "MATERIALIZED VIEW",
        "CONSTRAINT",
        "STAGE",
        "EXTENSION",
    }:
        yield "drop", Severity.INFO
    elif statement.args.get("temporary") or (name is not None and _named_for_tests(name.name, temporary)):
        return
    else:
        yield "drop", BLOCK


def _truncate(statement: exp.Expr, temporary: frozenset[str]) -> _Judged:
    names = [table.name for table in statement.find_all(exp.Table)]
    if not names or not all(_named_for_tests(name, temporary) for name in names):
        yield "truncate", BLOCK


def _rows(statement: exp.Expr, temporary: frozenset[str]) -> _Judged:
    table = statement.find(exp.Table)
    if table is not None and _named_for_tests(table.name, temporary):
        return
    where = statement.args.get("where")
    if where is None:
        if statement.args.get("limit") is None:
            yield "unconditional", BLOCK
    elif _always(where.this):
        yield "tautology", BLOCK


def _always(condition: exp.Expr | None, depth: int = 0) -> bool:
    """Whether a condition is true for every row."""
    if condition is None or depth > _MAX_DEPTH:
        return False
    match condition:
        case exp.Paren():
            return _always(condition.this, depth + 1)
        case exp.Or():
            return _always(condition.left, depth + 1) or _always(condition.right, depth + 1)
        case exp.And():
            return _always(condition.left, depth + 1) and _always(condition.right, depth + 1)
        case _:
            return _is_constant(condition)


def _is_constant(condition: exp.Expr) -> bool:
    """Whether a condition without `and` and `or` is true whatever a row holds."""
    if isinstance(condition, exp.Boolean):
        return bool(condition.this)
    if isinstance(condition, exp.Literal):
        return condition.name not in {"0", ""}
    if isinstance(condition, exp.Not):
        return isinstance(condition.this, exp.Boolean) and not condition.this.this
    if isinstance(condition, exp.EQ | exp.GTE | exp.LTE | exp.Like | exp.Is):
        same = condition.left.sql() == condition.right.sql()
        return same or (isinstance(condition, exp.Like) and condition.right.name == "%")
    return isinstance(condition, exp.NEQ | exp.GT | exp.LT) and _holds(condition)


def _holds(condition: exp.NEQ | exp.GT | exp.LT) -> bool:
    """Whether two written numbers compare so."""
    left, right = condition.left, condition.right
    if not (isinstance(left, exp.Literal) and isinstance(right, exp.Literal) and left.is_int and right.is_int):
        return False
    a, b = int(left.name), int(right.name)
    return a > b if isinstance(condition, exp.GT) else a < b if isinstance(condition, exp.LT) else a != b


def _grant(statement: exp.Expr, _temporary: frozenset[str]) -> _Judged:
    privileges = " ".join(item.sql().upper() for item in statement.args.get("privileges") or [])
    text = statement.sql().upper()
    if "ALL" in privileges.split() or "SUPERUSER" in text or "GRANT OPTION" in text:
        yield "grant_all", BLOCK


def _copy(statement: exp.Expr, _temporary: frozenset[str]) -> _Judged:
    text = statement.sql().upper()
    if " PROGRAM" in text:
        yield "program", BLOCK
    elif "'/" in text:
        yield "file", REVIEW


def _command(statement: exp.Expr, _temporary: frozenset[str]) -> _Judged:
    """What the parser keeps as text."""
    text = f"{statement.name} {statement.args.get('expression') or ''}"
    for found in scan(text):
        rule = found.rule.removeprefix("sql.")
        if not (rule in {"drop", "truncate"} and any(mark in text.lower() for mark in _TESTS)):
            yield rule, found.severity


def _alter(statement: exp.Expr, _temporary: frozenset[str]) -> _Judged:
    text = statement.sql().upper()
    if "SUPERUSER" in text and "NOSUPERUSER" not in text:
        yield "grant_all", BLOCK
    elif any(isinstance(action, exp.Drop) for action in statement.args.get("actions") or []):
        yield "drop", REVIEW


def _execute(statement: exp.Expr, _temporary: frozenset[str]) -> _Judged:
    if any(
        mark in statement.sql().lower()
        for mark in ("xp_cmdshell", "sp_oacreate", "sp_configure 'show advanced", "xp_regwrite", "xp_regread")
    ):
        yield "program", BLOCK


def _select(statement: exp.Expr, _temporary: frozenset[str]) -> _Judged:
    into = statement.args.get("into")
    if into is not None and any(mark in into.sql().upper() for mark in ("OUTFILE", "DUMPFILE")):
        yield "file", BLOCK


_Rule = Callable[[exp.Expr, frozenset[str]], _Judged]
_RULES: Mapping[type[exp.Expr], _Rule] = {
    exp.Drop: _drop,
    exp.TruncateTable: _truncate,
    exp.Delete: _rows,
    exp.Update: _rows,
    exp.Grant: _grant,
    exp.Copy: _copy,
    exp.Command: _command,
    exp.Alter: _alter,
    exp.Select: _select,
}
if hasattr(exp, "Execute"):
    _RULES = {**_RULES, exp.Execute: _execute}
