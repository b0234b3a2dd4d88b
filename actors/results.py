"""What goes back out: secrets are marked, injections fenced, personal data marked where the verdict says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.judgement.finding import Severity
from aura_ia_mcp.judgement.inspection import fence, prefixed, redact
from aura_ia_mcp.judgement.inspection.pii import TYPES

from .case import Case
from .inspector import Inspector
from .meaning import Meaning, noted

_SHORTEST = 12  # characters: nothing shorter instructs anybody
_SHOWN = 20
_FINDINGS = "aura/findings"
MEANING = "aura/meaning"


class Results:
    """Cleans results, progress and questions on their way to a client.

    Promises: no secret passes; text in which an injection was found is fenced before any model sees it, and the result
    says so in `_meta["aura/findings"]`; what was changed still fits the tool's output schema, or isn't given at all.

    Args:
        inspector: looks at texts.
        meaning: reads those of results, where the policy says so; progress and questions are inspected only.
    """

    def __init__(self, inspector: Inspector, meaning: Meaning) -> None:
        self._inspector = inspector
        self._meaning = meaning

    async def clean(self, case: Case, item: JSON) -> JSON:
        """An item or a question as it may leave.

        Raises:
            AuraError: `result_withheld`: it couldn't be inspected.
        """
        found = await self._flagged(case, item)
        return self._redacted(case, prefixed(item, found.__contains__) if found else item)

    async def result(self, case: Case, reply: JSON) -> JSON:
        """A call's result.

        Raises:
            AuraError: `result_withheld`: it couldn't be inspected, or as changed no longer fits the output schema.
        """
        found = await self._flagged(case, reply, read=True)
        cleaned = self._redacted(case, _fenced(reply, found) if found else reply)
        before, after = reply.get("structuredContent"), cleaned.get("structuredContent")
        check = case.subject.output if case.subject is not None else None
        if after is not before and check is not None and not check.fits(after):
            raise AuraError(
                "result_withheld",
                f"{case.name}: what had to be marked in its result leaves nothing that fits the tool's output schema",
            )
        told: JSON = {_FINDINGS: [finding.as_dict() for finding in case.flags[:_SHOWN]]} if case.flags else {}
        if (note := noted(case)) is not None:
            told[MEANING] = note
        return cleaned | {"_meta": dict(cleaned.get("_meta") or {}) | told} if told else cleaned

    async def error(self, case: Case, error: AuraError) -> AuraError:
        """An error of a tool as it may leave: secrets marked, an injection in its message fenced."""
        failure = error.failure
        cleaned = await self.clean(case, {"message": failure.message, "recovery": failure.recovery})
        if cleaned["message"] == failure.message and cleaned["recovery"] == failure.recovery:
            return error
        return AuraError.from_failure(replace(failure, **cleaned))

    async def _flagged(self, case: Case, value: JSON, *, read: bool = False) -> frozenset[str]:
        """The texts in which an injection was found; all findings are noted."""
        texts = list(dict.fromkeys(_texts(value)))
        if not texts:
            return frozenset()
        try:
            items = [(str(place), text, "text") for place, text in enumerate(texts)]
            found = [(at, each) for at, report in await self._inspector.inspect_many(items) for each in report.findings]
            found += await self._meaning.findings(case, items, "results") if read else []
        except AuraError as error:
            raise AuraError("result_withheld", f"the result can't be inspected: {error}") from error
        case.flags += [finding for _, finding in found]
        flagged = {texts[int(at)] for at, each in found if each.family == "injection" and each.severity > Severity.INFO}
        return frozenset(flagged)

    def _redacted(self, case: Case, value: JSON) -> JSON:
        pii = _personal(case.verdict.redact) if case.verdict is not None else frozenset()
        cleaned: JSON
        cleaned, found = redact(value, pii)
        for name, count in found.items():
            case.redacted[name] = case.redacted.get(name, 0) + count
        return cleaned


def _fenced(reply: JSON, found: frozenset[str]) -> JSON:
    """With a fence around each such text, or its words in front of those that have no room for one.

    Those are links, questions and JSON-RPC errors. Encoded content stays, and a state that must come back as it is.
    """
    marked: JSON = prefixed(fence(reply, found.__contains__), found.__contains__)
    for name in ("content", "contents"):
        if isinstance(blocks := reply.get(name), list):
            marked |= {name: [_encoded(*pair) for pair in zip(blocks, marked[name], strict=True)]}
    return _kept(reply, marked, "requestState")


def _encoded(before: Any, after: Any) -> Any:
    """A block with its encoded content as it was."""
    if not isinstance(before, dict):
        return after
    if before.get("type") in ("image", "audio"):
        return _kept(before, after, "data")
    if isinstance(resource := before.get("resource"), dict):
        after = after | {"resource": _kept(resource, after["resource"], "blob")}
    return _kept(before, after, "blob")


def _kept(before: JSON, after: JSON, name: str) -> JSON:
    return after | {name: before[name]} if name in before else after


def _personal(redact: frozenset[str]) -> frozenset[str]:
    """The types of personal data that a verdict's `pii` (all of them) and `pii.TYPE` mean."""
    return frozenset(TYPES) if "pii" in redact else frozenset(each.partition(".")[2] for each in redact)


def _texts(value: Any) -> Iterator[str]:
    """All texts that a model could take for instructions, names of members included."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            if len(each) >= _SHORTEST:
                yield each
        elif isinstance(each, dict):
            waiting += each.values()
            waiting += each
        elif isinstance(each, list | tuple) and not (each and isinstance(each[0], float | int)):
            waiting += each
