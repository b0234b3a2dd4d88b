"""TCP ports of this machine: whether one is free, and who has it."""

from __future__ import annotations

import socket

from aura_ia_mcp.gateway.ports import holder_of

__all__ = ["holder_of", "is_free"]


def is_free(host: str, port: int) -> bool:
    """Whether a TCP port can be listened on now."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
