"""The role table: who holds which capability, and why somebody doesn't."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files

from .document import CAPABILITIES, OPERATE, OPERATORS, Caller, Delegation, Document, Role
from .names import MOST_CHARS, fold, hint, nearest
from .reading import read

_MOST_KEPT = 1000


@dataclass(frozen=True, slots=True)
class Permission:
    """Whether a role may do something.

    Args:
        permitted: whether it may.
        rule: what decided: `role.capability`, `role.all`, `role.grants`, `delegation`, `denial`, `role.missing`,
            `kind.operate`, `role.unknown` or `action.unknown`.
        why: for a person.
        nearest: the known name that an unknown one looks like; "" otherwise.
    """

    permitted: bool
    rule: str
    why: str
    nearest: str = ""


class Roles:
    """Who may do what, as one file says it.

    A role has what it lists: parents and trust grant nothing. Delegations add to it while they last; a denial takes
    away whatever grants it. `operate` is held by humans and services alone, whatever the file says.

    Args:
        document: a checked file.
        version: hash of its text; it names these rules in records.

    Attributes:
        engineers: the engineering roles, by name.
        callers: the kinds of caller, by name.
        by_name: both together.
    """

    def __init__(self, document: Document, version: str) -> None:
        self.document = document
        self.version = version
        self.engineers: Mapping[str, Role] = document.roles
        self.callers: Mapping[str, Caller] = document.callers
        self.by_name: Mapping[str, Role | Caller] = {**document.roles, **document.callers}
        self._named = {fold(name): name for name in self.by_name}
        self._named |= {fold(role.title): name for name, role in self.by_name.items()}
        lent = document.delegations
        self._turns = sorted({at.timestamp() for each in lent for at in (each.begins, each.until)})
        self._holders = {each.to for each in lent} | {each.to for each in document.denials}
        without = document.model_copy(update={"denials": ()})
        self._undenied = Roles(without, version) if document.denials else self
        self._kept: dict[tuple[object, ...], frozenset[str]] = {}

    # --- what a principal has -----------------------------------------------------------------------------------------

    def capabilities(self, roles: Iterable[str], kind: str, principal_id: str = "", now: float = 0.0) -> frozenset[str]:
        """The capabilities of tools (docs/tools.md) that a principal holds.

        Args:
            roles: of its credential; a role that isn't known, or that this kind may not hold, grants nothing.
            kind: agent, human or service.
            principal_id: `tenant/id`, for delegations and denials that name it.
            now: Unix seconds, for delegations.
        """
        held = tuple(roles)
        who = f"principal:{principal_id}"
        key = (kind, held, who if who in self._holders else "", bisect_right(self._turns, now))
        found = self._kept.get(key)
        if found is None:
            found = self._tools(held, kind, principal_id, now)
            if len(self._kept) < _MOST_KEPT:  # combinations beyond the bound are computed each time
                self._kept[key] = found
        return found

    def engineering(
        self, roles: Iterable[str], principal_id: str = "", now: float = 0.0, kind: str | None = None
    ) -> frozenset[str]:
        """Which of the 26 a principal holds: its roles' own and those delegated, less those denied.

        Args:
            roles: of its credential.
            principal_id: `tenant/id`.
            now: Unix seconds.
            kind: agent, human or service; roles that it may not hold grant nothing. None doesn't ask.
        """
        names = tuple(roles)
        held = [name for name in names if self._may_hold(name, kind)]
        own = frozenset[str]().union(*(self.own(name) for name in held if name in self.engineers))
        lent = frozenset(each.capability for each in self.delegated(held, principal_id, now))
        return (own | lent) - self.denied(names, principal_id)

    def own(self, name: str) -> frozenset[str]:
        """What a role lists: some of the 26 for an engineering role, capabilities of tools for a kind of caller."""
        role = self.by_name[name]
        if role.capabilities != "all":
            return frozenset(role.capabilities)
        return frozenset(self.document.capabilities if isinstance(role, Role) else CAPABILITIES)

    def delegated(self, roles: Iterable[str], principal_id: str = "", now: float = 0.0) -> list[Delegation]:
        """The delegations in force now for these roles or this principal; those that are denied to the giver don't."""
        holders = {f"principal:{principal_id}", *(f"role:{name}" for name in roles)}
        return [
            each
            for each in self.document.delegations
            if each.to in holders
            and each.begins.timestamp() <= now < each.until.timestamp()
            and each.capability not in self.denied([each.giver.partition(":")[2]])
        ]

    def denied(self, roles: Iterable[str], principal_id: str = "") -> frozenset[str]:
        """What these roles or this principal must not have, whatever grants it."""
        holders = {f"principal:{principal_id}", *(f"role:{name}" for name in roles)}
        return frozenset(each.what for each in self.document.denials if each.to in holders)

    def denial(self, capability: str, roles: Iterable[str], kind: str, principal_id: str = "", now: float = 0.0) -> str:
        """Why a denial keeps a capability of tools from a principal; "" when none does, or nothing grants it anyway.

        Args:
            capability: of tools.
            roles: of its credential.
            kind: agent, human or service.
            principal_id: `tenant/id`.
            now: Unix seconds, for delegations.
        """
        names = tuple(roles)
        if capability in self.capabilities(names, kind, principal_id, now):
            return ""
        if capability not in self._undenied.capabilities(names, kind, principal_id, now):
            return ""
        holders = {f"principal:{principal_id}", *(f"role:{name}" for name in names)}
        table = self.document.tool_capabilities
        takes = {
            capability,
            *(of for tool, by in table.items() if tool == capability and by != "everyone" for of in by),
        }
        return next((each.reason for each in self.document.denials if each.to in holders and each.what in takes), "")

    def trust_of(self, roles: Iterable[str]) -> int:
        """The highest trust of the roles that are known, 0 to 5; 0 when none is. Trust grants no capability."""
        return max((self.by_name[name].trust for name in roles if name in self.by_name), default=0)

    def _tools(self, roles: tuple[str, ...], kind: str, principal_id: str, now: float) -> frozenset[str]:
        held = [name for name in roles if self._may_hold(name, kind)]
        given = frozenset[str]().union(*(self.own(name) for name in held if name in self.callers))
        given |= self._granted(self.engineering(roles, principal_id, now, kind), anybody=bool(held))
        given -= self.denied(roles, principal_id)
        return given if kind in OPERATORS else given - {OPERATE}

    def _granted(self, engineering: frozenset[str], *, anybody: bool) -> frozenset[str]:
        """The capabilities of tools that some of the 26 grant."""
        table = self.document.tool_capabilities
        return frozenset(
            tool for tool, by in table.items() if (anybody if by == "everyone" else not engineering.isdisjoint(by))
        )

    def _may_hold(self, name: str, kind: str | None) -> bool:
        role = self.by_name.get(name)
        return role is not None and (kind is None or kind in role.kinds)

    # --- questions ----------------------------------------------------------------------------------------------------

    def find(self, name: str) -> str | None:
        """The role that a name or title means, however it is spelt; None when there is none."""
        return self._named.get(fold(name)) if len(name) <= MOST_CHARS else None

    def check(self, role_name: str, action: str, now: float = 0.0, kind: str = "agent") -> Permission:
        """Whether a role by itself may do something; spelling and case don't matter.

        Args:
            role_name: name or title.
            action: one of the 26, or a capability of tools; `read:config` and `read_config` are one.
            now: Unix seconds, for delegations to the role.
            kind: who would hold it; only humans and services may operate.
        """
        name = self.find(role_name)
        if name is None:
            why = f"there is no role {role_name[:MOST_CHARS]!r}; {hint(role_name, self.by_name)}"
            return Permission(False, "role.unknown", why, nearest(role_name, self.by_name))
        wanted, known = fold(action), {*self.document.capabilities, *CAPABILITIES}
        if wanted not in known or len(action) > MOST_CHARS:
            why = f"there is no action {action[:MOST_CHARS]!r}; {hint(action, known)}"
            return Permission(False, "action.unknown", why, nearest(action, known))
        for each in self.document.denials:
            if each.what == wanted and each.to == f"role:{name}":
                return Permission(False, "denial", f"{wanted} is denied to {name}: {each.reason}")
        return self._held(name, wanted, now, kind)

    def _held(self, name: str, wanted: str, now: float, kind: str) -> Permission:
        if wanted == OPERATE and kind not in OPERATORS:
            return Permission(False, "kind.operate", "operate is for humans and services, never for an agent")
        if wanted in self.own(name):
            if self.by_name[name].capabilities == "all":
                return Permission(True, "role.all", f"{name} has every capability")
            return Permission(True, "role.capability", f"{name} has {wanted}")
        for each in self.delegated([name], now=now):
            if each.capability == wanted:
                until = each.until.isoformat(timespec="minutes")
                return Permission(True, "delegation", f"{each.giver} lends it {wanted} until {until}: {each.reason}")
        if wanted in self.capabilities([name], kind, now=now):
            return Permission(True, "role.grants", f"what {name} has grants the capability of tools {wanted}")
        having = [other for other in self.by_name if wanted in self.own(other)]
        who = f"; {', '.join(having)} {'has' if len(having) == 1 else 'have'} it" if having else ""
        return Permission(False, "role.missing", f"{name} doesn't have {wanted}{who}")


def parse(text: str, origin: str = "roles.yaml") -> Roles:
    """Read a role table.

    Raises:
        RolesError: says what is wrong and where: line, column and message.
    """
    return Roles(read(text, origin), hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16])


def shipped() -> Roles:
    """The role table that comes with the system."""
    return parse(shipped_text())


def shipped_text() -> str:
    """The text of the role table that comes with the system."""
    return (files("aura_ia_mcp.configs") / "roles.yaml").read_text("utf-8")
