"""The audit record of a case: its members, as docs/audit.md describes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain, islice
from typing import Any

from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.judgement.finding import Finding, Severity
from aura_ia_mcp.judgement.inspection import VERSION, redact, redact_text
from aura_ia_mcp.judgement.policy import Effect, Sandbox, Verdict

from .case import Case, client_of, short

_MOST_FINDINGS = 50
_ELSEWHERE = ("principal_id", "kind", "tenant", "roles", "held", "findings")  # of the inputs, said by other members


def members(case: Case, digest: Callable[[str], str]) -> JSON:
    """What is written of a case.

    Args:
        case: as it stands.
        digest: the audit writer's keyed digest.
    """
    known = case.known
    fields: JSON = {
        "call": case.id,
        "what": case.what,
        "name": short(case.name),
        "server": short(case.server),
        "principal": case.principal.as_dict(),
        "capabilities": sorted(known.held) if known else [],
        "policy": known.rules.policy.version if known else "",
        "roles": known.rules.roles.version if known else "",
        "catalogue": case.catalogue,
        "args": digest(case.arguments) if case.arguments else "",
        "verdict": "" if case.verdict is None else _said(case.verdict),
        "rule": case.rule or ("" if case.verdict is None else case.verdict.rule),
        "outcome": case.outcome,
        "ms": case.ms,
        "layers": case.layers,
    }
    if case.subject is not None:
        fields["contract"] = case.subject.contract
    fields |= _judged(case) | _origin(case, digest) | _came_of_it(case)
    return fields


def _said(verdict: Verdict) -> str:
    return str(verdict.effect)


def _judged(case: Case) -> JSON:
    """What the verdict rests on, and what it obliges to."""
    found: JSON = {}
    if case.inputs is not None:
        keep = case.standing.rules.policy.keeps_arguments(case.inputs.tool.name)
        inputs = case.inputs.as_dict(arguments=keep)
        found["inputs"] = {name: value for name, value in inputs.items() if name not in _ELSEWHERE}
        if keep:
            found["inputs"]["arguments"], marks = redact(found["inputs"]["arguments"])
            found["kept"] = {"inspection": VERSION, "marked": sum(marks.values())}
    if case.verdict is not None:
        found |= _obliges(case.verdict)
    if case.known is not None:
        found["safe_mode"] = case.known.safe_mode.version
    if case.findings:
        found["findings"] = [{"at": pointer} | finding.as_dict() for pointer, finding in _telling(case.findings)]
        found["inspection"] = {"version": VERSION, "found": len(case.findings), "ms": round(case.inspect_ms, 3)}
    if case.meaning:
        found["meaning"] = case.meaning
    if case.taken:
        found["buckets"] = [taken.as_dict() for taken in case.taken]
    return found


def _obliges(verdict: Verdict) -> JSON:
    found: JSON = {"matched": list(verdict.matched)}
    if verdict.effect is Effect.APPROVE:
        found["approvers"] = verdict.approvers
    if verdict.sandbox is not Sandbox.FULL:
        found["sandbox"] = str(verdict.sandbox)
    if verdict.notes:
        found["notes"] = list(verdict.notes)
    return found


def _telling(findings: Sequence[tuple[str, Finding]]) -> list[tuple[str, Finding]]:
    """As many as there is room for, one of each rule and severity first: a policy asks for nothing else of them."""
    if len(findings) <= _MOST_FINDINGS:
        return list(findings)
    first: dict[tuple[str, Severity], tuple[str, Finding]] = {}
    for found in sorted(findings, key=lambda found: (-found[1].severity, -found[1].score)):
        first.setdefault((found[1].rule, found[1].severity), found)
    kept = list(first.values())
    rest = (found for found in findings if found not in kept)
    return list(islice(chain(kept, rest), _MOST_FINDINGS))


def _came_of_it(case: Case) -> JSON:
    found: JSON = {}
    if case.approval is not None:
        found["approval"] = _approval(case.approval)
    if case.opened:
        found["opened"] = case.opened
    if case.replayed:
        found["replayed"] = True
    if case.failure is not None:
        message, _ = redact_text(case.failure.message[:2000])
        found["error"] = {"type": case.failure.type, "code": case.failure.code, "message": message[:500]}
    if case.redacted:
        found["redacted"] = {"version": VERSION, "found": case.redacted}
    if case.flags:
        found["flagged"] = [flag.as_dict() for flag in case.flags[:_MOST_FINDINGS]]
    return found


def _approval(approval: JSON) -> JSON:
    """Which approval it waits for or rests on, how that stood, and who decided."""
    return {
        "id": approval["approval_id"],
        "mode": approval["mode"],
        "status": approval["status"],
        "round": approval["round"],
        "by": [{"by": each["by"], "decision": each["decision"], "how": each["how"]} for each in approval["decisions"]],
    }


def _origin(case: Case, digest: Callable[[str], str]) -> JSON:
    """Where it came from: session (keyed digest, since a session's id lets its holder in), trace, cause, client."""
    header = case.header
    found: dict[str, Any] = {}
    if header.session:
        found["session"] = digest(header.session)[:16]
    if header.trace:
        found["trace"] = short(header.trace)
    if header.cause:
        found["cause"] = header.cause
    if header.depth:
        found["depth"] = header.depth
    if case.meta and (client := client_of(case.meta)):
        found["client"] = client
    return found


def refused(case: Case) -> bool:
    """Whether Safety itself stopped it."""
    return case.verdict is not None and case.verdict.effect is not Effect.ALLOW and not case.consented
