"""From a record to its explanation."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from ..policy import Inputs, Policy, Verdict
from ..recorded import Archive, Reader, Record, UnreadableError, audit_id
from ..replay import UNKNOWN, blind
from . import layers
from .approval import KINDS as APPROVALS
from .approval import of_approval
from .step import Step, ended, listed, sentence

_HIDDEN = "exposure.hidden"
_REDACTED = "tombstone"
_CALLS = ("call", "opened_call")
KINDS = (*_CALLS, *APPROVALS)
"""The kinds of records that can be explained."""
_GOES_ON = {"confirm": "confirmation", "approve": "approval"}


def explain(record: Record, archive: Archive, *, operates: bool) -> dict[str, Any]:
    """Why a call was decided as it was, or what an approval is about.

    Args:
        record: of one of `KINDS`.
        archive: the rules that records name.
        operates: whether it is told to an operator. To others what is hidden stays so, and a rule is told by what it
            says of itself, not by whom it names.

    Returns:
        {audit_id, kind, at, summary, verdict, rule, outcome, asked, steps, risk, rules, findings, approval, remedy,
        inputs, versions}

    Raises:
        UnreadableError: the record was redacted, or is of another kind or form.
    """
    if record["kind"] == _REDACTED:
        raise UnreadableError("its text was taken away (redacted), and a signed entry says when, by whom and why")
    if record["kind"] not in KINDS:
        raise UnreadableError(f"a record of kind {record['kind']!r} holds no decision; there is {listed(list(KINDS))}")
    try:
        if record["kind"] in APPROVALS:
            return of_approval(record)
        shown = record if operates or record.get("rule") != _HIDDEN else _unknown(record)
        return _Call(shown, archive, operates).explained()
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UnreadableError(f"it isn't of the form that this program reads ({error!r})") from None


def _unknown(record: Record) -> Record:
    """The record of a call of what exists for operators only, as if there were nothing of this name."""
    told = ("inputs", "contract", "matched", "findings", "inspection", "layers", "notes", "sandbox")
    return {name: value for name, value in record.items() if name not in told} | {"rule": UNKNOWN}


class _Call:
    """One call's explanation."""

    def __init__(self, record: Record, archive: Archive, operates: bool) -> None:
        self._record = record
        self._operates = operates
        self._inputs: Inputs | None = Reader().inputs(record) if "inputs" in record else None
        self._policy: Policy | None = archive.policy(record["policy"]) if record.get("policy") else None
        self._verdict = self._again()
        self._risk = layers.risk_of(self._inputs) if self._inputs is not None else None

    def _again(self) -> Verdict | None:
        """The verdict with its reason, if it comes out as recorded."""
        if self._policy is None or self._inputs is None:
            return None
        found = self._policy.decide(self._inputs)
        same = str(found.effect) == self._record["verdict"] and list(found.matched) == list(self._record["matched"])
        return found if same and not blind(self._record, found) else None

    def explained(self) -> dict[str, Any]:
        record, steps = self._record, list(self._steps())
        who = record["principal"]
        return {
            "audit_id": audit_id(record),
            "kind": record["kind"],
            "at": record["ts"],
            "summary": self._summary(),
            "verdict": record["verdict"],
            "rule": record["rule"],
            "outcome": record.get("outcome", ""),
            "asked": {
                "principal": f"{who['tenant']}/{who['id']}",
                "kind": who["kind"],
                "roles": list(who["roles"]),
                "what": record["what"],
                "name": record["name"],
                "server": record["server"],
                "depth": record.get("depth", 0),
                "client": record.get("client", {}),
            },
            "steps": [step.as_dict() for step in steps],
            "risk": None if self._risk is None else self._risk.as_dict(),
            "rules": list(self._rules()),
            "findings": list(record.get("findings", ())),
            "approval": record["approval"] if isinstance(record.get("approval"), dict) else None,
            "remedy": self._remedy(),
            "inputs": {"arguments": record.get("args", ""), "all": _hash(record)},
            "versions": {
                name: record.get(name, "") for name in ("policy", "roles", "catalogue", "contract", "safe_mode")
            },
        }

    def _steps(self) -> Iterator[Step]:
        record, inputs = self._record, self._inputs
        yield from layers.rate(record)
        if inputs is not None:
            yield layers.roles(record, inputs)
            usable = self._policy is None or self._policy.visible(inputs)
            yield layers.inspection(record, inputs.findings) if usable else layers.NOT_INSPECTED
            yield layers.weighed(inputs, self._risk)
            yield layers.policy(record, self._verdict)
        elif record["rule"] == UNKNOWN:
            yield Step("L6", "policy", "deny", "There is nothing of this name for the caller.", UNKNOWN)
        yield from layers.consent(record)
        yield from layers.ran(record)
        yield layers.answer(record)

    def _summary(self) -> str:
        record, who = self._record, self._record["principal"]
        asked = f"{who['id']} ({who['kind']}) asked for {record['name']}"
        verdict, rule = record["verdict"], record["rule"]
        if rule.startswith("rate."):
            return ended(f"{asked}, and it was refused, for its calls of this minute were used up (rule {rule})")
        if not verdict:
            return ended(f"{asked}, and {layers.came_of(record)}")
        if verdict == "deny":
            return ended(f"{asked}, and it was refused (rule {rule})")
        if verdict in _GOES_ON:
            ran = record.get("outcome") in ("ok", "tool_error", "rpc_error")
            came = f"which was given, and it ran (rule {rule})" if ran else f"and did not run yet (rule {rule})"
            return ended(f"{asked}, which needed {_GOES_ON[verdict]}, {came}")
        return ended(f"{asked}, and it was allowed (rule {rule}); {layers.came_of(record)}")

    def _rules(self) -> Iterator[dict[str, Any]]:
        """Those that matched, with what they are about, and which of them decided."""
        record, about = self._record, {}
        if self._policy is not None and self._inputs is not None:
            about = {each.rule: each for each in self._policy.explain(self._inputs)}
        own = {rule.id: rule.description or rule.reason for rule in self._policy.rules} if self._policy else {}
        for name in record.get("matched", ()):
            found = about.get(name)
            told = "" if found is None else found.why if self._operates or found.built_in else own.get(name, "")
            yield {
                "rule": name,
                "decided": name == record["rule"],
                "says": found.says if found is not None else "",
                "why": told,
            }

    def _remedy(self) -> str:
        """What would have to be otherwise for the call to run; "" where it ran."""
        record = self._record
        if record["rule"].startswith("rate."):
            return "Wait until the minute's calls are there again, and repeat the call."
        if record["verdict"] == "allow" or record.get("outcome") in ("ok", "input_required"):
            return ""
        if record["verdict"] in _GOES_ON and isinstance(record.get("approval"), dict):
            name = record["approval"]["id"]
            return f"Have it decided (`aura approvals approve {name}`, or decide_approval), then repeat the same call."
        if record["rule"] == UNKNOWN:
            return "list_available_tools shows what there is."
        if record["rule"].startswith("inspection.") and record.get("findings"):
            return " ".join(dict.fromkeys(sentence(each["remedy"]) for each in record["findings"] if each["remedy"]))
        return "" if self._verdict is None else sentence(self._verdict.remedy)


def _hash(record: Record) -> str:
    """SHA-256 of all that the verdict rests on, as canonical JSON: equal hashes are equal inputs."""
    names = ("inputs", "principal", "capabilities", "findings", "args", "policy", "roles")
    given = {name: record[name] for name in names if name in record}
    return hashlib.sha256(json.dumps(given, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
