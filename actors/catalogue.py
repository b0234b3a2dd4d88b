"""The catalogue of Tools: what its sources offer now, compiled and ready to run."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.bus.tokens import digest
from aura_ia_mcp.configs.settings import Settings, VirtualServer

from .arguments import ArgumentCheck, SchemaError
from .sources import Offer, ToolDefinition, ToolSource

log = logging.getLogger(__name__)

KINDS = ("tools", "resources", "resource_templates", "prompts")


@dataclass
class Runnable:
    """A tool that can be called.

    Args:
        definition: what its source says of it.
        source: who runs it, or defined it.
        check: its compiled input schema.
        running: calls of it under way.
    """

    definition: ToolDefinition
    source: ToolSource
    check: ArgumentCheck
    running: int = 0


@dataclass(frozen=True)
class Absent:
    """Something that should be in the catalogue and isn't.

    Args:
        source: whose it is.
        reason: why, and the remedy.
    """

    source: str
    reason: str

    def as_dict(self) -> JSON:
        """Plain data."""
        return {"source": self.source, "reason": self.reason}


class Servers:
    """Which tools each virtual server shows.

    Args:
        servers: from the settings.
    """

    def __init__(self, servers: Sequence[VirtualServer]) -> None:
        self._tools = {server.name: frozenset(server.tools) for server in servers}

    @classmethod
    def of(cls, settings: Settings) -> Servers:
        """Those of the settings."""
        return cls(settings.gateway.servers)

    def shows(self, server: str, tool: str) -> bool:
        """Whether a server shows a tool; one that isn't known, and has no filter therefore, shows none."""
        only = self._tools.get(server)
        return only is not None and (not only or tool in only)

    def whole(self, server: str) -> bool:
        """Whether a server shows everything, resources and prompts included."""
        return self._tools.get(server) == frozenset()


@dataclass
class Catalogue:
    """What all sources offer, in their order; read anew from them by `refresh`.

    A tool whose name an earlier source has, or whose schema is no schema, is left out and reported as absent; so is a
    source that can't be read. One bad source takes nothing from the others.

    Args:
        sources: in their order.
        failed: by source name, why it could not be started.
    """

    sources: Sequence[ToolSource]
    failed: dict[str, str] = field(default_factory=dict)
    tools: dict[str, Runnable] = field(default_factory=dict)
    offers: dict[str, list[tuple[ToolSource, Offer]]] = field(default_factory=dict)
    absent: list[Absent] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)

    def refresh(self) -> list[str]:
        """Read all sources again; which kinds (`KINDS`) have changed since."""
        self.absent = []
        tools: dict[str, Runnable] = {}
        offers: dict[str, list[tuple[ToolSource, Offer]]] = {kind: [] for kind in KINDS[1:]}
        for source in self.sources:
            reason = self.failed.get(source.name) or source.absent()
            if reason is not None:
                self.absent.append(Absent(source.name, reason))
                continue
            try:
                self._read(source, tools, offers)
            except Exception as error:
                log.exception("the source %s could not be read", source.name)
                self.absent.append(
                    Absent(source.name, f"it could not be read: {error}; the log of Tools has the trace")
                )
        self.tools = dict(sorted(tools.items()))
        self.offers = offers
        before, self.versions = self.versions, {kind: self._version(kind) for kind in KINDS}
        return [kind for kind in KINDS if before.get(kind) != self.versions[kind]]

    def _read(
        self, source: ToolSource, tools: dict[str, Runnable], offers: dict[str, list[tuple[ToolSource, Offer]]]
    ) -> None:
        definitions = list(source.tools())
        found = (source.resources(), source.resource_templates(), source.prompts())
        for definition in definitions:
            runnable = self._compile(source, definition, tools)
            if runnable is not None:
                tools[definition.name] = runnable
        for kind, of_source in zip(KINDS[1:], found, strict=True):
            offers[kind] += [(source, offer) for offer in of_source]

    def entries(self, kind: str) -> list[JSON]:
        """MCP entries of one kind; what they need is in `_meta` under `aura/capability`."""
        if kind == "tools":
            return [runnable.definition.entry for runnable in self.tools.values()]
        return [
            offer.entry | {"_meta": offer.entry.get("_meta", {}) | {"aura/capability": offer.capability}}
            for _, offer in self.offers.get(kind, ())
        ]

    def prompt_source(self, name: str) -> ToolSource | None:
        """Who has a prompt of this name."""
        return next((source for source, offer in self.offers["prompts"] if offer.entry["name"] == name), None)

    def _compile(
        self, source: ToolSource, definition: ToolDefinition, known: Mapping[str, Runnable]
    ) -> Runnable | None:
        before = self.tools.get(definition.name)
        if definition.name in known:
            other = known[definition.name].source.name
            self.absent.append(Absent(source.name, f"tool {definition.name}: {other} has one of this name already"))
            return None
        if before is not None and before.source is source and before.definition.fingerprint == definition.fingerprint:
            before.definition = definition
            return before  # keeps its count of running calls, and its compiled schema
        try:
            check = ArgumentCheck(definition.input_schema, definition.one_of)
            return Runnable(definition, source, check)
        except SchemaError as error:
            log.warning("tool %s of %s is left out: %s", definition.name, source.name, error)
            self.absent.append(Absent(source.name, f"tool {definition.name}: its input schema isn't one: {error}"))
            return None

    def _version(self, kind: str) -> str:
        if kind == "tools":
            what = [[r.definition.name, r.definition.fingerprint] for r in self.tools.values()]
            return digest([what, [absent.as_dict() for absent in self.absent]])[:16]
        return digest(self.entries(kind))[:16]
