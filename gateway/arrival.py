"""Where HTTP requests come in, and what is known of one that has passed the door."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from .authentication import Identity

JSON_HEADERS = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Entrance:
    """One listening socket.

    Args:
        server: the virtual server behind it.
        unix: whether it is the unix socket, which a web page can't reach.
        local: whether everybody who can connect is on this machine.
    """

    server: str
    unix: bool
    local: bool


@dataclass(frozen=True, slots=True)
class Arrival:
    """Who sent what, and where it came in.

    Args:
        http: the request itself.
        identity: who sent it.
        server: the virtual server it came in by.
        trace: W3C `traceparent`, or "".
        streams: whether the client takes an event stream.
    """

    http: web.BaseRequest
    identity: Identity
    server: str
    trace: str
    streams: bool
