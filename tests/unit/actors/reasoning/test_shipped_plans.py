"""The shipped plans against the tools that their steps call."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

import jsonschema_rs

from aura_ia_mcp.actors import builtin
from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.judgement import plans

from ..inside import fact


def test_the_steps_of_the_shipped_plans_fit_the_schemas_of_their_tools() -> None:
    names = [module.name for module in iter_modules(builtin.__path__)]
    made = [import_module(f"{builtin.__name__}.{name}") for name in names]
    known = {
        tool.definition.name: tool.definition.input_schema
        for module in made
        if hasattr(module, "tools")
        for tool in module.tools(Settings())
    }
    values = {"request": "why", "context": "a text", "service": "tools", "tool": "echo"}
    facts = [fact(name, input_schema=schema) for name, schema in known.items()]
    steps = [
        step
        for name in plans.shipped().by_name
        for step in plans.shipped().plan({"kind": "workflow", "name": name}, facts, frozenset({"status"}), values).steps
    ]
    assert len(steps) > 15
    for step in steps:
        jsonschema_rs.validate(known[step.tool], step.arguments)
