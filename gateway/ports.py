"""Ports and open files of this machine: who has a port, why one can't be listened on, how many files there may be."""

from __future__ import annotations

import errno
import logging
import resource
from contextlib import suppress

import psutil

from aura_ia_mcp.configs.settings import VirtualServer

log = logging.getLogger(__name__)

_OTHER_FILES = 1024


class ListenError(Exception):
    """The gateway can't listen where its settings say; the message tells why and what to do."""


def holder_of(port: int) -> str | None:
    """The program that listens on a TCP port: name, pid, user; None when there is none, or this user may not know."""
    with suppress(psutil.Error, OSError):
        for connection in psutil.net_connections(kind="tcp"):
            address = connection.laddr
            if connection.status == psutil.CONN_LISTEN and address and address.port == port and connection.pid:
                process = psutil.Process(connection.pid)
                return f"{process.name()} (pid {process.pid}, user {process.username()})"
    return None


def why_not(server: VirtualServer, host: str, error: OSError) -> ListenError:
    """Why a virtual server's port can't be listened on.

    Args:
        server: whose port.
        host: the address.
        error: what the machine said.
    """
    if error.errno != errno.EADDRINUSE:
        where = f"{host}:{server.port}"
        return ListenError(
            f"can't listen on {where} for the virtual server {server.name!r}: {error.strerror or error}; "
            "set gateway.host to an address of this machine, and a port above 1023 in gateway.servers"
        )
    holder = holder_of(server.port)
    return ListenError(
        f"port {server.port} is taken{f' by {holder}' if holder else ''}; stop that, "
        f"or give the virtual server {server.name!r} another port in gateway.servers"
    )


def allow_files(connections: int) -> None:
    """Let this process open as many files as so many connections need, as far as the machine permits."""
    wanted = connections + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    if most < wanted:
        log.warning("only %d files may be open at once; gateway.max_connections asks for %d", most, wanted)
