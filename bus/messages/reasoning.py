"""What `ask` needs below Tools: a route, a plan's run, the results in words (L3 to L1)."""

from __future__ import annotations

from .form import JSON, Message, message


@message("router.route", idempotent=True)
class Route(Message):
    """What a request in plain words asks for.

    Reply {"kind": tool | workflow | model | none, "name", "arguments", "confidence": 0..1, "margin": 0..1, "asks": what
    to ask back or "", "why": [text], "alternatives": [{kind, name, confidence}], "destructive": bool, "language": ISO
    639-1, "meaning": whether the ML worker took part}, and `_meta` with its layers.
    """

    request: str
    context: str = ""


@message("workflow.run", privileged=True)
class RunPlan(Message):
    """Run a plan's steps, each a new governed request under the grant for `parent`; independent ones side by side.

    A step is {"id", "tool", "arguments", "needs": [ids]}. Reply {"status": done | partial | failed, "steps": [{"id",
    "tool", "status": done | failed | refused | skipped, "ms", "result" or "error", "audit_id"}]}, and `_meta`.
    """

    parent: str
    steps: list[JSON]
    server: str = "gateway"


@message("language.compose", idempotent=True)
class Compose(Message):
    """Put results into words: reply {"text", "model"}; `unavailable` while there is no language engine."""

    request: str
    material: list[JSON]
