"""How the parts do, as Telemetry and Audit are told and asked (L0)."""

from __future__ import annotations

from .form import JSON, Message, message


@message("telemetry.report")
class Report(Message):
    """A part tells how it is: `source` (an address, `gateway/0` or `cluster/0`) and its figures."""

    source: str
    figures: JSON


@message("telemetry.dead_letters", idempotent=True)
class TellDeadLetters(Message):
    """A part tells which messages went nowhere: the labels of the newest, and how many older ones it passes over.

    A label is {"id", "source", "target", "kind", "reason", "at"}. Durable when answered, with {}.
    """

    letters: list[JSON]
    passed_over: int = 0


@message("telemetry.status", idempotent=True)
class ReadStatus(Message):
    """The newest report of every part: reply {"parts": {source: {"age_s": s, ...figures}}}."""


@message("audit.activity", idempotent=True)
class ReadActivity(Message):
    """Requests, errors and denials of the last `window_s` seconds, by tool and by principal.

    Reply {window_s, requests, errors, denials, sessions, by_tool: {name: {requests, errors, denials}}, by_principal}.
    """

    window_s: int
