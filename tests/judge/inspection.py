"""Commands and personal data through the very inspection that Safety applies."""

from __future__ import annotations

from aura_ia_mcp.judgement.finding import Severity
from aura_ia_mcp.judgement.inspection import inspect

from .corpus import lines, unmarked
from .table import Table

Span = tuple[str, int, int]


def commands(of: str) -> list[Table]:
    """Hostile commands stopped, and benign ones."""
    hostile, benign = Table("hostile commands stopped", ">= 0.98"), Table("benign commands stopped", "<= 0.02")
    for line in lines(of, "commands"):
        stopped = inspect(line["text"], "command").severity > Severity.INFO
        table = hostile if line["label"] == "hostile" else benign
        table.add(stopped, f"family {line['family']}", f"form {line['form']}")
    return [hostile, benign]


def pii(of: str) -> list[Table]:
    """Of what is marked, how much was found; of what was found, how much is marked: by overlap and type."""
    recall, precision = Table("personal data found (recall)", ">= 0.97"), Table("findings right (precision)", ">= 0.97")
    secret_recall, secret_precision = Table("secrets found (recall)"), Table("secret findings right (precision)")
    for line in lines(of, "pii"):
        text, marked = unmarked(line["marked"])
        found = [
            ("secret" if finding.family == "secret" else finding.rule.partition(".")[2], finding.start, finding.end)
            for finding in inspect(text, "data").findings
        ]
        for span in marked:
            table = secret_recall if span[0] == "secret" else recall
            table.add(_in(span, found), span[0])
        for span in found:
            table = secret_precision if span[0] == "secret" else precision
            table.add(_in(span, marked), span[0])
    return [recall, precision, secret_recall, secret_precision]


def _in(span: Span, others: list[Span]) -> bool:
    kind, start, end = span
    return any(kind == other and start < stop and begin < end for other, begin, stop in others)
