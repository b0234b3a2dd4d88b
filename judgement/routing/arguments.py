"""What a request says about a tool's arguments."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from .finders import RULES
from .labels import Label

JSON = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Extracted:
    """Args found in a request.

    Args:
        arguments: by name.
        missing: what the tool needs and the request doesn't say: (name, what to ask for).
    """

    arguments: JSON
    missing: tuple[tuple[str, str], ...]


def extract(request: str, label: Label) -> Extracted:
    """The arguments that the request gives for a tool, and what is missing; linear in the request.

    Args:
        request: at most 2,000 characters.
        label: where it is routed to.
    """
    given = _json(request)
    arguments: JSON = {}
    for name, rule in _NAMES.get(label.name, ()):
        if name in given:
            arguments[name] = given[name]
            continue
        found = RULES[rule](request)
        if found is not None:
            arguments[name] = found
    missing = tuple((name, what) for name, what in label.needs if name not in arguments)
    return Extracted(arguments, missing)


def _json(request: str) -> JSON:
    """The first JSON object in the request, or nothing."""
    start = request.find("{")
    if start < 0:
        return {}
    try:
        value, _ = json.JSONDecoder().raw_decode(request[start:])
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


# For each destination its arguments; `name=rule` where the rule has another name.
_NAMES: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    name: tuple((argument.partition("=")[0], argument.partition("=")[2] or argument) for argument in arguments.split())
    for name, arguments in {
        "echo": "text",
        "get_activity_stats": "window_s",
        "get_documentation": "topic",
        "get_policy": "tool",
        "analyze_emotion": "text top_k",
        "semantic_rank": "query=ranked candidates top_k",
        "embed_text": "texts",
        "classify_text": "text labels",
        "add_to_knowledge_base": "content collection",
        "semantic_search": "query collection top_k",
        "delete_documents": "ids collection",
        "ollama_consult": "prompt model",
        "ollama_model_info": "model_name",
        "ollama_pull_model": "model_name",
        "ask": "request",
        "start_debate": "topic rounds",
        "get_debate_status": "debate_id",
        "cancel_debate": "debate_id",
        "evaluate_risk": "operation",
        "explain_decision": "audit_id",
        "create_workflow": "workflow_name tasks",
        "execute_workflow": "workflow_id",
        "get_workflow_status": "run_id",
        "cancel_workflow": "run_id",
        "visualize_dag": "workflow_id",
        "request_approval": "operation reason",
        "get_approval": "approval_id",
        "list_approvals": "status",
        "decide_approval": "approval_id decision reason",
        "set_safe_mode": "enabled reason",
        "check_pii": "text",
        "check_prompt": "text",
        "execute_command": "command",
        "get_role_capabilities": "role_name",
        "suggest_role": "task_description",
        "check_permission": "role_name action",
        "arbitrate_roles": "opinions",
        "run_role_simulation": "role_name actions",
        "get_metrics": "service",
        "query_traces": "trace_id tool min_duration_ms",
        "get_alerts": "severity",
        "get_recent_logs": "lines service",
        "search_logs": "query level since",
        "diagnose_issue": "symptom",
        "diagnose": "symptom",
        "debug": "symptom",
        "analyze": "text",
        "get_security_audit": "limit",
        "verify_audit": "since",
        "audit_log": "action=details",
        "execute_wasm_plugin": "plugin_name function args",
        "codex": "prompt model",
        "codex-reply": "prompt threadId",
        "codex_session": "threadId",
        "codex_interrupt": "threadId",
        "codex_archive": "threadId",
        "general": "prompt model",
        "code": "prompt model",
        "reasoning": "prompt model",
    }.items()
}
