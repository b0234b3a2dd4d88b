"""Reads `roles.yaml`: from text to a checked document, with line and column of whatever is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel, ValidationError

from ..marked_yaml import MarkedYamlError, Path, placed
from ..marked_yaml import read as read_yaml
from .document import CAPABILITIES, Caller, Capability, Delegation, Denial, Document, Role
from .names import hint

MOST_BYTES = 1_000_000


class RolesError(ValueError):
    """The role table can't be used; the message says where and why.

    Attributes:
        line: from 1; 0 when the fault has no place.
        column: from 1; likewise.
        reason: what is wrong, without the place.
    """

    def __init__(self, line: int, column: int, message: str, origin: str = "roles.yaml") -> None:
        self.line, self.column, self.reason = line, column, message
        super().__init__(placed(message, (line, column), origin))


def read(text: str, origin: str) -> Document:
    """The document in a text.

    Raises:
        RolesError: it isn't YAML, has an unknown or repeated key, a wrong value, or names what isn't there.
    """
    try:
        marked = read_yaml(text, most_bytes=MOST_BYTES)
    except MarkedYamlError as error:
        raise RolesError(*error.place, error.reason, origin) from None
    if marked.value is None:
        raise RolesError(1, 1, "it is empty", origin)

    def fault(path: Path, message: str) -> RolesError:
        where = ".".join(map(str, path))
        return RolesError(*marked.place(path), f"{where}: {message}" if where else message, origin)

    try:
        document = Document.model_validate(marked.value)
    except ValidationError as error:
        raise fault(*_first(error)) from error
    for path, message in _mistakes(document):
        raise fault(path, message)
    return document


_PARTS: dict[str, type[BaseModel]] = {
    "capabilities": Capability,
    "roles": Role,
    "callers": Caller,
    "delegations": Delegation,
    "denials": Denial,
}


def _first(error: ValidationError) -> tuple[Path, str]:
    """Place and sentence of the first fault; of the forms that a value may have, the one that it came closest to."""
    errors: list[Any] = [each | {"loc": _path(each["loc"])} for each in error.errors(include_url=False)]
    here = errors[0]["loc"][:3]
    first = max((each for each in errors if each["loc"][: len(here)] == here), key=lambda each: len(each["loc"]))
    path, message = first["loc"], str(first["msg"]).removeprefix("Value error, ")
    name = str(path[-1]) if path else ""
    if first["type"] == "extra_forbidden":
        model = Document if len(path) == 1 else _PARTS.get(str(path[0]))
        return path, f"there is no key {name!r} here; {hint(name, _keys(model) if model else ())}"
    if path[:1] == ("tool_capabilities",) and first["type"] == "literal_error" and name not in CAPABILITIES:
        return path, f"no tool asks for {name!r}; {hint(name, CAPABILITIES)}"
    return path, message


def _path(loc: Iterable[str | int]) -> Path:
    """Where in the file, without what pydantic adds for keys and for the forms of a union."""
    forms = ("[key]", "literal[", "tuple[", "nullable[")
    return tuple(part for part in loc if not (isinstance(part, str) and part.startswith(forms)))


def _keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


# --- what names what isn't there --------------------------------------------------------------------------------------


def _mistakes(document: Document) -> Iterator[tuple[Path, str]]:
    """Every part that refers to something that isn't there, or may not do what it says."""
    for name, role in document.roles.items():
        if name in document.callers:
            yield ("callers", name), f"{name!r} is a role, too; choose another name"
        if role.parent is not None and role.parent not in document.roles:
            yield ("roles", name, "parent"), f"there is no role {role.parent!r}; {hint(role.parent, document.roles)}"
        if role.capabilities != "all":
            yield from _unknown(("roles", name, "capabilities"), role.capabilities, document.capabilities)
    yield from _circles(document)
    for tool, granted in document.tool_capabilities.items():
        if granted == "everyone" and tool == "operate":
            yield ("tool_capabilities", tool), "`operate` can't be for everyone; name capabilities"
        if granted != "everyone":
            yield from _unknown(("tool_capabilities", tool), granted, document.capabilities)
    for number, delegation in enumerate(document.delegations):
        yield from _delegation(("delegations", number), delegation, document)
    for number, denial in enumerate(document.denials):
        known = {*document.capabilities, *CAPABILITIES}
        key = "capability" if denial.capability else "action"
        yield from _unknown(("denials", number, key), (denial.what,), known)
        yield from _holder(("denials", number, "to"), denial.to, document)


def _unknown(path: Path, names: Iterable[str], known: Iterable[str]) -> Iterator[tuple[Path, str]]:
    known = set(known)
    for number, name in enumerate(names):
        if name not in known:
            yield (*path, number), f"there is no capability {name!r}; {hint(name, known)}"


def _circles(document: Document) -> Iterator[tuple[Path, str]]:
    for name in document.roles:
        seen, at = {name}, document.roles[name].parent
        while at is not None and at not in seen and at in document.roles:
            seen.add(at)
            at = document.roles[at].parent
        if at == name:
            yield ("roles", name, "parent"), "the parents go in a circle"


def _holder(path: Path, holder: str, document: Document) -> Iterator[tuple[Path, str]]:
    kind, _, name = holder.partition(":")
    known = {*document.roles, *document.callers}
    if kind == "role" and name not in known:
        yield path, f"there is no role {name!r}; {hint(name, known)}"


def _delegation(path: Path, delegation: Delegation, document: Document) -> Iterator[tuple[Path, str]]:
    capability, name = delegation.capability, delegation.giver.partition(":")[2]
    if capability not in document.capabilities:
        known = document.capabilities
        yield (*path, "capability"), f"there is no capability {capability!r}; {hint(capability, known)}"
        return
    giver = document.roles.get(name)
    if giver is None:
        yield (*path, "from"), f"there is no role {name!r}; {hint(name, document.roles)}"
    elif giver.capabilities != "all" and capability not in giver.capabilities:
        yield (*path, "from"), f"{name} doesn't have {capability} itself, so it can't delegate it"
    operates = document.tool_capabilities.get("operate", ())
    if capability in operates and not delegation.operate:
        yield (*path, "capability"), f"{capability} grants `operate`; if that is meant, write `operate: true`"
    yield from _holder((*path, "to"), delegation.to, document)
