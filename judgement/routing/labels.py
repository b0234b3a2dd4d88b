"""What a request can be routed to: each label with what it needs and whether it takes something away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

RouteKind = Literal["tool", "workflow", "model", "none"]


@dataclass(frozen=True, slots=True)
class Label:
    """A destination.

    Args:
        kind: tool, workflow, model or none.
        name: of the tool, workflow or kind of model; "" for none.
        needs: arguments without which it can't run, with what to ask for.
        says: what it does, to end the sentence "Do you mean to ...".
    """

    kind: RouteKind
    name: str
    needs: tuple[tuple[str, str], ...] = ()
    says: str = ""


# name: what it does; argument = what to ask for; ...
_TOOLS: Final = """
check_health: check whether every part is healthy
echo: get a text back; text = the text
get_system_status: see version, uptime and the state of the parts
get_model_status: see which models are loaded
get_activity_stats: see how much the system is used
get_cluster_status: see nodes and resources of the cluster
get_documentation: read the documentation
list_entities: list what is registered
list_available_tools: list the tools that you may call
get_config: see the settings
get_policy: see the policy's rules
analyze_emotion: find the emotions of a text; text = the text
semantic_rank: rank candidates by meaning; query = the query; candidates = the candidates
embed_text: turn texts into vectors; texts = the texts
classify_text: put a text under one of several labels; text = the text; labels = the labels
add_to_knowledge_base: store something in the knowledge base; content = what to store
semantic_search: search the knowledge base; query = what to look for
list_collections: list the collections
delete_documents: delete documents; ids = the documents' ids
ollama_consult: ask a language model; prompt = the prompt
ollama_list_models: list the models of Ollama
ollama_model_info: see details of a model; model_name = the model's name
ollama_health: check whether Ollama answers
ollama_pull_model: download a model; model_name = the model's name
ask: plan how a request would be answered; request = the request
start_debate: start a debate; topic = the topic
get_debate_status: see how a debate goes; debate_id = the debate's id
cancel_debate: cancel a debate; debate_id = the debate's id
evaluate_risk: evaluate how risky something is; operation = the operation
explain_decision: explain a decision of the system; audit_id = the audit id
create_workflow: create a workflow; workflow_name = the workflow's name; tasks = the tasks
execute_workflow: run a workflow; workflow_id = the workflow's id
get_workflow_status: see how a workflow's run goes; run_id = the run's id
cancel_workflow: cancel a workflow's run; run_id = the run's id
list_workflows: list the workflows
visualize_dag: draw a workflow; workflow_id = the workflow's or run's id
request_approval: ask for an approval; operation = the operation; reason = the reason
get_approval: see what became of an approval; approval_id = the approval's id
list_approvals: list the approvals
decide_approval: decide an approval; approval_id = the approval's id; decision = the decision; reason = the reason
set_safe_mode: switch safe mode; enabled = on or off; reason = the reason
check_pii: look for personal data in a text; text = the text
check_prompt: inspect a text for hazards; text = the text
execute_command: run a command; command = the command
list_roles: list the roles
get_role_capabilities: see what a role may do; role_name = the role
suggest_role: find the right role for a task; task_description = the task
check_permission: check whether a role may do something; role_name = the role; action = the action
arbitrate_roles: decide between the opinions of roles; opinions = the opinions
run_role_simulation: simulate a role; role_name = the role; actions = the actions
get_metrics: see the metrics
query_traces: look at traces
get_alerts: see the alerts
get_dashboard_url: get the dashboard's address
get_recent_logs: see the newest log lines
search_logs: search the logs; query = what to look for
diagnose_issue: diagnose a problem
audit_log: write an audit record; action = what was done
get_security_audit: read the audit records
verify_audit: verify the audit's chain
list_wasm_plugins: list the plugins
execute_wasm_plugin: run a plugin; plugin_name = the plugin; function = the function
codex: let Codex work on code; prompt = the task
codex-reply: answer a Codex session; prompt = the answer; threadId = the thread's id
codex_sessions: list the Codex sessions
codex_session: see a Codex session; threadId = the thread's id
codex_interrupt: interrupt a Codex session; threadId = the thread's id
codex_archive: archive a Codex session; threadId = the thread's id
"""
_OTHERS: Final = (
    Label("workflow", "diagnose", says="find out what is wrong"),
    Label("workflow", "system_check", says="check the whole system"),
    Label("workflow", "security_audit", says="review how safe the system is"),
    Label("workflow", "debug", says="track down an error"),
    Label("workflow", "analyze", says="analyze material in several steps"),
    Label("model", "general", says="have a language model write or explain something"),
    Label("model", "code", says="have a language model write or explain code"),
    Label("model", "reasoning", says="have a language model think something through"),
    Label("none", "foreign"),
    Label("none", "unclear"),
)


def _read(line: str) -> Label:
    name, _, rest = line.partition(": ")
    says, *needs = rest.split("; ")
    pairs = [need.split(" = ") for need in needs]
    return Label("tool", name, tuple((pair[0], pair[1]) for pair in pairs), says)


LABELS: Final[dict[str, Label]] = {
    f"{label.kind}:{label.name}": label for label in (*(_read(line) for line in _TOOLS.strip().splitlines()), *_OTHERS)
}

# What any of these would do is what all of them would do: they stand together against the rest.
SAME: Final[tuple[frozenset[str], ...]] = (
    frozenset({"workflow:diagnose", "tool:diagnose_issue"}),
    frozenset({"model:general", "model:code", "model:reasoning", "tool:ollama_consult"}),
    frozenset({"none:foreign", "none:unclear"}),
)
