"""What the headers of an HTTP request may say: pure checks, no IO.

Host and Origin are checked against DNS rebinding: a web page that names our loopback address under its own host name
must not reach the gateway. Source: MCP 2025-11-25, Transports, Security Warning.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from mcp_types.jsonrpc import UNSUPPORTED_PROTOCOL_VERSION
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS

from .jsonrpc import RpcError

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?")
_LONGEST_TRACE = 55
_LONGEST_VERSION = 64


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine alone."""
    name = host.strip("[]").lower()
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def host_allowed(host: str | None, allowed: Iterable[str]) -> bool:
    """Whether a `Host` header names loopback or one of `allowed` (names without a port, any case)."""
    match = _HOST.fullmatch(host or "")
    if match is None:
        return False
    name = match["name"].lower()
    return is_loopback(name) or name.strip("[]") in {entry.strip("[]").lower() for entry in allowed}


def origin_allowed(origin: str | None, allowed: Iterable[str]) -> bool:
    """Whether an `Origin` header is absent, of loopback, or one of `allowed` (scheme://host[:port])."""
    if origin is None:
        return True
    if origin in allowed:
        return True
    try:
        parts = urlsplit(origin)
        return parts.scheme in {"http", "https"} and parts.hostname is not None and is_loopback(parts.hostname)
    except ValueError:
        return False


def unserved_version(requested: str) -> RpcError:
    """The error for a protocol revision that neither era serves; its data names those that are served."""
    served = [*MODERN_PROTOCOL_VERSIONS, *reversed(HANDSHAKE_PROTOCOL_VERSIONS)]
    named = requested[:_LONGEST_VERSION].encode("ascii", "replace").decode("ascii")
    return RpcError(
        UNSUPPORTED_PROTOCOL_VERSION,
        f"protocol version {named!r} is not served; use one of {', '.join(served)}",
        data={"supported": served, "requested": named},
        status=400,
    )


def accepts(accept: str | None) -> tuple[bool, bool]:
    """Whether the client takes (JSON, an event stream); a missing header or `*/*` takes both."""
    if not accept:
        return True, True
    accept = accept.lower()
    if "*/*" in accept:
        return True, True
    return (
        "application/json" in accept or "application/*" in accept,
        "text/event-stream" in accept or "text/*" in accept,
    )


def is_json(content_type: str | None) -> bool:
    """Whether a body is declared as JSON; nothing else may be posted (a web form needs no preflight)."""
    return (content_type or "").partition(";")[0].strip().lower() == "application/json"


def traceparent(value: object) -> str:
    """A W3C trace context, or "" where there is none that is well formed."""
    if isinstance(value, str) and len(value) == _LONGEST_TRACE and _TRACEPARENT.fullmatch(value):
        return value
    return ""


def bearer(authorization: str | None) -> str | None:
    """The token of an `Authorization: Bearer` header; "" for any other or broken form; None without a header."""
    if authorization is None:
        return None
    scheme, _, token = authorization.strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
