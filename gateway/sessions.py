"""Sessions of the older era: bound to the credential that opened them, bounded in number, ended when idle."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from aura_ia_mcp.bus.envelope import Principal
from aura_ia_mcp.bus.errors import AuraError

from .authentication import Identity
from .jsonrpc import JSON, SERVER_BUSY, SESSION_NOT_FOUND, Answer, RequestId, RpcError, encode_notification
from .replay import GET_STREAM, EventLog

_MAX_SUBSCRIPTIONS = 1000
_MAX_UNWANTED = 64
_OVERTAKEN_S = 1.0
_RETRY_AFTER = {"Retry-After": "5"}


class Open(Protocol):
    """A request that is being served in a session."""

    def cancel(self) -> None:
        """Its client wants it no more."""


class Session:
    """One client's session.

    Args:
        identity: who opened it.
        server: the virtual server it belongs to.
        version: the negotiated protocol revision.
        client: the client's capabilities.
        events: its event log.
        client_name: what the client calls itself.
    """

    def __init__(
        self,
        identity: Identity,
        server: str,
        version: str,
        client: JSON,
        events: EventLog,
        client_name: JSON | None = None,
    ) -> None:
        self.id = secrets.token_urlsafe(24)
        self.name = hashlib.sha256(self.id.encode()).hexdigest()[:16]
        self.identity = identity
        self.server = server
        self.version = version
        self.client = client
        self.client_name = client_name or {}
        self.events = events
        self.log_level = "info"
        self.subscriptions: set[str] = set()
        self.open: dict[RequestId, Open] = {}
        self.used_at = time.monotonic()
        self.closed = False
        self._asked: dict[RequestId, asyncio.Future[JSON]] = {}
        self._unwanted: OrderedDict[RequestId, float] = OrderedDict()
        self._questions = 0

    @property
    def principal(self) -> Principal:
        """Who it belongs to."""
        return self.identity.principal

    @property
    def idle(self) -> bool:
        """No request is being served and no stream is connected."""
        return not self.open and self.events.readers == 0

    def cancel(self, number: RequestId) -> None:
        """The client wants a request no more; one that arrives within a second after this is refused as well."""
        request = self.open.get(number)
        if request is not None:
            request.cancel()
            return
        self._unwanted[number] = time.monotonic()
        if len(self._unwanted) > _MAX_UNWANTED:
            self._unwanted.popitem(last=False)

    def unwanted(self, number: RequestId) -> bool:
        """Whether a request was cancelled before it arrived: they travel on connections of their own."""
        return time.monotonic() - self._unwanted.pop(number, float("-inf")) < _OVERTAKEN_S

    def subscribe(self, uri: str) -> None:
        """Tell the client when a resource changes.

        Raises:
            RpcError: the session has 1000 subscriptions.
        """
        if len(self.subscriptions) >= _MAX_SUBSCRIPTIONS and uri not in self.subscriptions:
            raise RpcError(SERVER_BUSY, f"a session holds at most {_MAX_SUBSCRIPTIONS} subscriptions; drop one first")
        self.subscriptions.add(uri)

    def question(self) -> tuple[str, asyncio.Future[JSON]]:
        """The id of a new request of ours to the client, and what its result will come in."""
        self._questions += 1
        number = f"aura-{self._questions}"
        future: asyncio.Future[JSON] = asyncio.get_running_loop().create_future()
        self._asked[number] = future
        future.add_done_callback(lambda _: self._asked.pop(number, None))
        return number, future

    def answered(self, answer: Answer) -> None:
        """Take the client's answer to a request of ours; an answer to nothing is ignored."""
        future = self._asked.get(answer.id)
        if future is None or future.done():
            return
        if answer.error is None:
            future.set_result(answer.result)
        else:
            text = str(answer.error.get("message", "no message"))[:500]
            future.set_exception(AuraError("tool_failed", f"the client answered with an error: {text}"))

    def close(self) -> None:
        """End its requests and streams, and forget its events."""
        self.closed = True
        for request in list(self.open.values()):
            request.cancel()
        for future in list(self._asked.values()):
            if not future.done():
                future.set_exception(AuraError("cancelled", "the client's session ended"))
        self.events.close()


class Sessions:
    """All sessions.

    Args:
        most: how many there may be; the one unused for longest makes room if it is idle.
        most_per_principal: the same for one principal.
        idle_s: after how long an idle session ends.
        replay_bytes: the bound of each session's event log.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        most: int,
        most_per_principal: int,
        idle_s: float,
        replay_bytes: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = most
        self._most_per_principal = most_per_principal
        self._idle_s = idle_s
        self._replay_bytes = replay_bytes
        self._clock = clock
        self._sessions: OrderedDict[str, Session] = OrderedDict()

    def __len__(self) -> int:
        return len(self._sessions)

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._sessions.values()))

    def open(
        self, identity: Identity, server: str, version: str, client: JSON, client_name: JSON | None = None
    ) -> Session:
        """A new session; see `Session`.

        Raises:
            RpcError: too many are in use (HTTP 429 for the principal's own, 503 for all).
        """
        principal = identity.principal
        own = [s for s in self._sessions.values() if s.principal == principal]
        if len(own) >= self._most_per_principal:
            self._make_room(own, 429, f"{principal.id} has {len(own)} sessions in use")
        if len(self._sessions) >= self._most:
            self._make_room(list(self._sessions.values()), 503, f"all {len(self._sessions)} sessions are in use")
        session = Session(identity, server, version, client, EventLog(self._replay_bytes), client_name)
        session.used_at = self._clock()
        self._sessions[session.id] = session
        return session

    def find(self, session_id: str, identity: Identity, server: str) -> Session:
        """The session, for the credential that opened it.

        Raises:
            RpcError: HTTP 404, alike for an unknown or ended session and for another credential's.
        """
        session = self._sessions.get(session_id)
        if session is None or session.identity.credential != identity.credential or session.server != server:
            raise RpcError(SESSION_NOT_FOUND, "Session not found; send initialize to open a new one", status=404)
        session.used_at = self._clock()
        self._sessions.move_to_end(session_id)
        return session

    def end(self, session: Session) -> None:
        """End a session."""
        self._sessions.pop(session.id, None)
        session.close()

    def sweep(self) -> int:
        """End the sessions that were idle for too long; how many those were."""
        limit = self._clock() - self._idle_s
        stale = [session for session in self._sessions.values() if session.idle and session.used_at <= limit]
        for session in stale:
            self.end(session)
        return len(stale)

    def list_changed(self, what: str) -> None:
        """Tell every session that a list is another."""
        data = encode_notification(f"notifications/{what}/list_changed", {})
        for session in self:
            session.events.append(GET_STREAM, data)

    def resource_updated(self, uri: str) -> None:
        """Tell the sessions that subscribed to a resource."""
        data = encode_notification("notifications/resources/updated", {"uri": uri})
        for session in self:
            if uri in session.subscriptions:
                session.events.append(GET_STREAM, data)

    def figures(self) -> dict[str, Any]:
        """How many there are, and what their logs hold."""
        held = sum(session.events.held_bytes for session in self._sessions.values())
        readers = sum(session.events.readers for session in self._sessions.values())
        return {"sessions": len(self._sessions), "streams": readers, "replay_bytes": held}

    def _make_room(self, candidates: list[Session], status: int, why: str) -> None:
        for session in sorted(candidates, key=lambda one: one.used_at):
            if session.idle:
                self.end(session)
                return
        raise RpcError(
            SERVER_BUSY, f"{why}; end one with DELETE, or come back later", status=status, headers=_RETRY_AFTER
        )
