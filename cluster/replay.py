"""Recorded decisions computed again, by the rules of then or by others, with no system running."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aura_ia_mcp.actors.builtin import MODULES
from aura_ia_mcp.configs.paths import Paths
from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.judgement import roles
from aura_ia_mcp.judgement.inspection import Plan, plan
from aura_ia_mcp.judgement.recorded import Archive
from aura_ia_mcp.judgement.replay import KINDS, Replay, Replayed
from aura_ia_mcp.judgement.roles import RolesError
from aura_ia_mcp.judgement.what_if import Outcome, WhatIf
from aura_ia_mcp.stores import timeline
from aura_ia_mcp.stores.form import GONE
from aura_ia_mcp.stores.lines import free
from aura_ia_mcp.stores.rules_archive import RulesArchive
from aura_ia_mcp.stores.timeline import Entry, Query

from .audit_read import unreadable
from .faults import OperatorError
from .rulefiles import parse_policy, read_text

_MOST_TOLD = 1_000
_MOST_EXAMPLES = 3


@dataclass(frozen=True)
class Records:
    """The records to go through.

    Args:
        settings: say where they lie, and which tools there are.
        folder: another `logs/audit`; None takes that of the settings.
        since: Unix seconds; None takes all.
    """

    settings: Settings
    folder: Path | None = None
    since: float | None = None

    @property
    def audit(self) -> Path:
        """Where they lie."""
        return self.folder or Paths.of(self.settings).audit

    def size(self) -> int:
        """How many bytes are to be read.

        Raises:
            OperatorError: there is no such folder, or it can't be read.
        """
        if not self.audit.is_dir():
            raise OperatorError(f"there is no folder {self.audit}; name the one that holds the audit records")
        try:
            return timeline.size(self.audit, Query(since=self.since))
        except OSError as error:
            raise unreadable(error) from error

    def of(self, kinds: Iterable[str], on_read: Callable[[int], None]) -> Iterator[Entry]:
        """Those of these kinds, oldest first, and what redaction left of any: that doesn't tell its kind.

        Raises:
            OperatorError: a file can't be read.
        """
        try:
            yield from timeline.oldest_first(self.audit, Query(kinds=(*kinds, GONE), since=self.since), on_read)
        except OSError as error:
            raise unreadable(error) from error

    def rules(self) -> Archive:
        """The rules that they name."""
        return Archive(RulesArchive(self.audit).read)


@dataclass
class _Sum:
    """What came of all records."""

    verdicts: int = 0
    same: int = 0
    undecided: int = 0
    inspected: int = 0
    redacted: int = 0
    differing: int = 0
    unknown: Counter[str] = field(default_factory=Counter)
    differences: list[dict[str, Any]] = field(default_factory=list)

    def add(self, entry: Entry, found: Replayed) -> None:
        if not found.decided:
            self.undecided += 1
            return
        self.verdicts += 1
        self.inspected += found.inspected
        if found.differences:
            self.differing += 1
            if len(self.differences) < _MOST_TOLD:
                told = [each.as_dict() for each in found.differences]
                self.differences.append(_of(entry) | {"differences": told})
        elif found.unknown:
            self.unknown[found.unknown] += 1
        else:
            self.same += 1


def replay(records: Records, on_read: Callable[[int], None] = free) -> dict[str, Any]:
    """Compute every recorded verdict again.

    Returns:
        {verdicts, same, differing, differences: [{audit_id, at, principal, name, verdict, differences: [{what,
        recorded, recomputed}]}] (the first 1,000), unknown: {reason: count}, inspected, undecided, redacted};
        `undecided` were answered with an error before there was anything to decide, and of what was `redacted` nobody
        can tell whether it held a verdict.

    Raises:
        OperatorError: the records can't be read.
    """
    again, found = Replay(records.rules(), _plans(records.settings).get), _Sum()
    for entry in records.of(KINDS, on_read):
        if entry.record["kind"] == GONE:
            found.redacted += 1
        else:
            found.add(entry, again.of(entry.record))
    return {
        "verdicts": found.verdicts,
        "same": found.same,
        "differing": found.differing,
        "differences": found.differences,
        "unknown": dict(found.unknown.most_common()),
        "inspected": found.inspected,
        "undecided": found.undecided,
        "redacted": found.redacted,
    }


def what_if(
    records: Records, file: Path, roles_file: Path | None = None, on_read: Callable[[int], None] = free
) -> dict[str, Any]:
    """What another policy would have made of the recorded calls.

    Args:
        records: the calls.
        file: the other policy.
        roles_file: another role table; None takes what the roles gave then.
        on_read: hears how many bytes were read.

    Returns:
        {policy, roles, calls, same, changed, changes: [{before, after, tool, principal, rule, reason, count,
        examples}], unknown: [{reason, count, examples}], redacted}, the most frequent first; `redacted` as of `replay`.

    Raises:
        PolicyFault: the policy can't be used.
        OperatorError: the role table can't be used, or the records can't be read.
    """
    other, table = parse_policy(file), None if roles_file is None else _table(roles_file)
    asked = WhatIf(other, table, records.rules())
    calls = same = redacted = 0
    changes: dict[tuple[str, ...], dict[str, Any]] = {}
    unknown: dict[tuple[str, ...], dict[str, Any]] = {}
    for entry in records.of(("call",), on_read):
        redacted += entry.record["kind"] == GONE
        outcome = asked.of(entry.record)
        if outcome is None:
            continue
        calls += 1
        if outcome.unknown:
            _count(unknown, {"reason": outcome.unknown}, entry)
        elif outcome.before == outcome.after:
            same += 1
        else:
            _count(changes, _change(entry, outcome), entry)
    return {
        "policy": other.version,
        "roles": None if table is None else table.version,
        "calls": calls,
        "same": same,
        "changed": sum(each["count"] for each in changes.values()),
        "changes": _most_frequent(changes),
        "unknown": _most_frequent(unknown),
        "redacted": redacted,
    }


def _change(entry: Entry, outcome: Outcome) -> dict[str, str]:
    record = entry.record
    return {
        "before": outcome.before,
        "after": outcome.after,
        "tool": record["name"],
        "principal": _who(record),
        "rule": outcome.rule,
        "reason": outcome.reason,
    }


def _count(groups: dict[tuple[str, ...], dict[str, Any]], what: dict[str, str], entry: Entry) -> None:
    group = groups.setdefault(tuple(what.values()), what | {"count": 0, "examples": []})
    group["count"] += 1
    if len(group["examples"]) < _MOST_EXAMPLES:
        group["examples"].append(entry.id)


def _most_frequent(groups: dict[tuple[str, ...], dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(groups.values(), key=lambda group: -group["count"])


def _of(entry: Entry) -> dict[str, Any]:
    record = entry.record
    return {
        "audit_id": entry.id,
        "at": entry.at,
        "principal": _who(record),
        "name": record.get("name", ""),
        "verdict": record.get("verdict", ""),
    }


def _who(record: dict[str, Any]) -> str:
    who = record.get("principal") or {}
    return f"{who.get('tenant', '')}/{who.get('id', '')}"


def _plans(settings: Settings) -> dict[str, Plan]:
    """How the arguments of the built-in tools are read, by their contracts."""
    made = [tool.definition for module in MODULES for tool in module.tools(settings)]
    return {definition.fingerprint: plan(definition.input_schema) for definition in made}


def _table(file: Path) -> roles.Roles:
    try:
        return roles.parse(read_text(file), str(file))
    except RolesError as error:
        raise OperatorError(str(error)) from None
