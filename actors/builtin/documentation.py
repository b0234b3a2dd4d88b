"""Documentation and configuration."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.configs.load import leaves, masked
from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.judgement.plans import shipped
from aura_ia_mcp.judgement.policy import OPERATE

from ..sources import ToolCall
from .library import pages
from .models import ask_models
from .tool import Reach, Tool, array, define, integer, obj, table, text

CATEGORY = "documentation"
KINDS = ("tools", "roles", "models", "collections", "workflows", "upstreams")
_NOT_YET = {
    "collections": "this version has no knowledge base",
    "upstreams": "this version joins no upstream MCP servers",
}
# What concerns a caller who may not operate: the limits it meets.
_FOR_ALL = (
    "safety.rate_limit",
    "safety.idempotency_s",
    "gateway.anonymous",
    "gateway.max_body_bytes",
    "gateway.max_nesting",
    "gateway.max_sessions_per_principal",
    "gateway.session_idle_s",
    "gateway.call_timeout_s",
    "tools.timeout_s",
    "tools.concurrency",
    "ml.max_texts",
)
_tool = partial(define, category=CATEGORY)


def tools(settings: Settings) -> Sequence[Tool]:
    """The tools of this category."""
    sections = [name for name, _ in settings]
    return (
        _tool(
            get_documentation,
            "Documentation",
            "The topics of the shipped documentation, or the text of one.",
            obj({"topic": text("Which one; without it the topics are listed.", 64)}, required=()),
            _TOPICS,
        ),
        _tool(
            list_entities,
            "List entities",
            "What the system has of each kind. A kind that this version doesn't have is listed as absent, with why.",
            obj({"kind": text("Only this kind.", enum=list(KINDS))}, required=()),
            _ENTITIES,
        ),
        _tool(
            list_available_tools,
            "List available tools",
            "The tools that you may call, with the permission each needs and its risk, by category.",
            obj({"category": text("Only this category.", 64)}, required=()),
            _AVAILABLE,
        ),
        _tool(
            get_config,
            "Configuration",
            "The settings in force and where each comes from; secrets are masked. Callers who may not operate see the"
            " limits that concern them.",
            obj({"section": text("Only this section.", enum=sections)}, required=()),
            _CONFIG,
        ),
    )


async def get_documentation(arguments: JSON, call: ToolCall, reach: Reach) -> JSON:
    """The topics, or one."""
    del call, reach
    known = pages()
    topics = [{"topic": page.topic, "title": page.title, "uri": page.uri} for page in known.values()]
    topic = arguments.get("topic")
    if topic is None:
        return {"topics": topics}
    if topic not in known:
        raise AuraError("invalid_arguments", f"arguments.topic: there is no such topic; there are {_or(known)}")
    return {"topics": topics, "topic": topic, "text": known[topic].text}


async def list_entities(arguments: JSON, call: ToolCall, reach: Reach) -> JSON:
    """What there is, and what isn't."""
    wanted = [arguments["kind"]] if "kind" in arguments else list(KINDS)
    entities: list[JSON] = []
    absent: list[JSON] = [{"kind": kind, "reason": _NOT_YET[kind]} for kind in wanted if kind in _NOT_YET]
    if "tools" in wanted:
        entities += [_entity("tools", tool.name, tool.title) for tool in await reach.visible(call)]
        absent += [{"kind": f"tools of {a.source}", "reason": a.reason} for a in reach.catalogue.absent]
    if "roles" in wanted:
        roles = (await reach.rules.rules(call.header)).roles
        entities += [_entity("roles", name, role.title) for name, role in roles.by_name.items()]
    if "workflows" in wanted:
        entities += [_entity("workflows", name, plan.title) for name, plan in shipped().by_name.items()]
    if "models" in wanted:
        asked = (await ask_models(call, reach)).values()
        cards = {card["name"]: card for reply in asked if isinstance(reply, dict) for card in reply["models"]}
        entities += [_entity("models", name, f"{card['kind']} model") for name, card in cards.items()]
        if all(isinstance(reply, AuraError) for reply in asked):
            absent.append({"kind": "models", "reason": f"the ML worker doesn't answer: {next(iter(asked))}"})
    return {"entities": entities, "absent": absent}


async def list_available_tools(arguments: JSON, call: ToolCall, reach: Reach) -> JSON:
    """What the caller may call through the server that it came by."""
    wanted = arguments.get("category")
    visible = await reach.visible(call)
    counts: dict[str, int] = {}
    for tool in visible:
        counts[tool.category] = counts.get(tool.category, 0) + 1
    if wanted is not None and wanted not in counts:
        raise AuraError("invalid_arguments", f"arguments.category: there is no such category; there are {_or(counts)}")
    return {
        "categories": [{"name": name, "tools": count} for name, count in sorted(counts.items())],
        "tools": [
            {
                "name": tool.name,
                "title": tool.title,
                "category": tool.category,
                "permission": tool.capability,
                "risk": tool.risk,
                "exposed": tool.exposed,
            }
            for tool in visible
            if wanted in (None, tool.category)
        ],
    }


async def get_config(arguments: JSON, call: ToolCall, reach: Reach) -> JSON:
    """The settings, as far as they concern the caller."""
    section = arguments.get("section")
    operator = OPERATE in await reach.held(call)
    defaults = dict(leaves(Settings()))
    origins = reach.boot.origins
    found = {}
    for key, value in leaves(reach.boot.settings):
        if (operator or key in _FOR_ALL) and section in (None, key.partition(".")[0]):
            guess = "default" if value == defaults[key] else "set"
            found[key] = {"value": masked(value), "source": origins.get(key, guess) if operator else guess}
    return {"settings": found, "complete": operator and section is None}


def _entity(kind: str, name: str, title: str) -> JSON:
    return {"kind": kind, "name": name, "title": title}


def _or(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"


_TOPICS = obj(
    {
        "topics": array(obj({"topic": text("Its name."), "title": text("Its heading."), "uri": text("")})),
        "topic": text("Which one `text` is of."),
        "text": text("Markdown."),
    },
    required=("topics",),
)
_ENTITIES = obj(
    {
        "entities": array(
            obj({"kind": text("One of the kinds."), "name": text("Its name."), "title": text("For people.")})
        ),
        "absent": array(obj({"kind": text("Kind or source."), "reason": text("Why it isn't there.")})),
    }
)
_AVAILABLE = obj(
    {
        "categories": array(obj({"name": text("Its name."), "tools": integer("How many you may call.")})),
        "tools": array(
            obj(
                {
                    "name": text("Its name."),
                    "title": text("For people."),
                    "category": text("Its category."),
                    "permission": text("The capability that it needs."),
                    "risk": text("low, medium, high or critical."),
                    "exposed": {"type": "boolean", "description": "Whether others than operators see it."},
                }
            )
        ),
    }
)
_CONFIG = obj(
    {
        "settings": table(
            obj({"value": {"description": "JSON."}, "source": text("default, set, or a file or variable.")})
        ),
        "complete": {"type": "boolean", "description": "Whether these are all settings there are."},
    }
)
