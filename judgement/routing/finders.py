"""How one argument is found in a request's words: a rule by the argument's name, linear in the request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import re2

from . import quantities, wording


def _listed(text: str) -> list[str]:
    return text.split(";")


_ID = re2.compile(
    r"(?i)\b([a-z]{1,9}[-_][0-9a-z_-]*[0-9][0-9a-z_-]*|[0-9a-f-]*[0-9][0-9a-f-]*[a-f][0-9a-f-]*"
    r"|[a-z][0-9][0-9a-z]*|[0-9]+[a-z][0-9a-z]*)\b"
)
_RECORD = re2.compile(r"\b([a-z][a-z_-]*(?:-[0-9]+)?:[0-9]+)\b")  # writer:seq
_NUMBER = re2.compile(r"\b([0-9]{1,6})\b")
_MODEL = re2.compile(
    r"(?i)\b((?:llama|codellama|mistral|mixtral|gemma|qwen|phi|deepseek|nomic|starcoder|tinyllama|gpt-oss|llava|smollm"
    r"|granite|command-r|vicuna|falcon|orca|yi|dolphin|solar|zephyr|wizard)[a-z0-9._-]*(?::[a-z0-9._-]+)?"
    r"|[a-z][a-z0-9._-]*:[a-z0-9._-]*[0-9]b[a-z0-9._-]*)\b"
)
_ACTION = re2.compile(r"\b([a-z]+)[_:]([a-z_]+)\b")
_ACTIONS: Final = _listed(
    "manage_roles;manage_policies;read_secrets;execute_infra;delete_resources;orchestrate"
    ";write_code;execute_deploy;approve_code;execute_tests;merge;debug;read_code;read_config;approve_security;block_action;read_logs;approve_deploy;write_docs;write_config;execute_scripts;query;upsert_memory;route;delegate;delete_files"
)
_SPOKEN: Final = {
    "deploy": "execute_deploy",
    "run tests": "execute_tests",
    "run scripts": "execute_scripts",
    "run infrastructure": "execute_infra",
    "see secrets": "read_secrets",
    "see logs": "read_logs",
    "view logs": "read_logs",
    "block actions": "block_action",
    "edit code": "write_code",
    "change code": "write_code",
    "change config": "write_config",
    "write docs": "write_docs",
    "write documentation": "write_docs",
    "remove files": "delete_files",
    "approve deploys": "approve_deploy",
}
_ROLES: Final = _listed(
    "Root;Administrator;Lead Engineer;Security Officer;Senior Architect;Full-Stack Guru;DevOps"
    " Engineer;Junior Developer;Developer;Researcher;Product Owner;Knowledge"
    " Curator;Coordinator;UX Designer"
)
_PARTS: Final = (
    "gateway",
    "safety",
    "tools",
    "ml",
    "router",
    "roles",
    "reasoning",
    "workflow",
    "state",
    "audit",
    "bus",
)


_NO = ("reject", "deny", "decline", "turn down", "refuse", "veto", "disapprove", "ablehn")
_YES = re2.compile(
    r"\b(approve|yes|green light|grant|accept|confirm|agree|go ahead|let them|ok|genehmige|genehmigen)\b"
)
_NOT = ("n't", "n\u2019t", " not ", "never", "nicht")
_STATUSES = {
    "pending": "pending",
    "approved": "approved",
    "rejected": "denied",
    "denied": "denied",
    "expired": "expired",
}


def _id(request: str) -> str | None:
    found = _ID.search(request)
    if found:
        return str(found.group(1))
    number = _NUMBER.search(request)
    return str(number.group(1)) if number else None


def _record(request: str) -> str | None:
    found = _RECORD.search(request)
    return str(found.group(1)) if found else None


def _ids(request: str) -> list[str] | None:
    found = [match.group(1) for match in _ID.finditer(request)] or [
        match.group(1) for match in _NUMBER.finditer(request)
    ]
    return found or None


def _after(*words: str) -> Callable[[str], str | None]:
    """The name after (or before) one of these words."""
    pattern = re2.compile(
        rf"(?i)\b(?:{'|'.join(words)})\s+(?:called\s+|named\s+|kind\s+|of workflow\s+|of\s+)?([\pL\pN_.-]+)"
    )

    def find(request: str) -> str | None:
        quoted = wording.quotations(request)
        for found in pattern.finditer(request):
            if found.group(1).casefold() not in _NOT_NAMES:
                return str(found.group(1)).rstrip(".")
        return quoted[0] if quoted else None

    return find


_NOT_NAMES: Final = frozenset(
    _listed(
        "with;for;that;which;is;are;named;called;and;to;in;on;of;the;a;an;from;please;now;base;do;does"
        ";have;has;run;again;or;by;as;it;about"
    )
)


def _workflow(request: str) -> str | None:
    found = _ID.search(request)
    return str(found.group(1)) if found else (_after("workflow", "pipeline", "dag", "flow")(request) or _id(request))


def _model(request: str) -> str | None:
    found = _MODEL.search(request)
    return str(found.group(1)) if found else None


def _role(request: str) -> str | None:
    lowered = request.casefold().replace("_", " ")
    return next((role for role in _ROLES if role.casefold() in lowered), None)


def _actions(request: str) -> list[str] | None:
    lowered = request.casefold()
    found: dict[str, int] = {}
    for match in _ACTION.finditer(lowered):
        found.setdefault(f"{match.group(1)}_{match.group(2)}", match.start())
    for action in _ACTIONS:
        for form in (action, action.replace("_", " ")):
            place = lowered.find(form)
            if place >= 0:
                found.setdefault(action, place)
    for form, action in _SPOKEN.items():
        if form in lowered:
            found.setdefault(action, lowered.find(form))
    return sorted(found, key=lambda action: found[action]) or None


def _action(request: str) -> str | None:
    found = _actions(request)
    return found[0] if found else None


def _part(request: str) -> str | None:
    lowered = f" {request.casefold()} "
    return next((part for part in _PARTS if f" {part} " in lowered or f" {part}." in lowered), None)


def _tool(request: str) -> str | None:
    found = re2.search(r"\b([a-z]+(?:_[a-z]+)+|codex-reply|codex|echo)\b", request)
    return str(found.group(1)) if found else None


def _enabled(request: str) -> bool:
    lowered = f" {request.casefold()} "
    off = (" off", "disable", "deactivate", " end ", "leave", "exit", "allow writes", "resume", " aus ")
    return not any(word in lowered for word in off)


def _decision(request: str) -> str | None:
    """Yes only where it is said in plain words: what isn't clear is asked for, since somebody's consent hangs on it."""
    lowered = request.casefold()
    if any(word in lowered for word in _NO):
        return "deny"
    if _YES.search(lowered) and not any(word in lowered for word in _NOT):
        return "approve"
    return None


def _level(request: str) -> str | None:
    lowered = request.casefold()
    return next(
        (level for level in ("critical", "error", "warning", "high", "medium", "low") if level in lowered), None
    )


def _status(request: str) -> str | None:
    lowered = request.casefold()
    return next((status for word, status in _STATUSES.items() if word in lowered), None)


RULES: Final[dict[str, Callable[[str], Any]]] = {
    "text": wording.quoted_text,
    "texts": wording.listed_texts,
    "ranked": wording.ranked_by,
    "candidates": wording.candidates_of,
    "labels": wording.labels_of,
    "content": wording.details_of,
    "query": wording.query_of,
    "topic": wording.topic_of,
    "prompt": wording.topic_or_all,
    "request": wording.topic_or_all,
    "operation": wording.operation_of,
    "task_description": wording.topic_or_all,
    "symptom": wording.topic_or_all,
    "details": wording.details_of,
    "action": _action,
    "actions": _actions,
    "role_name": _role,
    "model_name": _model,
    "model": _model,
    "debate_id": _id,
    "run_id": _id,
    "audit_id": _record,
    "approval_id": _id,
    "threadId": _id,
    "trace_id": lambda request: _id(request) if "trace" in request.casefold() else None,
    "ids": _ids,
    "workflow_id": _workflow,
    "workflow_name": _after("workflow", "pipeline", "dag", "flow", "named", "called"),
    "collection": lambda request: re2.search(r"(?i)\bcollection\b", request) and _after("collection")(request),
    "plugin_name": _after("plugin", "module"),
    "function": _after("function"),
    "args": wording.json_array,
    "opinions": wording.json_array,
    "tasks": wording.json_array,
    "window_s": quantities.window_s,
    "since": quantities.since,
    "lines": quantities.count(quantities.LINES),
    "limit": quantities.count(quantities.LINES),
    "top_k": quantities.count(quantities.TOP),
    "rounds": quantities.count(quantities.ROUNDS),
    "min_duration_ms": quantities.ms,
    "service": _part,
    "tool": _tool,
    "command": wording.command_of,
    "reason": wording.reason_of,
    "enabled": _enabled,
    "decision": _decision,
    "severity": _level,
    "level": _level,
    "status": _status,
}
