"""What the gateway remembers of the catalogue, and how it hears that it changed."""

from __future__ import annotations

import asyncio
import itertools
import logging
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from mcp.shared.inbound import find_invalid_x_mcp_header, x_mcp_header_map

from aura_ia_mcp.bus.address import Address
from aura_ia_mcp.bus.bus import Bus
from aura_ia_mcp.bus.envelope import Header
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import CatalogueChanged, ResourceUpdated, Subscribe

from .graph import Caller, Graph
from .jsonrpc import JSON

_ENTRIES = 256
_TRUSTED_S = 60.0
_UNTRUSTED_S = 1.0
_SETTLE_S = 6.0
_BACKOFF_S = (0.1, 0.25, 0.5, 1.0, 2.0)
_FOREVER_S = 86_400.0
_LONGEST_URI = 2048
_VARIABLE = re.compile(r"\{[^{}]*\}")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Listing:
    """The entries of one kind that one sort of caller sees.

    `absent` names the sources that could not be asked, so that a partial catalogue never passes for a whole one.
    """

    entries: list[JSON]
    version: str
    absent: list[JSON]
    by_name: dict[str, JSON] = field(repr=False)
    header_schemas: dict[str, JSON] = field(repr=False)
    uris: frozenset[str] = field(repr=False)
    templates: tuple[re.Pattern[str], ...] = field(repr=False)

    @classmethod
    def of(cls, reply: JSON) -> Listing:
        """Read ListCatalogue's reply."""
        entries = list(reply.get("entries", []))
        by_name = {entry["name"]: entry for entry in entries if isinstance(entry.get("name"), str)}
        return cls(
            entries=entries,
            version=str(reply.get("version", "")),
            absent=list(reply.get("absent", [])),
            by_name=by_name,
            header_schemas={name: entry["inputSchema"] for name, entry in by_name.items() if _mirrors_headers(entry)},
            uris=frozenset(entry["uri"] for entry in entries if isinstance(entry.get("uri"), str)),
            templates=tuple(
                _form(entry["uriTemplate"]) for entry in entries if isinstance(entry.get("uriTemplate"), str)
            ),
        )

    def may_repeat(self, tool: str) -> bool:
        """Whether a call of the tool may run twice: it says that it is read-only or idempotent."""
        annotations = self.by_name.get(tool, {}).get("annotations") or {}
        return bool(annotations.get("readOnlyHint") or annotations.get("idempotentHint"))

    def covers(self, uri: str) -> bool:
        """Whether the URI is one of the resources, or has the form of one of the templates."""
        if uri in self.uris:
            return True
        return len(uri) <= _LONGEST_URI and any(form.fullmatch(uri) for form in self.templates)


def _form(template: str) -> re.Pattern[str]:
    """A URI template (RFC 6570, simple expansion) as Safety reads it: a variable is anything but a slash."""
    return re.compile("[^/]+".join(re.escape(part) for part in _VARIABLE.split(template)))


def _mirrors_headers(entry: JSON) -> bool:
    schema = entry.get("inputSchema")
    return isinstance(schema, dict) and find_invalid_x_mcp_header(schema) is None and bool(x_mcp_header_map(schema))


