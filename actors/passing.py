"""The items of one call on their way to its client, with what a secret leaves of itself in the next one."""

from __future__ import annotations

from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.judgement.finding import Finding, Severity
from aura_ia_mcp.judgement.inspection.redaction import redact_continued

from .case import Case
from .results import Results

_TEXTS = {"progress": "message", "log": "data"}
_TAIL = 256  # characters of what was said before
_SPLIT = Finding(
    "secret.split",
    Severity.REVIEW,
    0,
    0,
    1.0,
    "A secret that was split over two messages; its beginning had left already",
    "Change that secret, and don't print it.",
)


class Passing:
    """Cleans progress and log messages of one call, and marks what goes on with a secret of the one before.

    The beginning of such a secret is gone: it looked like none. So the call is flagged.

    Args:
        results: clean each item by itself.
        case: the call.
    """

    def __init__(self, results: Results, case: Case) -> None:
        self._results = results
        self._case = case
        self._tails: dict[str, str] = {}

    async def clean(self, item: JSON) -> JSON:
        """An item as it may leave.

        Raises:
            AuraError: `result_withheld`: it couldn't be inspected.
        """
        kind = str(item.get("type"))
        name = _TEXTS.get(kind, "")
        text = item.get(name)
        if isinstance(text, str):
            tail = self._tails.get(kind, "")
            self._tails[kind] = (tail + text)[-_TAIL:]
            continued = redact_continued(tail, text)
            if continued != text:
                item = item | {name: continued}
                self._case.redacted["split"] = self._case.redacted.get("split", 0) + 1
                self._case.flags.append(_SPLIT)
        return await self._results.clean(self._case, item)
