"""The envelope around every message, and its form on the wire."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field, replace
from typing import Any

from .address import Address
from .errors import AuraError

VERSION = 1
MAX_HOPS = 16
MAX_DEPTH = 4


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks.

    Args:
        id: unique within the tenant, as in `guest` or `token:ci`.
        kind: agent, human or service.
        tenant: whose data it may see.
        roles: names that the role table knows; they grant capabilities.
    """

    id: str
    kind: str = "agent"
    tenant: str = "local"
    roles: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """`tenant/id`, unique in the whole system; no id has a slash, so the last one parts the two."""
        return f"{self.tenant}/{self.id}"

    def as_dict(self) -> dict[str, Any]:
        """Plain data for the wire and for records."""
        return {"id": self.id, "kind": self.kind, "tenant": self.tenant, "roles": list(self.roles)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Principal:
        """Read `as_dict`'s form."""
        return cls(str(data["id"]), str(data["kind"]), str(data["tenant"]), tuple(data["roles"]))


def new_id() -> str:
    """16 hexadecimal digits, unique for all practical purposes and cheap."""
    return os.urandom(8).hex()


@dataclass(frozen=True, slots=True)
class Header:
    """What a message inherits from the one that caused it: who, in which session, and until when.

    Args:
        principal: who asks; None for the system's own traffic.
        session: the client's session, or "".
        trace: W3C `traceparent`, or "".
        deadline: `time.monotonic()` of this process at which nobody waits any more.
        cause: id of the envelope that led to this one, or "".
        hops: how many actors it has passed.
        depth: how many requests caused from inside lie above it (at most `MAX_DEPTH`).
        tokens: decision tokens by audience.
    """

    principal: Principal | None = None
    session: str = ""
    trace: str = ""
    deadline: float = field(default_factory=lambda: time.monotonic() + 30.0)
    cause: str = ""
    hops: int = 0
    depth: int = 0
    tokens: dict[str, bytes] = field(default_factory=dict)

    @property
    def remaining_s(self) -> float:
        """Seconds until the deadline; negative when it has passed."""
        return self.deadline - time.monotonic()

    def after(self, cause: str) -> Header:
        """The header of what the message `cause` leads to: one hop further."""
        return Header(
            self.principal,
            self.session,
            self.trace,
            self.deadline,
            cause,
            self.hops + 1,
            self.depth,
            self.tokens,
        )

    def within(self, seconds: float) -> Header:
        """The same header with a deadline at most `seconds` from now."""
        return replace(self, deadline=min(self.deadline, time.monotonic() + seconds))

    def with_tokens(self, tokens: dict[str, bytes]) -> Header:
        """The same header, carrying these decision tokens."""
        return replace(self, tokens=tokens)


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message on its way.

    `key` is what a receiver drops duplicates by; a retry carries the same `id` and `key` with a higher `attempt`.
    """

    id: str
    source: Address
    target: Address
    kind: str
    payload: dict[str, Any]
    header: Header
    key: str = ""
    attempt: int = 1

    def pack(self) -> dict[str, Any]:
        """A map for msgpack; members with their default are left out."""
        header = self.header
        data: dict[str, Any] = {
            "v": VERSION,
            "id": self.id,
            "source": str(self.source),
            "target": str(self.target),
            "kind": self.kind,
            "ttl_ms": int(header.remaining_s * 1000),
            "hops": header.hops,
            "payload": self.payload,
        }
        if header.principal is not None:
            data["principal"] = header.principal.as_dict()
        for name, value in (
            ("session", header.session),
            ("trace", header.trace),
            ("cause", header.cause),
            ("depth", header.depth),
            ("tokens", header.tokens),
            ("key", self.key),
        ):
            if value:
                data[name] = value
        if self.attempt > 1:
            data["attempt"] = self.attempt
        return data

    @classmethod
    def unpack(cls, data: Any) -> Envelope:
        """Read `pack`'s form; unknown members are ignored within a major version.

        Raises:
            AuraError: `incompatible_version` for another major version, `malformed` for anything else amiss.
        """
        try:
            if data["v"] != VERSION:
                raise AuraError("incompatible_version", f"envelope version {data['v']!r}; this side speaks {VERSION}")
            principal = data.get("principal")
            header = Header(
                principal=Principal.from_dict(principal) if principal is not None else None,
                session=_text(data, "session"),
                trace=_text(data, "trace"),
                deadline=time.monotonic() + int(data["ttl_ms"]) / 1000,
                cause=_text(data, "cause"),
                hops=int(data["hops"]),
                depth=int(data.get("depth", 0)),
                tokens=dict(data.get("tokens", {})),
            )
            payload = data["payload"]
            if not isinstance(payload, dict):
                raise TypeError("payload is not a map")  # noqa: TRY301 - one way out for every malformed envelope
            return cls(
                id=str(data["id"]),
                source=Address.parse(data["source"]),
                target=Address.parse(data["target"]),
                kind=str(data["kind"]),
                payload=payload,
                header=header,
                key=_text(data, "key"),
                attempt=int(data.get("attempt", 1)),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise AuraError("malformed", f"not an envelope: {type(error).__name__}: {error}") from error


def _text(data: dict[str, Any], name: str) -> str:
    value = data.get(name, "")
    if not isinstance(value, str):
        raise TypeError(f"{name} is not text")
    return value
