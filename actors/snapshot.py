"""What Safety knows of the catalogue: a copy that it reads on each call, kept current by events."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any

from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.bus.tokens import digest
from aura_ia_mcp.judgement.inspection import Plan, plan
from aura_ia_mcp.judgement.policy import Facts

from .arguments import ArgumentCheck, ResultCheck
from .catalogue import Servers

_MOST_REMEMBERED = 1000
_VARIABLE = re.compile(r"\{[^{}]*\}")


@dataclass(frozen=True, slots=True)
class Subject:
    """What a decision is about: one tool, resource, template or prompt.

    Args:
        facts: what the policy decides by.
        audience: who runs it.
        contract: fingerprint of its contract, or "".
        idempotent: whether a repeat changes nothing more.
        reenters: whether it may cause further calls, and so gets a grant.
        embeds: arguments whose meaning its actor may ask the ML worker for.
        reads: arguments that its actor may have the ML worker read for injections.
        reading: which kind of text each of its arguments is.
        calms_with: arguments with which a call of it calms, though not every call does; empty where none are told.
        input: gives the check of its arguments, compiled when it is first asked for; None of what is no tool.
        output: checks its structured result; None where it promises none.
    """

    facts: Facts
    audience: str = "tools"
    contract: str = ""
    idempotent: bool = True
    reenters: bool = False
    embeds: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    calms_with: Mapping[str, Any] = field(default_factory=dict, hash=False)
    reading: Plan = field(default_factory=Plan, hash=False)
    input: Callable[[], ArgumentCheck] | None = field(default=None, hash=False)
    output: ResultCheck | None = field(default=None, hash=False)

    def check(self, arguments: JSON) -> None:
        """Pass arguments that it could be called with, as Tools will when it runs.

        Raises:
            AuraError: `invalid_arguments`.
        """
        if self.input is not None:
            self.input().check(self.facts.name, arguments)

    @property
    def read_only(self) -> bool:
        """Whether it changes nothing at all."""
        return self.facts.read_only

    def facts_of(self, arguments: JSON) -> Facts:
        """What the policy decides about a call with these arguments by."""
        if self.calms_with and self.calms_with.items() <= arguments.items():
            return replace(self.facts, calms=True)
        return self.facts


@dataclass(frozen=True, slots=True)
class Caller:
    """Who looks at the catalogue.

    Args:
        key: everything that `may` depends on besides the facts.
        may: whether the caller could possibly use what has these facts.
    """

    key: Hashable
    may: Callable[[Facts], bool]


@dataclass(frozen=True, slots=True)
class Listing:
    """The entries of one kind, as Tools gave them."""

    entries: Sequence[JSON] = ()
    version: str = ""
    absent: Sequence[JSON] = ()


@dataclass(frozen=True)
class Snapshot:
    """A consistent copy of the catalogue.

    Args:
        listings: by kind.
        servers: which tools each virtual server shows.
    """

    listings: Mapping[str, Listing]
    servers: Servers
    version: str = ""
    _tools: dict[str, Subject] = field(default_factory=dict)
    _prompts: dict[str, Subject] = field(default_factory=dict)
    _resources: dict[str, Subject] = field(default_factory=dict)
    _templates: list[tuple[re.Pattern[str], Subject]] = field(default_factory=list)
    _visible: dict[Hashable, JSON] = field(default_factory=dict)

    @classmethod
    def of(cls, listings: Mapping[str, Listing], servers: Servers) -> Snapshot:
        """Read the entries once, for quick decisions."""
        version = digest([listings[kind].version for kind in sorted(listings)])[:16]
        made = cls(listings, servers, version)
        for kind, key in (("tools", "name"), ("prompts", "name"), ("resources", "uri")):
            table = getattr(made, f"_{kind}")
            for entry in listings[kind].entries:
                table[entry[key]] = _subject(entry[key], entry)
        for entry in listings["resource_templates"].entries:
            template = entry["uriTemplate"]
            made._templates.append((_matcher(template), _subject(template, entry)))
        return made

    def tool(self, name: str, server: str) -> Subject | None:
        """A tool that this virtual server shows."""
        found = self._tools.get(name)
        return found if found is not None and self.servers.shows(server, name) else None

    def prompt(self, name: str, server: str) -> Subject | None:
        """A prompt; only servers that show everything have prompts."""
        return self._prompts.get(name) if self.servers.whole(server) else None

    def resource(self, uri: str, server: str) -> Subject | None:
        """The resource, or the template that the URI has the form of."""
        if not self.servers.whole(server):
            return None
        found = self._resources.get(uri)
        if found is not None:
            return found
        return next((subject for pattern, subject in self._templates if pattern.fullmatch(uri)), None)

    def reference(self, ref: JSON, server: str) -> Subject | None:
        """The prompt or template that a completion refers to; only servers that show everything have them."""
        if not self.servers.whole(server):
            return None
        if ref.get("type") == "ref/prompt":
            return self._prompts.get(str(ref.get("name")))
        uri = str(ref.get("uri"))
        return next((subject for _, subject in self._templates if subject.facts.name == uri), self._resources.get(uri))

    def visible(self, kind: str, server: str, caller: Caller) -> JSON:
        """What a caller sees through a server: the reply to ListCatalogue."""
        key = (kind, server, caller.key)
        found = self._visible.get(key)
        if found is None:
            listing = self.listings[kind]
            entries = [entry for entry in listing.entries if self._may(kind, entry, server, caller)]
            names = [entry.get("name") or entry.get("uri") for entry in entries]
            found = {
                "entries": entries,
                "version": digest([listing.version, names])[:16],
                "absent": list(listing.absent),
            }
            if len(self._visible) >= _MOST_REMEMBERED:
                self._visible.clear()
            self._visible[key] = found
        return found

    def offered(self, server: str, held: frozenset[str], may: Callable[[Facts], bool]) -> list[JSON]:
        """What decides about each tool that a caller's request may lead to.

        Tools for which the caller lacks a capability are among them, so that a plan can say which.

        Args:
            server: through which the caller came.
            held: the caller's capabilities.
            may: whether the caller could possibly use what has these facts.
        """
        return [
            _plain(facts, entry.get("inputSchema") or {})
            for entry in self.listings["tools"].entries
            if self.servers.shows(server, entry["name"])
            and ((facts := self._tools[entry["name"]].facts).capability not in held or may(facts))
        ]

    def _may(self, kind: str, entry: JSON, server: str, caller: Caller) -> bool:
        if kind == "tools":
            if not self.servers.shows(server, entry["name"]):
                return False
            facts = self._tools[entry["name"]].facts
        elif self.servers.whole(server):
            facts = _facts(str(entry.get("uri") or entry.get("uriTemplate") or entry["name"]), entry)
        else:
            return False
        return caller.may(facts)


def _plain(facts: Facts, input_schema: JSON) -> JSON:
    return {
        "name": facts.name,
        "capability": facts.capability,
        "category": facts.category,
        "risk": facts.risk_hint,
        "exposed": facts.exposed,
        "read_only": facts.read_only,
        "destructive": facts.destructive,
        "open_world": facts.open_world,
        "input_schema": input_schema,
    }


def _facts(name: str, entry: JSON) -> Facts:
    meta = entry.get("_meta") or {}
    hints = entry.get("annotations") or {}
    tool = "inputSchema" in entry  # what is no tool only reads
    return Facts(
        name=name,
        capability=meta.get("aura/capability", "operate"),
        exposed=meta.get("aura/exposed", True),
        category=meta.get("aura/category", "other"),
        risk_hint=meta.get("aura/risk", "low"),
        read_only=bool(hints.get("readOnlyHint", not tool)),
        destructive=bool(hints.get("destructiveHint", tool)),
        open_world=bool(hints.get("openWorldHint", tool)),
        calms=bool(meta.get("aura/calms", False)),
    )


def _subject(name: str, entry: JSON) -> Subject:
    meta = entry.get("_meta") or {}
    hints = entry.get("annotations") or {}
    schema = entry.get("inputSchema") or {}
    return Subject(
        facts=_facts(name, entry),
        audience=meta.get("aura/audience", "tools"),
        contract=meta.get("aura/fingerprint", ""),
        idempotent=bool(hints.get("idempotentHint") or hints.get("readOnlyHint")),
        reenters=bool(meta.get("aura/reenters", False)),
        embeds=tuple(meta.get("aura/embeds", ())),
        reads=tuple(meta.get("aura/reads", ())),
        calms_with=meta.get("aura/calms_with", {}),
        reading=plan(schema),
        input=cache(partial(ArgumentCheck, schema, meta.get("aura/one_of", ()))) if schema else None,
        output=ResultCheck(entry["outputSchema"]) if entry.get("outputSchema") else None,
    )


def _matcher(template: str) -> re.Pattern[str]:
    """A URI template (RFC 6570, simple expansion) as a pattern: a variable is anything but a slash."""
    parts = _VARIABLE.split(template)
    return re.compile("[^/]+".join(re.escape(part) for part in parts))
