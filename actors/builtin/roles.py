"""Roles: what these tools promise; the Role engine runs them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from aura_ia_mcp.configs.settings import Settings

from .tool import Tool, array, define, integer, maybe, number, obj, table, text

CATEGORY = "roles"
MOST_TASK_CHARS = 8_000
MOST_NAME_CHARS = 128
MOST_STEPS = 500
_tool = partial(define, category=CATEGORY, audience="roles")
_VERSION = text("Version of the role table.")
_NAMES = array(text("A capability."))
_NAME = text("Name or title of a role; case and separators don't matter.", MOST_NAME_CHARS, minLength=1)
_ACTION = text("A capability, as in read:config or read_config.", MOST_NAME_CHARS, minLength=1)


def tools(settings: Settings) -> Sequence[Tool]:
    """The tools of this category."""
    del settings
    return (
        _LIST_ROLES,
        _GET_ROLE_CAPABILITIES,
        _SUGGEST_ROLE,
        _CHECK_PERMISSION,
        _ARBITRATE_ROLES,
        _RUN_ROLE_SIMULATION,
    )


# --- what the tools show ----------------------------------------------------------------------------------------------

_CALLER = {
    "name": text("Name."),
    "title": text("Title."),
    "description": text("What it is for."),
    "trust": integer("0 to 5; grants nothing.", minimum=0, maximum=5),
    "kinds": array(text("agent, human or service."), "Who may hold it."),
    "capabilities": _NAMES | {"description": "Its own."},
}
_LENT = {
    "capability": text("The capability."),
    "from": text("The role that lends it."),
    "until": text("When it ends, ISO 8601."),
    "reason": text("Why."),
}
_ROLE = _CALLER | {
    "parent": maybe(text("Where it stands in the tree; grants nothing.")),
    "categories": array(text("read, write, execute, approve, delete or admin.")),
    "delegated": array(obj(_LENT), "In force now."),
}
_SUGGESTION = {
    "role": text("Name."),
    "title": text("Title."),
    "score": number("0 to 1; all roles' sum to 1.", minimum=0, maximum=1),
    "covered": _NAMES | {"description": "Needed capabilities that it has."},
    "missing": _NAMES | {"description": "Needed capabilities that it lacks."},
    "power": integer("How many further capabilities it has; less is better.", minimum=0),
    "reasons": array(text("A reason.")),
}
_OPINION = {
    "role": _NAME,
    "decision": text("What it decided, as in allow or deny.", 64, minLength=1),
    "confidence": number("How sure it is.", minimum=0, maximum=1),
}
_TRACED = {"action": _ACTION, "at": number("Unix seconds; now unless given.")}
_STEP = {"action": text("The action."), "rule": text("The rule that decided."), "why": text("Why.")}

# --- the tools --------------------------------------------------------------------------------------------------------

_LIST_ROLES = _tool(
    "list_roles",
    "List roles",
    "All roles: the 14 engineering roles with their trust, parent, own and delegated capabilities, and the"
    " kinds of caller. A parent says where a role stands in the tree and grants nothing.",
    obj(),
    obj({"roles": array(obj(_ROLE)), "callers": array(obj(_CALLER)), "version": _VERSION}),
)
_GET_ROLE_CAPABILITIES = _tool(
    "get_role_capabilities",
    "What a role may do",
    "One role's own and delegated capabilities, and which tools' capabilities they grant a human and an agent.",
    obj({"role_name": _NAME}),
    obj(
        {
            "role": obj(_ROLE, required=tuple(_CALLER)),
            "tools": obj({"human": _NAMES, "agent": _NAMES}),
            "denied": _NAMES,
            "version": _VERSION,
        }
    ),
)
_SUGGEST_ROLE = _tool(
    "suggest_role",
    "Suggest a role",
    "Which role should do a task: the one that can do all of it with the least power. Ranks all 14 by what the"
    " task needs and by its meaning, with reasons; works best in English. Grants nothing.",
    obj(
        {
            "task_description": text("The task, in plain words.", MOST_TASK_CHARS, minLength=1)
            | {"x-aura-kind": "data"},
            "required_capabilities": array(
                _ACTION, "Capabilities that the role must have, besides those the text tells of.", maxItems=26
            ),
        },
        required=("task_description",),
    ),
    obj(
        {
            "ranked": array(obj(_SUGGESTION), "Best first."),
            "meaning": {
                "type": "boolean",
                "description": "Whether the model of meaning was asked; False: ranked by words alone.",
            },
        }
    ),
    embeds=("task_description",),
)
_CHECK_PERMISSION = _tool(
    "check_permission",
    "Check a permission",
    "Whether a role by itself may do something, by which rule and why. What isn't known isn't permitted, and"
    " the nearest known name is given.",
    obj({"role_name": _NAME, "action": _ACTION}),
    obj(
        {
            "permitted": {"type": "boolean", "description": "Whether it may."},
            "rule": text("The rule that decided."),
            "why": text("Why."),
            "nearest": maybe(text("The known name that an unknown one looks like.")),
        }
    ),
)
_ARBITRATE_ROLES = _tool(
    "arbitrate_roles",
    "Arbitrate between roles",
    "Weighs what several roles decided, by trust and confidence. A refusal by a role that may block or approve"
    " security is a veto; a tie or a small lead is escalated to a person.",
    obj(
        {
            "opinions": array(obj(_OPINION), "What each role decided.", minItems=1, maxItems=100),
            "threshold": number("Share that decides.", minimum=0, maximum=1, default=0.7),
        },
        required=("opinions",),
    ),
    obj(
        {
            "decision": text("The decision; at an escalation the leading one, or empty at a tie."),
            "tally": table({"type": "number"}, "Each decision's share of the weight."),
            "escalated": {"type": "boolean", "description": "Whether a person must decide."},
            "why": text("Why."),
        }
    ),
)
_RUN_ROLE_SIMULATION = _tool(
    "run_role_simulation",
    "Simulate a role",
    "What a role could and could not do of a list of actions, or of a trace of actions with times; nothing is"
    " run. Give either `actions` or `trace`.",
    obj(
        {
            "role_name": _NAME,
            "actions": array(_ACTION, maxItems=MOST_STEPS),
            "trace": array(obj(_TRACED, required=("action",)), "Actions with their times.", maxItems=MOST_STEPS),
        },
        required=("role_name",),
    ),
    obj(
        {
            "role": text("The role's name."),
            "permitted": array(obj(_STEP), "In order."),
            "denied": array(obj(_STEP), "In order."),
            "version": _VERSION,
        }
    ),
    one_of=("actions", "trace"),
)
