"""A tool as its source describes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.bus.tokens import digest
from aura_ia_mcp.judgement.policy import Facts

from .layers import layer_of

HERE = "tools"


@dataclass(frozen=True)
class ToolDefinition:
    """A tool as its source describes it.

    Args:
        name: `[a-z0-9_-]`, unique over all sources.
        title: for people.
        description: for models: what it does, on what, and what it doesn't do.
        input_schema: JSON Schema 2020-12 of an object.
        one_of: arguments of which exactly one must be given; say so in `description` too. It isn't in the schema, for
            what models are offered must not have `oneOf` and the like at its top: providers refuse every tool then.
        output_schema: of `structuredContent`; None when the tool gives none.
        capability: which a caller's roles must grant.
        audience: the role that runs it; `tools` means its source does.
        category: for the lists that people read.
        risk: low, medium, high or critical.
        exposed: False hides it from everybody without the capability `operate`.
        read_only: changes nothing; with `destructive`, `idempotent` and `open_world` these are MCP's hints, and true.
        destructive: may destroy what was there.
        idempotent: a repeat changes nothing more; then Tools and the bus may repeat it after a broken connection.
        open_world: touches what lies outside the system.
        timeout_s: longest run; None takes the setting.
        concurrency: runs at once; None takes the setting.
        meta: further `_meta` members of the catalogue entry.
        calms: makes the system safer or ends something: runs in safe mode, too, though it writes.
        calms_with: arguments with which it does, for a tool of which not every call does.
        reenters: causes further calls, through the ingress; its calls get a grant for that and hold no slot meanwhile.
        embeds: text arguments whose meaning the actor that runs it may ask the ML worker for.
        reads: text arguments that the actor that runs it may have the ML worker read for injections; without `embeds`.
    """

    name: str
    title: str
    description: str
    input_schema: JSON
    output_schema: JSON | None = None
    capability: str = "status"
    audience: str = HERE
    category: str = "other"
    risk: str = "low"
    exposed: bool = True
    read_only: bool = True
    destructive: bool = False
    idempotent: bool = True
    open_world: bool = False
    timeout_s: float | None = None
    concurrency: int | None = None
    meta: JSON = field(default_factory=dict)
    one_of: tuple[str, ...] = ()
    calms: bool = False
    calms_with: JSON = field(default_factory=dict)
    reenters: bool = False
    embeds: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()

    @property
    def annotations(self) -> JSON:
        """MCP's ToolAnnotations."""
        return {
            "readOnlyHint": self.read_only,
            "destructiveHint": self.destructive,
            "idempotentHint": self.idempotent,
            "openWorldHint": self.open_world,
        }

    @cached_property
    def facts(self) -> Facts:
        """What the policy decides by."""
        return Facts(
            name=self.name,
            capability=self.capability,
            exposed=self.exposed,
            category=self.category,
            risk_hint=self.risk,
            read_only=self.read_only,
            destructive=self.destructive,
            open_world=self.open_world,
            calms=self.calms,
        )

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the contract that a model relies on: name, texts, schemas, annotations and who may call it."""
        return digest(
            [
                self.name,
                self.title,
                self.description,
                self.input_schema,
                self.output_schema,
                self.annotations,
                self.capability,
                self.exposed,
                self.audience,
                self.one_of,
                *(["calms"] if self.calms else []),
                *([self.calms_with] if self.calms_with else []),
            ]
        )

    @cached_property
    def entry(self) -> JSON:
        """MCP's Tool as JSON, with the governing facts in `_meta` under `aura/`."""
        entry: JSON = {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "inputSchema": self.input_schema,
        }
        if self.output_schema is not None:
            entry["outputSchema"] = self.output_schema
        entry["annotations"] = self.annotations
        entry["_meta"] = self.meta | {
            "aura/capability": self.capability,
            "aura/exposed": self.exposed,
            "aura/layer": layer_of(self.audience),
            "aura/audience": self.audience,
            "aura/category": self.category,
            "aura/risk": self.risk,
            "aura/fingerprint": self.fingerprint,
        }
        for name in ("one_of", "calms", "calms_with", "reenters", "embeds", "reads"):
            if value := getattr(self, name):
                entry["_meta"][f"aura/{name}"] = list(value) if isinstance(value, tuple) else value
        return entry
