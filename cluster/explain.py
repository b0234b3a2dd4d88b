"""A recorded decision told to the operator, with no system running."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aura_ia_mcp.configs.paths import Paths
from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.judgement.explanation import explain, relation, threads
from aura_ia_mcp.judgement.recorded import Archive, UnreadableError
from aura_ia_mcp.stores.form import GONE
from aura_ia_mcp.stores.lines import Budget
from aura_ia_mcp.stores.redaction import entry_of
from aura_ia_mcp.stores.related import related
from aura_ia_mcp.stores.rules_archive import RulesArchive

from .audit_read import find, unreadable
from .faults import OperatorError

_MOST_BYTES = 1_073_741_824
_MOST_S = 10.0


def explain_record(settings: Settings, audit_id: str) -> dict[str, Any]:
    """Why a call was decided as it was, or what an approval is about, and which records belong to it.

    Args:
        settings: say where the records lie.
        audit_id: `writer:seq`; a receipt will do.

    Returns:
        What `judgement.explanation.explain` gives, and {related: [{audit_id, kind, at, relation}], cut}.

    Raises:
        OperatorError: there is no such record, it was redacted, it holds no decision, or it can't be read.
    """
    folder = Paths.of(settings).audit
    entry = find(settings, ":".join(audit_id.split(":")[:2]))
    if entry.record["kind"] == GONE:
        raise OperatorError(_redacted(folder, entry.id))
    try:
        told = explain(entry.record, Archive(RulesArchive(folder).read), operates=True)
    except UnreadableError as error:
        raise OperatorError(f"{entry.id} can't be explained: {error}; `aura audit show {entry.id}` shows it") from None
    try:
        others, cut = related(folder, entry.at, threads(entry.record), Budget(_MOST_BYTES, _MOST_S).spend)
    except OSError as error:
        raise unreadable(error) from error
    return told | {
        "related": [
            {"audit_id": other.id, "kind": other.record["kind"], "at": other.at, "relation": words}
            for other in others
            if other.id != entry.id and (words := relation(entry.record, other.record))
        ],
        "cut": cut,
    }


def _redacted(folder: Path, audit_id: str) -> str:
    """That there is nothing left to explain, and what the signed entry says of it."""
    gone = f"{audit_id} can't be explained: its text was redacted"
    try:
        entry = entry_of(folder, audit_id)
    except OSError:
        entry = None
    if entry is None:
        return f"{gone}, and no signed entry tells why; `aura audit verify` says whether that is in order"
    at = datetime.fromtimestamp(entry.ts, UTC).isoformat(sep=" ", timespec="seconds")
    return f"{gone} at {at} by {entry.members.get('by')}: {entry.members.get('reason')}"
