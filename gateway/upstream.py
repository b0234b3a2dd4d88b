"""The stdio bridge's side towards a running system: its session, its streams, and what to do when they break."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp
from mcp_types.jsonrpc import HEADER_MISMATCH

from .client import modern_headers, open_http
from .jsonrpc import JSON, Incoming, Notification, Request, RequestId, RpcError, encode
from .relay import BROKEN, Say, answer_of, follow, unavailable, unknown

log = logging.getLogger(__name__)

_SESSION_HEADER = "Mcp-Session-Id"
_ACCEPT = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
_BACKOFF_S = (0.1, 0.25, 0.5, 1.0, 2.0)
_RESUMES = 5
_GOODBYE_S = 2.0
_NOT_FOUND, _GONE = 404, 410


class _SessionLostError(Exception):
    """The system doesn't know the session any more."""


class Upstream:
    """One client's connection to a running system.

    Args:
        target: its URL or the path of its ingress socket.
        token: a bearer token; None is a guest.
        say: writes one message to the client.
    """

    def __init__(self, target: str | Path, token: str | None, say: Say) -> None:
        self._target = target
        self._token = token
        self._say = say
        self._session: str | None = None
        self._version = ""
        self._opening: JSON | None = None
        self._generation = 0
        self._renewing = asyncio.Lock()
        self._restore: dict[tuple[str, str], bytes] = {}
        self._schemas: dict[str, JSON] = {}
        self._listening: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Open; connects at the first request."""
        self._http, base = open_http(self._target, self._token)
        self._url = f"{base}/mcp/stream"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the session and close."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
        if self._session is not None:
            with suppress(*BROKEN, TimeoutError):
                async with asyncio.timeout(_GOODBYE_S), self._http.delete(self._url, headers=self._headers()):
                    pass
        await self._http.close()

    @property
    def has_session(self) -> bool:
        """Whether the client speaks the older era."""
        return self._session is not None

    # --- the older era -----------------------------------------------------------------------------------------------

    async def initialize(self, message: Request, line: bytes) -> None:
        """Open the session, and answer the client.

        Raises:
            RpcError: nobody answers.
        """
        answer = await self._open(message.id, line)
        self._opening = {"jsonrpc": "2.0", "id": "aura-again", "method": "initialize", "params": message.params}
        await self._say(answer)

    async def ask(self, message: Request, line: bytes) -> None:
        """Carry a request, and all that comes back for it.

        A system that was restarted doesn't know the session: then a new one is opened and the request sent again,
        which is safe, for it wasn't run.

        Raises:
            RpcError: it could not be delivered, or what became of it is unknown.
        """
        generation = self._generation
        try:
            await self._carry(message.id, line)
        except _SessionLostError:
            await self._renew(generation)
            try:
                await self._carry(message.id, line)
            except _SessionLostError:
                raise unavailable("the system doesn't keep the session; it may be stopping") from None
        if message.method in {"logging/setLevel", "resources/subscribe"}:
            self._restore[message.method, str(message.params.get("uri", ""))] = line
        elif message.method == "resources/unsubscribe":
            self._restore.pop(("resources/subscribe", str(message.params.get("uri", ""))), None)

    async def tell(self, message: Incoming, line: bytes) -> None:
        """Carry a notification or an answer.

        Raises:
            RpcError: nobody answers.
        """
        try:
            async with self._http.post(self._url, data=line, headers=self._headers()) as response:
                await response.read()
        except BROKEN as error:
            raise self._nobody(error) from error
        starts = isinstance(message, Notification) and message.method == "notifications/initialized"
        if starts and self._listening is None and self._session is not None:
            self._listening = asyncio.create_task(self._listen())

    async def _open(self, number: RequestId, line: bytes) -> bytes:
        try:
            async with self._http.post(self._url, data=line, headers=_ACCEPT) as response:
                answer = await answer_of(number, response)
        except BROKEN as error:
            raise self._nobody(error) from error
        if _SESSION_HEADER in response.headers and "result" in answer:
            self._session = response.headers[_SESSION_HEADER]
            self._version = str(answer["result"]["protocolVersion"])
            self._generation += 1
        return encode(answer)

    async def _renew(self, generation: int) -> None:
        async with self._renewing:
            if self._generation != generation or self._opening is None:
                return
            log.info("the system has a new life; opening a new session")
            self._session = None
            await self._open(self._opening["id"], encode(self._opening))
            if self._session is None:
                raise unavailable("the system refused a new session")
            started = b'{"jsonrpc":"2.0","method":"notifications/initialized"}'
            for line in (started, *self._restore.values()):
                with suppress(*BROKEN):
                    async with self._http.post(self._url, data=line, headers=self._headers()) as response:
                        await response.read()
        for what in ("tools", "resources", "prompts"):
            await self._say(encode({"jsonrpc": "2.0", "method": f"notifications/{what}/list_changed"}))

    async def _carry(self, number: RequestId, line: bytes) -> None:
        session, last = self._session, None
        try:
            async with self._http.post(self._url, data=line, headers=self._headers()) as response:
                if response.status == _NOT_FOUND and session is not None:
                    raise _SessionLostError
                if response.content_type != "text/event-stream":
                    await self._say(encode(await answer_of(number, response)))
                    return
                answered, last = await follow(self._say, response, number)
        except aiohttp.ClientConnectorError as error:
            raise self._nobody(error) from error
        except BROKEN as error:
            raise unknown(error) from error
        if not answered:
            await self._resume(number, last)

    async def _resume(self, number: RequestId, last: str | None) -> None:
        """Take a broken stream up again until its answer has come."""
        for pause in _BACKOFF_S[:_RESUMES]:
            if last is None:
                break
            await asyncio.sleep(pause)
            try:
                async with self._http.get(self._url, headers={**self._headers(), "Last-Event-ID": last}) as response:
                    if response.status in {_NOT_FOUND, _GONE}:
                        break
                    answered, newest = await follow(self._say, response, number)
            except BROKEN:
                continue
            if answered:
                return
            last = newest or last
        raise unknown("the stream broke and could not be resumed")

    async def _listen(self) -> None:
        """Follow the GET stream for as long as there is a session."""
        last: str | None = None
        attempt = 0
        while True:
            generation = self._generation
            headers = self._headers() | ({} if last is None else {"Last-Event-ID": last})
            try:
                async with self._http.get(self._url, headers=headers) as response:
                    if response.status == _NOT_FOUND:
                        await self._renew(generation)
                        last = None
                    elif response.status == _GONE:
                        last = None
                    elif response.content_type == "text/event-stream":
                        attempt = 0
                        _, newest = await follow(self._say, response, None)
                        last = newest or last
            except (*BROKEN, RpcError) as error:
                log.debug("no event stream: %s", error)
            await asyncio.sleep(_BACKOFF_S[min(attempt, len(_BACKOFF_S) - 1)])
            attempt += 1

    # --- the newer era -----------------------------------------------------------------------------------------------

    async def ask_stateless(self, message: Request, line: bytes) -> None:
        """Carry a request of the 2026-07-28 revision; cancelling this cancels it.

        Raises:
            RpcError: it could not be delivered, or what became of it is unknown.
        """
        answer = await self._carry_stateless(message, line)
        if answer is not None and answer.get("error", {}).get("code") == HEADER_MISMATCH:
            await self._learn(message)
            answer = await self._carry_stateless(message, line)
        if answer is not None:
            await self._say(encode(answer))

    async def _carry_stateless(self, message: Request, line: bytes) -> JSON | None:
        schema = self._schemas.get(str(message.params.get("name"))) if message.method == "tools/call" else None
        headers = {**_ACCEPT, **modern_headers(message.method, message.params, schema)}
        try:
            async with self._http.post(self._url, data=line, headers=headers) as response:
                if response.content_type != "text/event-stream":
                    answer = await answer_of(message.id, response)
                    self._remember(message, answer)
                    return answer
                answered, _ = await follow(self._say, response, message.id)
        except aiohttp.ClientConnectorError as error:
            raise self._nobody(error) from error
        except BROKEN as error:
            raise unknown(error) from error
        if not answered:
            raise unknown("the stream ended without an answer")
        return None

    async def _learn(self, message: Request) -> None:
        """Ask for the tools, to know which parameters are to be mirrored in headers."""
        params = {"_meta": message.params["_meta"]}
        listing = Request("aura-list", "tools/list", params)
        line = encode({"jsonrpc": "2.0", "id": listing.id, "method": listing.method, "params": params})
        await self._carry_stateless(listing, line)

    def _remember(self, message: Request, answer: JSON) -> None:
        if message.method == "tools/list":
            tools: list[JSON] = (answer.get("result") or {}).get("tools") or []
            self._schemas = {tool["name"]: tool["inputSchema"] for tool in tools}

    # --- both --------------------------------------------------------------------------------------------------------

    def _headers(self) -> dict[str, str]:
        if self._session is None:
            return dict(_ACCEPT)
        return {**_ACCEPT, _SESSION_HEADER: self._session, "MCP-Protocol-Version": self._version}

    def _nobody(self, error: object) -> RpcError:
        return unavailable(f"nobody answers at {self._target} ({error}); start the system with `aura serve`")
