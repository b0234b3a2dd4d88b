"""Asking the ML worker whether texts mean to instruct a model, where the policy names the tool."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Literal

from aura_ia_mcp.bus.bus import Bus
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON, ReadForInjection
from aura_ia_mcp.judgement.finding import Finding
from aura_ia_mcp.judgement.inspection.injection.meaning import Read, finding

from .case import Case
from .minting import Minting
from .moment import ms_since

WITHIN_S = 2.0
_RETRY_S = 2.0
_SHORTEST = 12  # characters: nothing shorter instructs anybody
_MOST_TEXTS = 32  # of one call; the longest
_ML = "ml"
_READ = ("prompt", "text")
Where = Literal["arguments", "results"]


class Meaning:
    """Adds what a reader of meaning sees in the texts of calls that the policy names.

    Promises: it only adds findings. Each score goes into the case, and so into the record, with the reader's version.
    Where nobody reads the texts within two seconds, the call is refused, unless the policy's entry says otherwise: then
    the case notes it. Nobody is asked for a tool that the policy doesn't name.

    Args:
        bus: Safety's.
        minting: signs the question.
    """

    def __init__(self, bus: Bus, minting: Minting) -> None:
        self._bus = bus
        self._minting = minting

    async def findings(self, case: Case, items: list[tuple[str, str, str]], where: Where) -> list[tuple[str, Finding]]:
        """What is seen in those items that are prompts or texts, by place.

        Args:
            case: its name is the tool's; scores and notes are put into it.
            items: place, text and kind.
            where: what the items are of.

        Raises:
            AuraError: `unavailable`: nobody can read them now.
        """
        otherwise = case.standing.rules.policy.meaning(case.name, where)
        if otherwise is None or case.what != "tools/call":
            return []
        places = {text: place for place, text, kind in items if kind in _READ and len(text) >= _SHORTEST}
        texts = sorted(places, key=len, reverse=True)[:_MOST_TEXTS]
        if not texts:
            return []
        began = time.perf_counter()
        try:
            reads = await self._asked(case, texts)
        except AuraError as error:
            if otherwise == "refuse":
                raise _refused(case, where, error) from error
            case.meaning.append({"of": where, "not_read": error.failure.code})
            return []
        ms = ms_since(began)
        left = {"left_out": len(places) - len(texts)} if len(places) > len(texts) else {}
        case.meaning.append(
            {"of": where, "ms": ms, **left}
            | {"read": [{"at": places[text]} | read.as_dict() for text, read in zip(texts, reads, strict=True)]}
        )
        found = zip(texts, map(finding, reads), strict=True)
        return [(places[text], each) for text, each in found if each is not None]

    async def _asked(self, case: Case, texts: list[str]) -> list[Read]:
        header = replace(case.header, tokens=self._minting.reading(case, texts))
        try:
            async with asyncio.timeout(WITHIN_S):
                reply = await self._bus.request(_ML, ReadForInjection(texts), header=header, patience_s=0.0)
        except TimeoutError:
            raise AuraError("unavailable", f"it took more than {WITHIN_S:g} s", retry_after_s=_RETRY_S) from None
        return [Read(**each) for each in reply["read"]]


def noted(case: Case) -> JSON | None:
    """That meaning wasn't read where the policy asks for it; None where it was, or isn't asked for."""
    missed = [each for each in case.meaning if "not_read" in each]
    return {"not_read": [each["of"] for each in missed], "why": missed[0]["not_read"]} if missed else None


def _refused(case: Case, where: Where, error: AuraError) -> AuraError:
    return AuraError(
        "unavailable",
        f"{case.name}: the policy has its {where} read by meaning, and nobody can do that now: {error}",
        recovery="Repeat the call after retry_after_s; an operator can set when_unavailable in the policy's meaning.",
        retry_after_s=error.failure.retry_after_s or _RETRY_S,
    )
