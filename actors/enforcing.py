"""A verdict as what the caller gets: nothing when it may run, else the error that says why and what to do."""

from __future__ import annotations

from aura_ia_mcp.bus.errors import AuraError
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
    """Pass what may run.

    Args:
        case: for its name and findings.
        verdict: of the policy.
        unknown: the code with which this kind of thing is said not to exist.

    Raises:
        AuraError: `unknown`, `forbidden`, `safe_mode`, `unsafe_arguments`, `approval_required` or
            `confirmation_required`.
    """
    if verdict.effect is Effect.ALLOW:
        return
    if verdict.hidden:
        kind = unknown.removeprefix("unknown_")
        raise AuraError(unknown, f"there is no {kind} {case.name[:_MOST_NAME_CHARS]!r}")
    if verdict.effect is Effect.CONFIRM:
        code = "confirmation_required"
    elif verdict.effect is Effect.APPROVE:
        code = "approval_required"
    else:
        code = _CODES.get(verdict.rule, "forbidden")
    if verdict.rule.startswith("inspection.") and case.findings:
        message, recovery = _seen(case)
    else:
        message, recovery = verdict.reason, verdict.remedy
    raise AuraError(code, message, recovery=_sentence(recovery) or None)


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
