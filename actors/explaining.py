"""The tool explain_decision: why a call was decided as it was, from its record."""

from __future__ import annotations

import asyncio
from pathlib import Path

from aura_ia_mcp.bus.bus import Context
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON, CallTool
from aura_ia_mcp.bus.tokens import Claims
from aura_ia_mcp.judgement.explanation import explain, relation, threads
from aura_ia_mcp.judgement.recorded import Archive, Record, UnreadableError
from aura_ia_mcp.stores import timeline
from aura_ia_mcp.stores.lines import Budget
from aura_ia_mcp.stores.related import related
from aura_ia_mcp.stores.rules_archive import RulesArchive

from .audience import ToolRun
from .sources import result

_MOST_BYTES = 16_777_216
_MOST_S = 1.0


class Explaining:
    """Runs explain_decision.

    Promises: it reads at most 16 MiB and a second's worth of records beside the one that is asked for; a caller that
    doesn't operate the system sees its own tenant's records only, and of hidden tools no more than when it was refused.

    Args:
        audit: `logs/audit`.
    """

    def __init__(self, audit: Path) -> None:
        self._audit = audit
        self._archive = Archive(RulesArchive(audit).read)

    @property
    def runs(self) -> dict[str, ToolRun]:
        """By name what runs each."""
        return {"explain_decision": self._explain}

    async def _explain(self, message: CallTool, context: Context, claims: Claims) -> JSON:
        principal = context.header.principal
        if principal is None:
            raise AuraError("unauthenticated", "an explanation needs somebody to give it to")
        wanted = str(message.arguments["audit_id"])
        told = await asyncio.to_thread(self._told, wanted, principal.tenant, claims.operates)
        return result(told)

    def _told(self, audit_id: str, tenant: str, operates: bool) -> JSON:
        entry = timeline.find(self._audit, audit_id)
        if entry is None or not (operates or _tenant(entry.record) == tenant):
            raise AuraError(
                "invalid_arguments",
                f"arguments.audit_id: there is no record {audit_id[:64]!r}",
                recovery="Every result and refusal has its id in `_meta` as aura/audit_id.",
            )
        try:
            told = explain(entry.record, self._archive, operates=operates)
        except UnreadableError as error:
            raise AuraError("invalid_arguments", f"{audit_id[:64]} can't be explained: {error}") from None
        others, cut = related(self._audit, entry.at, threads(entry.record), Budget(_MOST_BYTES, _MOST_S).spend)
        return told | {
            "related": [
                {"audit_id": other.id, "kind": other.record["kind"], "relation": words}
                for other in others
                if other.id != entry.id
                and (operates or _tenant(other.record) == tenant)
                and (words := relation(entry.record, other.record))
            ],
            "cut": cut,
        }


def _tenant(record: Record) -> str:
    found = record.get("principal")
    return str(found.get("tenant", "")) if isinstance(found, dict) else ""
