"""What Safety knows of the catalogue: a copy that it reads on each call, kept current by events."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.bus.tokens import digest
from aura_ia_mcp.judgement.authorize import authorize

from .catalogue import Servers

_VARIABLE = re.compile(r"\{[^{}]*\}")


@dataclass(frozen=True, slots=True)
class Subject:
    """What a decision is about: one tool, resource, template or prompt.

    Args:
        name: a tool's or prompt's name, or a URI.
        capability: which its use needs.
        exposed: whether others than operators may see it.
        audience: who runs it.
        contract: fingerprint of its contract, or "".
        idempotent: whether a repeat changes nothing more.
        read_only: whether it changes nothing at all.
    """

    name: str
    capability: str
    exposed: bool = True
    audience: str = "tools"
    contract: str = ""
    idempotent: bool = True
    read_only: bool = True


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
    _visible: dict[tuple[str, str, frozenset[str]], JSON] = field(default_factory=dict)

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
        return next((subject for _, subject in self._templates if subject.name == uri), self._resources.get(uri))

    def visible(self, kind: str, server: str, held: frozenset[str]) -> JSON:
        """What a caller with these capabilities sees through a server: the reply to ListCatalogue."""
        key = (kind, server, held)
        found = self._visible.get(key)
        if found is None:
            listing = self.listings[kind]
            entries = [entry for entry in listing.entries if self._may(kind, entry, server, held)]
            names = [entry.get("name") or entry.get("uri") for entry in entries]
            found = {
                "entries": entries,
                "version": digest([listing.version, names])[:16],
                "absent": list(listing.absent),
            }
            if len(self._visible) < 1000:  # noqa: PLR2004 - bounded: roles combine in few ways
                self._visible[key] = found
        return found

    def _may(self, kind: str, entry: JSON, server: str, held: frozenset[str]) -> bool:
        if kind == "tools":
            if not self.servers.shows(server, entry["name"]):
                return False
        elif not self.servers.whole(server):
            return False
        subject = _subject("", entry)
        return authorize("", subject.capability, subject.exposed, held).allowed


def _subject(name: str, entry: JSON) -> Subject:
    meta = entry.get("_meta") or {}
    hints = entry.get("annotations") or {}
    return Subject(
        name=name,
        capability=meta.get("aura/capability", "operate"),
        exposed=meta.get("aura/exposed", True),
        audience=meta.get("aura/audience", "tools"),
        contract=meta.get("aura/fingerprint", ""),
        idempotent=bool(hints.get("idempotentHint") or hints.get("readOnlyHint")),
        read_only=bool(hints.get("readOnlyHint")),
    )


def _matcher(template: str) -> re.Pattern[str]:
    """A URI template (RFC 6570, simple expansion) as a pattern: a variable is anything but a slash."""
    parts = _VARIABLE.split(template)
    return re.compile("[^/]+".join(re.escape(part) for part in parts))
