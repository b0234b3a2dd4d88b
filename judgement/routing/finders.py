"""How one argument is found in a request's words: a rule by the argument's name, linear in the request."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import re2


def _listed(text: str) -> list[str]:
    return text.split(";")


_QUOTES = re2.compile(r"\"([^\"]+)\"|`([^`]+)`|\x{201c}([^\x{201d}]+)\x{201d}|(?:^|[\s:,(])'([^']+)'")
_ID = re2.compile(
    r"(?i)\b([a-z]{1,9}[-_][0-9a-z_-]*[0-9][0-9a-z_-]*|[0-9a-f-]*[0-9][0-9a-f-]*[a-f][0-9a-f-]*"
    r"|[a-z][0-9][0-9a-z]*|[0-9]+[a-z][0-9a-z]*)\b"
)
_NUMBER = re2.compile(r"\b([0-9]{1,6})\b")
_WINDOW = re2.compile(
    r"(?i)\b(?:(?:last|past|previous|over the|within)\s+)?"
    r"(?:([0-9]{1,5}|an?|one|two|three|five|six|ten|twelve|few|half an)\s+)?"
    r"(s|sec|seconds?|min|minutes?|h|hours?|days?|weeks?|months?)\b"
)
_LINES = re2.compile(
    r"(?i)\b([0-9]{1,5})\s+(?:\w+\s+){0,2}(?:lines?|log|entries|messages|zeilen|lignes)\b|-n\s*([0-9]{1,5})"
)
_TOP = re2.compile(
    r"(?i)\b(?:top|best|first)\s+([0-9]{1,3})\b|\b([0-9]{1,3})\s+(?:hits|results|passages|documents|emotions)\b"
)
_ROUNDS = re2.compile(r"(?i)\b([0-9]{1,2})[\s-]+rounds?\b")
_MODEL = re2.compile(
    r"(?i)\b((?:llama|codellama|mistral|mixtral|gemma|qwen|phi|deepseek|nomic|starcoder|tinyllama|gpt-oss|llava|smollm"
    r"|granite|command-r|vicuna|falcon|orca|yi|dolphin|solar|zephyr|wizard)[a-z0-9._-]*(?::[a-z0-9._-]+)?"
    r"|[a-z][a-z0-9._-]*:[a-z0-9._-]*[0-9]b[a-z0-9._-]*)\b"
)
_TAIL = re2.compile(r"(?s):\s+(\S.*)$")
_ABOUT = re2.compile(
    r"(?i)\b(?:about|regarding|concerning|on whether|on the question of|on the question whether|on|whether|over|for|"
    r"fur|nach|uber|nach|sobre|sur|su|info(?:rmation)? on|know of|mentions?|for the word|containing)\s+(.+)$"
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
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "mo": 2592000}
_WORDS: Final = {"one": 1, "two": 2, "three": 3, "five": 5, "six": 6, "ten": 10, "twelve": 12, "few": 3, "half an": 0.5}
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


def _array(request: str) -> list[Any] | None:
    start = request.find("[")
    if start < 0:
        return None
    try:
        value, _ = json.JSONDecoder().raw_decode(request[start:])
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, list) and value else None


def _quoted(request: str) -> list[str]:
    return [next(part for part in match.groups() if part) for match in _QUOTES.finditer(request)]


def _text(request: str) -> str | None:
    """What is quoted, else what follows a colon."""
    quoted = _quoted(request)
    if quoted:
        return quoted[0]
    tail = _TAIL.search(request)
    return tail.group(1).strip() if tail else None


def _topic(request: str) -> str | None:
    text = _text(request)
    if text:
        return text
    about = _ABOUT.search(request)
    return about.group(1).strip(" .?!") if about else None


def _whole(request: str) -> str:
    return _topic(request) or request.strip()


def _list(request: str) -> list[str] | None:
    """An array, several quotations, or what follows a colon, split at commas."""
    array = _array(request)
    if array is not None and all(isinstance(item, str) for item in array):
        return array
    quoted = _quoted(request)
    if len(quoted) > 1:
        return quoted
    tail = _TAIL.search(request)
    if tail and "," in tail.group(1):
        return [part.strip(" \"'") for part in tail.group(1).split(",") if part.strip(" \"'")]
    return quoted or ([tail.group(1).strip()] if tail else None)


def _candidates(request: str) -> list[str] | None:
    tail = _TAIL.search(request)
    found = _list(tail.group(1)) if tail and _quoted(tail.group(1)) else None
    if found is None and tail and "," in tail.group(1):
        found = [part.strip(" \"'") for part in tail.group(1).split(",")]
    return found or _array(request)


def _id(request: str) -> str | None:
    found = _ID.search(request)
    if found:
        return str(found.group(1))
    number = _NUMBER.search(request)
    return str(number.group(1)) if number else None


def _ids(request: str) -> list[str] | None:
    found = [match.group(1) for match in _ID.finditer(request)] or [
        match.group(1) for match in _NUMBER.finditer(request)
    ]
    return found or None


def _after(*words: str) -> Callable[[str], str | None]:
    """The name after (or before) one of these words."""
    pattern = re2.compile(rf"(?i)\b(?:{'|'.join(words)})\s+(?:called\s+|named\s+|kind\s+)?([\pL\pN_.-]+)")

    def find(request: str) -> str | None:
        quoted = _quoted(request)
        found = pattern.search(request)
        if found and found.group(1).casefold() not in _NOT_NAMES:
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


def _window(request: str) -> int | None:
    lowered = request.casefold()
    if "today" in lowered:
        return 86400
    if "week" in lowered and "last" not in lowered:
        return 604800
    for match in _WINDOW.finditer(request):
        amount, unit = match.group(1), match.group(2).casefold()
        if amount is None and match.group(0).casefold() == unit:
            continue
        size = _SECONDS["mo" if unit.startswith("mo") else unit[0]]
        many = float(amount) if amount and amount.isdigit() else _WORDS.get((amount or "").casefold(), 1)
        return int(many * size)
    return None


def _since(request: str) -> str | None:
    window = _window(request)
    if window is not None:
        return f"{window}s"
    lowered = request.casefold()
    return next((word for word in ("yesterday", "today", "midnight", "noon") if word in lowered), None)


def _count(pattern: Any) -> Callable[[str], int | None]:
    def find(request: str) -> int | None:
        found = pattern.search(request)
        return int(next(part for part in found.groups() if part)) if found else None

    return find


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


def _command(request: str) -> str | None:
    quoted = _quoted(request)
    if quoted:
        return quoted[0]
    found = re2.search(
        r"(?i)(?:run|execute|exec|shell|start|issue|do)(?: an?| the)?(?: shell)?(?: command)?:?\s+(.+)$", request
    )
    return str(found.group(1)).strip(" .") if found else None


def _reason(request: str) -> str | None:
    found = re2.search(r"(?i)(?:because(?: of)?|reason:?|since)\s+(.+)$", request)
    return str(found.group(1)).strip(" .") if found else None


def _enabled(request: str) -> bool:
    lowered = f" {request.casefold()} "
    off = (" off", "disable", "deactivate", " end ", "leave", "exit", "allow writes", "resume", " aus ")
    return not any(word in lowered for word in off)


def _decision(request: str) -> str | None:
    lowered = request.casefold()
    if any(
        word in lowered for word in ("reject", "deny", "decline", "turn down", "refuse", "veto", "disapprove", "ablehn")
    ):
        return "reject"
    return "approve"


def _level(request: str) -> str | None:
    lowered = request.casefold()
    return next(
        (level for level in ("critical", "error", "warning", "high", "medium", "low") if level in lowered), None
    )


def _status(request: str) -> str | None:
    lowered = request.casefold()
    return next((word for word in ("pending", "approved", "rejected", "expired") if word in lowered), None)


def _details(request: str) -> str:
    found = re2.search(r"(?i)(?:that|:)\s+(.+)$", request)
    return str(found.group(1)).strip(" .") if found else request.strip()


def _query(request: str) -> str | None:
    if _quoted(request):
        return _quoted(request)[0]
    found = re2.search(
        r"(?i)\b(?:for|about|on|regarding|mention|mentions|containing|matching|to|nach|sobre|sur"
        r"|su)\s+(.+?)(?:\s+in\s+(?:the\s+)?"
        r"(?:collection|logs?|knowledge base|kb|notes|docs)\b.*)?[.?!]?$",
        request,
    )
    if found:
        return str(found.group(1))
    tail = _TAIL.search(request)
    return str(tail.group(1)).strip() if tail else request.strip(" ?.!")


def _ms(request: str) -> int | None:
    found = re2.search(r"(?i)\b([0-9]{1,6})\s*(ms|milliseconds|s|seconds?)\b", request)
    if not found:
        return None
    return int(found.group(1)) * (1 if found.group(2).casefold().startswith("m") else 1000)


RULES: Final[dict[str, Callable[[str], Any]]] = {
    "text": _text,
    "texts": _list,
    "candidates": _candidates,
    "labels": _candidates,
    "content": _details,
    "query": _query,
    "topic": _topic,
    "prompt": _whole,
    "request": _whole,
    "operation": _whole,
    "task_description": _whole,
    "symptom": _whole,
    "details": _details,
    "action": _action,
    "actions": _actions,
    "role_name": _role,
    "model_name": _model,
    "model": _model,
    "debate_id": _id,
    "run_id": _id,
    "audit_id": _id,
    "approval_id": _id,
    "threadId": _id,
    "trace_id": lambda request: _id(request) if "trace" in request.casefold() else None,
    "ids": _ids,
    "workflow_id": _workflow,
    "workflow_name": _after("workflow", "pipeline", "dag", "flow", "named", "called"),
    "collection": lambda request: re2.search(r"(?i)\bcollection\b", request) and _after("collection")(request),
    "plugin_name": _after("plugin", "module"),
    "function": _after("function"),
    "args": _array,
    "opinions": _array,
    "tasks": _array,
    "window_s": _window,
    "since": _since,
    "lines": _count(_LINES),
    "limit": _count(_LINES),
    "top_k": _count(_TOP),
    "rounds": _count(_ROUNDS),
    "min_duration_ms": _ms,
    "service": _part,
    "tool": _tool,
    "command": _command,
    "reason": _reason,
    "enabled": _enabled,
    "decision": _decision,
    "severity": _level,
    "level": _level,
    "status": _status,
}
