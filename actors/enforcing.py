"""A verdict as what the caller gets: nothing when it may run, else the error that says why and what to do."""

from __future__ import annotations

from datetime import UTC, datetime

from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.judgement.finding import Severity
from aura_ia_mcp.judgement.policy import Effect, Verdict

from .case import Case
from .rates import Taken

_MOST_NAME_CHARS = 128
_CODES = {
    "safe_mode.on": "safe_mode",
    "inspection.block": "unsafe_arguments",
}
_SHOWN = 3


def enforce(case: Case, verdict: Verdict, unknown: str) -> None:
    """Pass what may run, if need be with somebody's consent; `Consent` sees to that.

    Args:
        case: for its name and findings.
        verdict: of the policy.
        unknown: the code with which this kind of thing is said not to exist.

    Raises:
        AuraError: `unknown`, `forbidden`, `safe_mode` or `unsafe_arguments`.
    """
    if verdict.effect is not Effect.DENY:
        return
    if verdict.hidden:
        kind = unknown.removeprefix("unknown_")
        raise AuraError(unknown, f"there is no {kind} {case.name[:_MOST_NAME_CHARS]!r}")
    message, recovery = _why(case, verdict)
    raise AuraError(_CODES.get(verdict.rule, "forbidden"), message, recovery=_sentence(recovery) or None)


def held(case: Case, verdict: Verdict, approval: JSON, why: str = "") -> AuraError:
    """The refusal of a call that waits for somebody: by when who must decide, how, and how to go on.

    Args:
        case: of the call.
        verdict: of the policy.
        approval: what it waits as.
        why: its client's own user didn't agree, as in "your user declined".
    """
    name, until = approval["approval_id"], _time(approval["expires_at"])
    reason, remedy = _why(case, verdict)
    reason = reason.rstrip(".")
    recovery = f"{_sentence(remedy)} {_decide(name)}".strip()
    if verdict.effect is Effect.CONFIRM:
        message = f"{reason}; {why or 'nobody has agreed yet'}. Until {until} an operator may agree to it as {name}"
        return AuraError("confirmation_required", message, recovery=recovery, approval_id=name)
    agreed = sum(each["decision"] == "approve" for each in approval["decisions"])
    others = approval["approvers"] - agreed
    whom = "somebody else" if others == 1 else f"{others} others"
    if agreed:
        whom = "one more person" if others == 1 else f"{others} more people"
    message = f"{reason}. It waits as {name}: {whom} must approve it until {until}, or it is a no"
    return AuraError("approval_required", message, recovery=recovery, approval_id=name)


def denied(case: Case, approval: JSON) -> AuraError:
    """The refusal of a call to which somebody said no."""
    name, last = approval["approval_id"], approval["decisions"][-1]
    return AuraError(
        "approval_denied",
        f"{case.name[:_MOST_NAME_CHARS]!r} was denied by {last['by']} ({name}): {last['reason']}",
        recovery=f"Ask for something else; this very call stays denied until {_time(approval['expires_at'])}.",
        approval_id=name,
    )


def _decide(name: str) -> str:
    return (
        f"`aura approvals approve {name}` or decide_approval decides it; then repeat the very same call."
        " get_approval tells how it stands."
    )


def _time(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _why(case: Case, verdict: Verdict) -> tuple[str, str]:
    """Why it doesn't simply run, and what to do about it."""
    if verdict.rule.startswith("inspection.") and case.findings:
        return _seen(case)
    return verdict.reason, verdict.remedy


def _seen(case: Case) -> tuple[str, str]:
    """What inspection saw, the gravest first, each with its place and rule; and what to do about it."""
    findings = sorted(case.findings, key=lambda found: -found[1].severity)[:_SHOWN]
    seen = [f"{pointer or 'the call'}: {finding.what} ({finding.rule})" for pointer, finding in findings]
    remedies = dict.fromkeys(finding.remedy for _, finding in findings if finding.severity > Severity.INFO)
    return f"{case.name[:_MOST_NAME_CHARS]!r} was not run: {'; '.join(seen)}", " ".join(map(_sentence, remedies))


def refused_for_now(case: Case, taken: Taken) -> AuraError:
    """The refusal of a call for which there is no token left; it says when the next one comes."""
    wait_s = taken.take.retry_after_s
    calls = f"the {taken.per_minute} calls a minute"
    which = "" if taken.rate == "default" else f" of the class {taken.rate!r}"
    by = "all callers together have" if taken.scope == "tool" else f"{case.principal.id} has"
    return AuraError(
        "rate_limited",
        f"{by} used {calls}{which}; the next may come in {max(wait_s, 0.1):.1f} s",
        retry_after_s=round(wait_s + 0.0005, 3),
    )


def _sentence(text: str) -> str:
    """With a capital, unless a tool's name begins it, and a full stop, as the error table's recoveries are."""
    first = text[:1] if "_" in text.partition(" ")[0] else text[:1].upper()
    return text and first + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")
