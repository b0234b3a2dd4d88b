"""Requests through the router and tasks through the role engine, with MiniLM's vectors as in the running system."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from aura_ia_mcp.actors.router import decide
from aura_ia_mcp.judgement.roles import shipped
from aura_ia_mcp.judgement.roles.suggestion import suggest
from aura_ia_mcp.judgement.routing import Decision
from aura_ia_mcp.models.intents import IntentModel
from aura_ia_mcp.models.minilm import Encoder
from aura_ia_mcp.models.needs import NeedsReader

from .corpus import lines
from .table import Table

_MODEL_TOOL = "ollama_consult"
_BATCH = 64
DESTROYERS = frozenset(
    {
        "delete_documents",
        "cancel_workflow",
        "cancel_debate",
        "codex_interrupt",
        "codex_archive",
        "set_safe_mode",
        "execute_command",
        "decide_approval",
        "ollama_pull_model",
        "execute_workflow",
        "codex",
        "codex-reply",
    }
)
"""The tools that may answer a destructive request: all that write in a way that ends or replaces something."""


def roles(of: str) -> list[Table]:
    """Tasks whose first suggestion is the right role, with the text's meaning and by its words alone."""
    tables = [Table("right role suggested first", ">= 0.9"), Table("the same without MiniLM")]
    found = lines(of, "roles")
    for line, needs in zip(found, _needs([line["text"] for line in found]), strict=True):
        right = {_folded(name) for name in (line["role"], *line.get("also", []))}
        for table, near in zip(tables, (needs, None), strict=True):
            best = suggest(shipped(), line["text"], (), near)[0].role
            table.add(best in right, _folded(line["role"]))
    return tables


def requests(of: str) -> list[Table]:
    """Requests answered, answered rightly, and what became of those to destroy and of those for somebody else."""
    answered = Table("requests for this system answered", ">= 0.85")
    right = Table("answers right", ">= 0.95")
    destructive = Table("destructive requests sent to a tool that reads", "<= 0")
    foreign = Table("requests for somebody else declined")
    other = Table("requests in other languages: right when answered")
    alone = Table("answers right without MiniLM")
    model, found = IntentModel.load(), lines(of, "requests")
    for line, vector in zip(found, _vectors([line["text"] for line in found]), strict=True):
        group = f"{line['kind']} {line['name'] if line['kind'] == 'workflow' else ''}".strip()
        decision = decide(model, line["text"], vector)
        if line["destructive"]:
            reads = decision.kind in ("tool", "workflow") and decision.name not in DESTROYERS and _answers(decision)
            destructive.add(reads)
        if line["language"] != "en":
            if _answers(decision):
                other.add(_right(decision, line), line["language"])
        elif line["kind"] == "none":
            foreign.add(not _answers(decision) or decision.kind == "none")
        else:
            answered.add(_answers(decision), group)
            if _answers(decision):
                right.add(_right(decision, line), group)
            if _answers(by_words := decide(model, line["text"])):
                alone.add(_right(by_words, line), group)
    return [answered, right, destructive, foreign, other, alone]


def _answers(decision: Decision) -> bool:
    """Whether it names something, rather than asking which or saying that it doesn't know; it may ask for arguments."""
    return decision.kind != "none"


def _right(decision: Decision, line: dict[str, Any]) -> bool:
    wanted = {line["name"], *line.get("also", [])}
    if decision.kind == "model" or decision.name == _MODEL_TOOL:
        return line["kind"] == "model" or _MODEL_TOOL in wanted
    return decision.name in wanted


def _folded(name: str) -> str:
    return name.strip().lower().replace(" ", "_").replace("-", "_")


@cache
def _encoder() -> Encoder:
    return Encoder.load()


def _vectors(texts: Sequence[str]) -> list[list[float]]:
    """Vectors of meaning, (N, 384), of length 1."""
    made: list[list[float]] = []
    for begin in range(0, len(texts), _BATCH):
        made += _encoder().encode(texts[begin : begin + _BATCH]).tolist()
    return made


def _needs(texts: Sequence[str]) -> list[dict[str, float]]:
    """How much each text speaks for each capability being needed."""
    reader = NeedsReader.load(_encoder())
    return [dict(zip(reader.card.labels, row, strict=True)) for row in reader.logits(texts).tolist()]
