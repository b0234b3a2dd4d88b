"""Which tools do just what a destructive request wants: by the things that it names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import re2

from . import verbs
from .intent import Intent

# What a question how something is done, or a tool's bare name, doesn't start.
NOT_TO_READ: Final = frozenset(
    f"tool:{name}"
    for name in verbs.listed("delete_documents;cancel_debate;cancel_workflow;codex_interrupt;codex_archive")
)

_DEBATE = re2.compile(r"\b(debat\w*|disputes?|discussions?|d-\d+|models? (stop )?arguing|arguing)")
_WORKFLOW = re2.compile(
    r"\b(workflows?|pipelines?|dag|flows?|wf[-_]?\w*|the run|my run|that run|this run"
    r"|runs? (id )?[\w-]*\d[\w-]*|run[-_]\w+|r-\d+|(my|the|that|this) \w+ run|sequences?|steps?|execution|jobs?"
    r"|flujos?( de trabajo)?|flux|workflow\w*|arbeitsablauf|flusso|fluxo|workfl\w+)\b"
)
_ELSEWHERE = re2.compile(
    r"\b(databases?|tables?|sql|schema|files?|folders?|director\w+|disks?|drives?|buckets?|volumes?|logs?"
    r"|log ?files?|users?"
    r"|accounts?|roles?|polic\w+|rules?|config\w*|settings?|tokens?|keys?|sessions?|servers?|systems?"
    r"|clusters?|nodes?|models?"
    r"|plugins?|workflows?|debates?|alerts?|metrics?|traces?|audit\w*|backups?|cache\w*|approvals?"
    r"|facebook|google|gmail"
    r"|dropbox|icloud|instagram|twitter|whatsapp|phone|laptop|desktop|computer|calendar|contacts?|photos?"
    r"|subscription"
    r"|everything on|passwords?|emails?|mails?|inbox|protokolle?|journaux|registros|benutzer|usuarios|datenbank)\b"
)
_DOCUMENTS = re2.compile(
    r"\b(documents?|docs?|doc[-_]\w+|articles?|notes?|entry|entries|chunks?|passages?|embeddings?"
    r"|vectors?|facts?|memor(y|ies)"
    r"|knowledge|kb|collections?|what i (told|said)|told you|you know about|learned|learnt|dokument\w*"
    r"|wissen\w*|sammlung\w*"
    r"|documentos?|coleccion\w*|conocimiento\w*|connaissances?|documenti?|collezion\w*|conoscenza"
    r"|documento|conhecimento"
    r"|colec\w+|document\w*|kennisbank|collectie\w*|dokumen\w*|kolekcj\w*)\b"
)
_STORE = re2.compile(
    r"\b(knowledge|kb|collections?|wissen\w*|sammlung\w*|coleccion\w*|conocimiento\w*|connaissances?"
    r"|memory|kennisbank|handbook)\b"
)
_OUTSIDE = re2.compile(
    r"\b(facebook|google|gmail|dropbox|icloud|phone|laptop|desktop|computer|drive|postgres\w*|mysql|s3)\b"
)
_CODEX = re2.compile(r"\b(codex|(coding|code) (agent|session|thread|run|conversation)|agente?n?|th_\w+|c-\d+)\b")
_THREAD = re2.compile(r"\b(threads?|sessions?|conversations?|sitzung\w*|sesion\w*|chats?|t-\w+|c-\w+)\b")
_ADDRESSED = re2.compile(
    r"\b(have|let|ask|tell|use|get|with|give|run|start|make|want|need) (the )?(codex|coding agent)\b"
    r"|^(hey )?codex[,:]|\bcodex (should|must|to)\b|\blass(e|t)? codex\b"
)
_SAFE_MODE = re2.compile(
    r"\b(safe[ -]?mode|read[- ]only( mode)?|all writes|(all )?writing|everything that writes|all changes"
    r"|sicherheitsmodus"
    r"|abgesicherten? modus|modo seguro|mode sans echec|mode securise)\b"
)
_APPROVAL = re2.compile(r"\b(approvals?|ap[-_]\w+|approval requests?|sign-?offs?)\b")
_RUNS = re2.compile(r"^(please )?(run|execute|exec|shell|issue)\b")
_PLUGIN = re2.compile(r"\b(plugin|wasm) \w+ (to|function)\b|\b(use|run|call|with) (the )?plugin\b")
_CONCEPTS: Final = {"document", "knowledge", "collection"}
_ELSEWHERE_CONCEPTS: Final = {
    "log",
    "system",
    "role",
    "config",
    "model",
    "audit",
    "metric",
    "alert",
    "plugin",
    "cluster",
    "workflow",
}


def doers(intent: Intent, text: str, concepts: Sequence[str]) -> list[str]:  # noqa: PLR0911 - one for each thing
    """Labels of the tools that do what is wanted; none of them reads.

    Args:
        intent: what is wanted.
        text: the request, folded, without quotations.
        concepts: what the lexicon saw in it.
    """
    clause = " ".join(intent.clause)
    seen = set(concepts)
    found = _stopping(clause, text, seen) if intent.kind == "stops" else []
    if _CODEX.search(text):
        return found or _by_codex(intent, text)
    if found:
        return found
    if _SAFE_MODE.search(text) or ("safemode" in seen and intent.kind == "stops"):
        return ["tool:set_safe_mode"]
    if _APPROVAL.search(clause) and intent.kind == "stops":
        return ["tool:decide_approval"]
    if intent.kind == "deletes" and _is_of_documents(clause, text, seen):
        return ["tool:delete_documents"]
    if _PLUGIN.search(text):
        return ["tool:execute_wasm_plugin"]
    return ["tool:execute_command"] if _RUNS.search(text) else []


def _stopping(clause: str, text: str, seen: set[str]) -> list[str]:
    if _CODEX.search(text):
        return ["tool:codex_interrupt"] if not _ADDRESSED.search(text) or "stop" in clause else []
    if _DEBATE.search(clause) or "debate" in seen:
        return ["tool:cancel_debate"]
    if _WORKFLOW.search(clause) or (_WORKFLOW.search(text) and " it" in f" {clause}") or "workflow" in seen:
        return ["tool:cancel_workflow"]
    return []


def _by_codex(intent: Intent, text: str) -> list[str]:
    if _ADDRESSED.search(text):
        return ["tool:codex-reply", "tool:codex"] if _THREAD.search(text) else ["tool:codex"]
    return ["tool:codex_archive"] if _THREAD.search(text) and intent.kind == "deletes" else []


def _is_of_documents(clause: str, text: str, seen: set[str]) -> bool:
    if _OUTSIDE.search(text):
        return False
    if _STORE.search(text):
        return True
    if seen & _CONCEPTS and not seen & _ELSEWHERE_CONCEPTS:
        return _ELSEWHERE.search(clause) is None
    return _DOCUMENTS.search(clause) is not None and _ELSEWHERE.search(clause) is None
