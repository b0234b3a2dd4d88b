"""What each layer had to do with a call, read from its record."""

from __future__ import annotations

from collections.abc import Iterator

from .. import risk
from ..finding import Finding, Severity
from ..policy import Inputs, Verdict
from ..recorded import Record
from ..risk import Risk
from .relation import approval_of
from .step import Step, listed, sentence

_RATE = "rate."
_SHOWN = 3
_MOST_REFUSALS = 6  # further recent refusals add nothing to a risk score
_WORDS = {
    "allow": "runs",
    "confirm": "runs once the client's own user has confirmed it",
    "approve": "runs once somebody else has approved it",
    "deny": "is refused",
}
_OUTCOMES = {
    "ok": "it ran and gave its result",
    "tool_error": "it ran, and the tool said that it failed",
    "rpc_error": "it ran, and the tool answered with a protocol error",
    "input_required": "it waits for what its client's user answers",
    "replayed": "an earlier call with the same idempotency key had given the answer already",
    "refused": "it was refused and did not run",
    "error": "it failed",
    "cancelled": "its client cancelled it",
    "deadline_exceeded": "its deadline passed",
    "": "it was about to run",
}
NOT_INSPECTED = Step(
    "L6", "inspection", "not inspected", "Arguments are inspected only for callers who could use the tool."
)


def rate(record: Record) -> Iterator[Step]:
    """The buckets that the call counted in."""
    for each in record.get("buckets", ()):
        refused = record.get("rule") == f"{_RATE}{each['class']}"
        left = f"{each['after']:.1f} of {each['rate']} calls a minute were left"
        why = f"the {each['rate']} calls a minute were used up" if refused else left
        yield Step("L6", "rate", "refused" if refused else "passed", sentence(why), f"{_RATE}{each['class']}")


def roles(record: Record, inputs: Inputs) -> Step:
    """What the caller's roles granted."""
    wanted, named = inputs.tool.capability, listed(list(inputs.roles))
    version = record["roles"]
    if wanted in inputs.held:
        return Step("L2", "roles", "granted", f"It needs {wanted}, and the roles {named} grant it.", version=version)
    if wanted in inputs.denied:
        why = f"It needs {wanted}, which is denied to the caller: {inputs.denied[wanted]}"
        return Step("L2", "roles", "denied", sentence(why), "capability.denied", version)
    why = f"It needs {wanted}, and the roles {named} don't grant it."
    return Step("L2", "roles", "missing", why, "capability.missing", version)


def inspection(record: Record, findings: tuple[Finding, ...]) -> Step:
    """What was seen in the arguments."""
    looked = record.get("inspection", {})
    version = str(looked.get("version", ""))
    if not findings:
        return Step("L6", "inspection", "nothing found", "Nothing was seen in the arguments.", version=version)
    gravest = max(findings, key=lambda each: each.severity)
    told = [f"{each['at'] or 'the call'}: {each['what']} ({each['rule']})" for each in record["findings"][:_SHOWN]]
    more = looked.get("found", len(findings)) - len(told)
    why = "; ".join(told) + (f"; and {more} more" if more > 0 else "")
    verdict = {Severity.INFO: "noted", Severity.REVIEW: "to be looked at", Severity.BLOCK: "must not run"}
    return Step("L6", "inspection", verdict[gravest.severity], sentence(why), gravest.rule, version, looked.get("ms"))


def risk_of(inputs: Inputs) -> Risk | None:
    """The recorded risk with its factors, computed again; None when this program weighs them otherwise."""
    worst = max((each.severity for each in inputs.findings), default=Severity.INFO)
    for refusals in range(_MOST_REFUSALS):  # how many there were isn't recorded; only as many as fit give the score
        found = risk.of_call(
            inputs.tool,
            severity=worst,
            recent_refusals=refusals,
            depth=inputs.depth,
            safe_mode=inputs.safe_mode and not inputs.tool.calms,
        )
        if (found.level, found.score) == (inputs.risk_level, inputs.risk_score):
            return found
    return None


def weighed(inputs: Inputs, found: Risk | None) -> Step:
    """The risk and what makes it so."""
    factors = [] if found is None else [f"{each.why} ({each.name}, {each.share})" for each in found.factors]
    why = f"Its score is {inputs.risk_score:g} of 100" + (": " + "; ".join(factors) if factors else "")
    return Step("L6", "risk", inputs.risk_level, sentence(why))


def policy(record: Record, verdict: Verdict | None) -> Step:
    """What the policy made of all that."""
    effect = record["verdict"]
    reason = f": {verdict.reason}" if verdict is not None else ""
    rule = record["rule"] if verdict is None or not record["rule"].startswith(_RATE) else verdict.rule
    words = _WORDS.get(effect, effect)
    return Step("L6", "policy", effect, sentence(f"a call like this {words}{reason}"), rule, record["policy"])


def consent(record: Record) -> Iterator[Step]:
    """Whose consent the call waited for, or ran on."""
    found = record.get("approval")
    if not isinstance(found, dict):
        return
    said = [f"{each['by']} said {each['decision']} ({_how(each['how'])})" for each in found.get("by", ())]
    why = f"Approval {approval_of(record)} was {found.get('status', '')}; " + ("; ".join(said) or "nobody has decided")
    yield Step("L0", "approval", str(found.get("status", "")), sentence(why))


def ran(record: Record) -> Iterator[Step]:
    """Through which layers it went, and how long each took."""
    for each in record.get("layers", ()):
        ms = each.get("ms")
        took = f"It took {ms:g} ms, with all below it." if isinstance(ms, int | float) else "It ran."
        yield Step(str(each.get("layer", "")), str(each.get("actor", "")), "ran", took, ms=ms)


def came_of(record: Record) -> str:
    """What became of it, as the end of a sentence."""
    outcome, error = str(record.get("outcome", "")), record.get("error")
    told = _OUTCOMES.get(outcome, outcome)
    return f"{told} with {error['code']}: {error['message']}" if error else told


def answer(record: Record) -> Step:
    """What came of it, and what was marked in it."""
    outcome, told = str(record.get("outcome", "")), came_of(record)
    marked = record.get("redacted", {}).get("found", {})
    if marked:
        told = told.rstrip(".") + ". Marked in it: " + listed([f"{count} {name}" for name, count in marked.items()])
    return Step("L6", "answer", outcome or "opened", sentence(told), ms=record.get("ms"))


def _how(how: str) -> str:
    return "as the client's own user" if how == "client" else "as an operator" if how == "operator" else how
