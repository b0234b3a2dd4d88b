"""How a failure at the door is told over HTTP."""

from __future__ import annotations

import re

from aura_ia_mcp.bus.errors import AuraError

from .jsonrpc import SERVER_BUSY, RpcError
from .sentences import joined

_NOT_VISIBLE = re.compile(r"[^\x20-\x7e]")


def busy(error: AuraError) -> RpcError:
    """HTTP 503 and when to come back, for what could not even be begun."""
    wait = max(1, round(error.failure.retry_after_s or 1))
    return RpcError(
        SERVER_BUSY,
        joined(error.failure.message, error.failure.recovery),
        data=error.failure.as_dict(),
        status=503,
        headers={"Retry-After": str(wait)},
    )


def challenge(error: AuraError) -> dict[str, str]:
    """The `WWW-Authenticate` header of a failed authentication (RFC 6750, 3); nothing for any other failure."""
    if error.code != "unauthenticated":
        return {}
    said = visible(error.failure.message)
    return {"WWW-Authenticate": f'Bearer realm="aura", error="invalid_token", error_description="{said}"'}


def status_of(error: AuraError) -> int:
    """401 for a failed authentication, else 503: nobody could tell who calls, and so the type is `unavailable`."""
    return 401 if error.code == "unauthenticated" else 503


def visible(text: str) -> str:
    """Text that may stand within quotes in a header: printable ASCII, at most 200 characters."""
    return _NOT_VISIBLE.sub("?", text).replace('"', "'").replace("\\", "/")[:200]