class Catalogue:
    """A cache of listings per principal and virtual server, dropped when the catalogue changes.

    At most 256 listings are kept. Callers that want the same one at the same time share one question. While the event
    stream is broken a listing is believed for a second only.
    """

    def __init__(self, graph: Graph, clock: Callable[[], float] = time.monotonic) -> None:
        self._graph = graph
        self._clock = clock
        self._kept: OrderedDict[tuple[Any, ...], tuple[float, Listing]] = OrderedDict()
        self._asking: dict[tuple[Any, ...], asyncio.Task[Listing]] = {}
        self._generation = 0
        self.trusted = False

    async def listing(self, caller: Caller, what: str) -> Listing:
        """The entries of one kind that the caller may see.

        Raises:
            AuraError: the graph could not be asked.
        """
        found = self.peek(caller, what)
        if found is not None:
            return found
        return await asyncio.shield(self._ask(caller, what))

    async def shows(self, caller: Caller, uri: str) -> bool:
        """Whether the caller may read what has this URI, as far as its lists tell.

        Raises:
            AuraError: the graph could not be asked.
        """
        for what in ("resources", "resource_templates"):
            if (await self.listing(caller, what)).covers(uri):
                return True
        return False

    def peek(self, caller: Caller, what: str) -> Listing | None:
        """The listing, if it is known now."""
        kept = self._kept.get(_key(caller, what))
        if kept is None:
            return None
        age = self._clock() - kept[0]
        return kept[1] if age < (_TRUSTED_S if self.trusted else _UNTRUSTED_S) else None

    def may_repeat(self, caller: Caller, tool: str) -> bool:
        """Whether a call of the tool may run twice; False while the catalogue isn't known (it is then asked for)."""
        known = self.peek(caller, "tools")
        if known is None:
            self.warm(caller)
            return False
        return known.may_repeat(tool)

    def knows(self, caller: Caller, tool: str) -> bool:
        """Whether the remembered catalogue has a tool of this name."""
        known = self.peek(caller, "tools")
        return known is not None and tool in known.by_name

    def warm(self, caller: Caller) -> None:
        """Begin to ask for a caller's tools, unless that is under way."""
        self._ask(caller, "tools")

    def drop(self) -> None:
        """Forget everything; answers that are still under way are used once and not kept."""
        self._generation += 1
        self._kept.clear()
        self._asking.clear()

    async def stop(self) -> None:
        """End what is being asked."""
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ask(self, caller: Caller, what: str) -> asyncio.Task[Listing]:
        key = _key(caller, what)
        task = self._asking.get(key)
        if task is None:
            task = asyncio.create_task(self._fetch(key, caller, what))
            self._asking[key] = task
            task.add_done_callback(lambda done: self._forget(key, done))
        return task

    async def _fetch(self, key: tuple[Any, ...], caller: Caller, what: str) -> Listing:
        generation = self._generation
        listing = Listing.of(await self._graph.list(caller, what))
        if generation == self._generation:
            self._kept[key] = (self._clock(), listing)
            while len(self._kept) > _ENTRIES:
                self._kept.popitem(last=False)
        return listing

    def _forget(self, key: tuple[Any, ...], task: asyncio.Task[Listing]) -> None:
        if self._asking.get(key) is task:
            del self._asking[key]
        if not task.cancelled():
            task.exception()


def _key(caller: Caller, what: str) -> tuple[Any, ...]:
    return (caller.principal, caller.server, what)  # rules may name a single principal


class CatalogueEvents:
    """Follows the `catalogue` topic of a Safety; when the stream breaks, the next replica's, with back-off.

    Args:
        bus: how to subscribe.
        gates: every Safety.
        catalogue: what to drop on a change.
        on_list: called with `tools`, `resources` or `prompts` when that list is another.
        on_resource: called with the URI of a resource that has new content.
    """

    def __init__(
        self,
        bus: Bus,
        gates: Sequence[Address],
        catalogue: Catalogue,
        on_list: Callable[[str], None],
        on_resource: Callable[[str], None],
    ) -> None:
        self._bus = bus
        self._gates = itertools.cycle(gates)
        self._catalogue = catalogue
        self._on_list = on_list
        self._on_resource = on_resource
        self._versions: dict[str, str] = {}

    async def follow(self) -> None:
        """Follow until cancelled."""
        attempt = 0
        while True:
            began = time.monotonic()
            settled = asyncio.get_running_loop().call_later(_SETTLE_S, self._trust)
            try:
                header = Header(deadline=began + _FOREVER_S)
                async for item in self._bus.stream(next(self._gates), Subscribe("catalogue"), header=header):
                    self._trust()
                    self._take(item)
            except AuraError as error:
                log.debug("the catalogue's events broke off: %s", error)
            finally:
                settled.cancel()
                self._catalogue.trusted = False
                self._catalogue.drop()
            attempt = 0 if time.monotonic() - began > _SETTLE_S else attempt + 1
            await asyncio.sleep(_BACKOFF_S[min(attempt, len(_BACKOFF_S) - 1)])

    def _trust(self) -> None:
        self._catalogue.trusted = True

    def _take(self, item: JSON) -> None:
        payload = item.get("payload") or {}
        if item.get("kind") == CatalogueChanged.kind:
            self._catalogue.drop()
            what, version = str(payload.get("what")), str(payload.get("version"))
            if self._versions.get(what) != version:
                self._versions[what] = version
                self._on_list(what)
        elif item.get("kind") == ResourceUpdated.kind:
            self._on_resource(str(payload.get("uri")))
