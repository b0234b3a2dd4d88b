"""What a message is, and how one comes out of an envelope.

A message is a dataclass that nobody changes. `idempotent` messages may be retried by the caller's bus and are dropped
when they arrive twice; `privileged` ones are run only with a decision token.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, ClassVar, TypeVar, dataclass_transform

from ..errors import AuraError

JSON = dict[str, Any]


class Message:
    """Base of all messages: its `kind` on the wire and what delivery may do with it."""

    kind: ClassVar[str]
    idempotent: ClassVar[bool]
    privileged: ClassVar[bool]

    def payload(self) -> JSON:
        """The message's members, as they go into an envelope (not copied)."""
        return {name: getattr(self, name) for name in _NAMES[type(self)]}


_M = TypeVar("_M", bound=type[Message])
_NAMES: dict[type[Message], tuple[str, ...]] = {}
_KNOWN: dict[type[Message], frozenset[str]] = {}
_KINDS: dict[str, type[Message]] = {}


@dataclass_transform(frozen_default=True)
def message(kind: str, *, idempotent: bool = False, privileged: bool = False) -> Callable[[_M], _M]:
    """Declare a message type; its class becomes a dataclass, frozen for type checkers (at run time that costs 1 us)."""

    def declare(cls: _M) -> _M:
        if kind in _KINDS:
            raise ValueError(f"two messages of kind {kind!r}")
        made = dataclass(cls)
        made.kind, made.idempotent, made.privileged = kind, idempotent, privileged
        _NAMES[made] = tuple(f.name for f in fields(made))  # type: ignore[arg-type]
        _KNOWN[made] = frozenset(_NAMES[made])
        _KINDS[kind] = made
        return made  # type: ignore[return-value]

    return declare


def decode(kind: str, payload: JSON) -> Message:
    """The message in an envelope; members this version doesn't know are ignored.

    Raises:
        AuraError: `unknown_message`, or `malformed` when a member is missing.
    """
    cls = _KINDS.get(kind)
    if cls is None:
        raise AuraError("unknown_message", f"no message of kind {kind!r}")
    known = _KNOWN[cls]
    if not payload.keys() <= known:
        payload = {name: value for name, value in payload.items() if name in known}
    try:
        return cls(**payload)
    except TypeError as error:
        raise AuraError("malformed", f"{kind}: {error}") from error
