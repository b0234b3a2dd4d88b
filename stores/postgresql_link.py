"""The driver's connection to PostgreSQL, with one name for every fault of the network."""

from __future__ import annotations

import socket
from typing import Any

from pg8000.exceptions import InterfaceError
from pg8000.legacy import Connection

_LOST = "network error"  # by these words SQLAlchemy knows that the connection is of no use any more


class Link(Connection):  # type: ignore[misc] # pg8000 has no types
    """A connection whose silences and breaks are all `InterfaceError`.

    Of some reads the driver lets the socket's own error out, such as `TimeoutError`; SQLAlchemy would take that for a
    fault of its caller and keep the connection in the pool. And it leaves a socket open that it gives up.

    Args:
        host: of the server.
        port: of the server.
        timeout: for connecting, and for each word of the server (seconds).
        named: the rest, as the driver takes it.
    """

    def __init__(self, *, host: str = "localhost", port: int = 5432, timeout: float, **named: Any) -> None:
        try:
            link = socket.create_connection((host, port), timeout)
            try:
                link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                super().__init__(host=host, sock=link, **named)
            except BaseException:
                link.close()
                raise
        except OSError as error:
            raise _lost(error) from error

    def handle_messages(self, context: Any) -> None:
        """See the driver; every answer of the server is read in here."""
        try:
            super().handle_messages(context)
        except OSError as error:
            raise _lost(error) from error


def _lost(error: OSError) -> InterfaceError:
    return InterfaceError(f"{_LOST}: {error.strerror or error}")
