"""What each MCP method does, in either era: checks its parameters and asks the graph."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from mcp_types.jsonrpc import INVALID_PARAMS, METHOD_NOT_FOUND, MISSING_REQUIRED_CLIENT_CAPABILITY
from mcp_types.methods import validate_client_request
from pydantic import ValidationError

from aura_ia_mcp.bus.errors import AuraError, ErrorType
from aura_ia_mcp.bus.messages import CallTool, Complete, GetPrompt

from .catalogue import Catalogue
from .exchange import CAPABILITY_OF, CLIENT, Exchange
from .graph import Graph, refusal
from .jsonrpc import JSON, SERVER_BUSY, RpcError, encode
from .metrics import Metrics
from .sentences import joined

Method = Callable[[Exchange, JSON], Awaitable[JSON]]

RESOURCE_NOT_FOUND = -32002
_ROUNDS = 8
_LONGEST_KEY = 256
_LONGEST_WAIT_S = 3600.0
_TIMEOUT = "aura/timeout_s"
_LISTS = {
    "tools/list": ("tools", "tools"),
    "resources/list": ("resources", "resources"),
    "resources/templates/list": ("resource_templates", "resourceTemplates"),
    "prompts/list": ("prompts", "prompts"),
}


def check_params(method: str, version: str, params: JSON) -> None:
    """Check a request against the schema of its protocol revision.

    Raises:
        RpcError: the method isn't in that revision, or a parameter is amiss.
    """
    try:
        validate_client_request(method, version, params)
    except KeyError:
        raise RpcError(METHOD_NOT_FOUND, f"there is no method {method[:64]!r} in {version}") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "params"
        raise RpcError(INVALID_PARAMS, f"{where}: {first['msg']}") from None


@dataclass(frozen=True)
class Methods:
    """The methods that the graph answers.

    Args:
        graph: who is asked.
        catalogue: what is known of it.
        timeout_s: the deadline of a call whose client names none (`_meta["aura/timeout_s"]`).
        metrics: where calls are counted.
    """

    graph: Graph
    catalogue: Catalogue
    timeout_s: float
    metrics: Metrics

    async def serve(self, exchange: Exchange, method: str, params: JSON) -> JSON:
        """The result of a request whose parameters were checked.

        Raises:
            RpcError: what the client is to be told instead.
        """
        if method == "tools/call":
            return await self.call_tool(exchange, params)
        try:
            if method in _LISTS:
                return await self._list(exchange, method, params)
            if method == "resources/read":
                timeout_s = self._timeout_s(exchange)
                return _unwrap(await self.graph.read(exchange.caller, params["uri"], timeout_s=timeout_s))
            if method == "prompts/get":
                return await self._prompt(exchange, params)
            if method == "completion/complete":
                return _unwrap(await self._complete(exchange, params))
        except AuraError as error:
            if error.code == "unknown_resource":
                raise _no_resource(exchange, params, error) from None
            raise as_rpc_error(error) from None
        raise RpcError(METHOD_NOT_FOUND, f"there is no method {method[:64]!r} here")

    async def check_readable(self, exchange: Exchange, uris: Iterable[str]) -> None:
        """Nobody hears of a resource that it may not read: each URI must be one that the caller's catalogue shows.

        Raises:
            RpcError: as for reading what isn't there, or nobody could tell.
        """
        try:
            for uri in uris:
                if not await self.catalogue.shows(exchange.caller, uri):
                    error = AuraError("unknown_resource", f"there is no resource {uri[:128]!r}")
                    raise _no_resource(exchange, {"uri": uri}, error)
        except AuraError as error:
            raise as_rpc_error(error) from None

    async def call_tool(self, exchange: Exchange, params: JSON) -> JSON:
        """Run a tool. What the graph refuses comes back as a result with `isError`, as a model can read it.

        Raises:
            RpcError: the client lacks a capability that the tool needs, its `requestState` was altered, or a member
                of its `_meta` is of the wrong type.
        """
        message, timeout_s = self._call(exchange, params), self._timeout_s(exchange)
        began = time.perf_counter()
        outcome = "cancelled"
        try:
            result = await self._run(exchange, message, timeout_s)
            if not exchange.modern:
                result = await self._answer_here(exchange, message, timeout_s, result)
            outcome = "execution" if result.get("isError") else "ok"
        except AuraError as error:
            outcome = error.failure.type
            if exchange.modern and exchange.missing is not None:
                raise _missing(exchange.missing) from None
            if error.code == "malformed" and message.state is not None:
                raise as_rpc_error(error) from None
            return refusal(error.failure)
        finally:
            known = self.catalogue.knows(exchange.caller, message.tool)
            self.metrics.called(message.tool, outcome, time.perf_counter() - began, known=known)
        if exchange.modern:
            _check_capabilities(exchange, result)
        return result

    def _call(self, exchange: Exchange, params: JSON) -> CallTool:
        inputs, state = params.get("inputResponses"), params.get("requestState")
        return CallTool(
            tool=params["name"],
            arguments=params.get("arguments") or {},
            server=exchange.caller.server,
            meta={**exchange.meta, CLIENT: exchange.client_name},
            key=_key(exchange, inputs, state),
            client=exchange.client,
            inputs=inputs,
            state=state,
            era=exchange.version,
        )

    async def _run(self, exchange: Exchange, message: CallTool, timeout_s: float) -> JSON:
        return _unwrap(
            await self.graph.call(
                exchange.caller,
                message,
                timeout_s=timeout_s,
                retry=self.catalogue.may_repeat(exchange.caller, message.tool),
                on_item=exchange.on_item,
                on_ask=exchange.on_ask,
            )
        )

    async def _answer_here(self, exchange: Exchange, message: CallTool, timeout_s: float, result: JSON) -> JSON:
        """In the older era the gateway itself puts an `input_required` to the client, and calls again."""
        rounds = 0
        while result.get("resultType") == "input_required":
            rounds += 1
            if rounds > _ROUNDS:
                raise AuraError("tool_failed", f"the tool asked for input more than {_ROUNDS} times")
            answers = await _answers(exchange, message.tool, result.get("inputRequests") or {}, timeout_s)
            state = result.get("requestState")
            message = CallTool(
                **{**message.payload(), "inputs": answers, "state": state, "key": _key(exchange, answers, state)}
            )
            result = await self._run(exchange, message, timeout_s)
        return result

    async def _list(self, exchange: Exchange, method: str, params: JSON) -> JSON:
        if params.get("cursor") is not None:
            raise RpcError(INVALID_PARAMS, "unknown cursor; lists come whole, so ask without one")
        what, member = _LISTS[method]
        listing = await self.catalogue.listing(exchange.caller, what)
        result: JSON = {member: listing.entries}
        if listing.absent:
            result["_meta"] = {"aura/absent": listing.absent}
        return result

    async def _prompt(self, exchange: Exchange, params: JSON) -> JSON:
        message = GetPrompt(
            name=params["name"],
            arguments=params.get("arguments") or {},
            server=exchange.caller.server,
            client=exchange.client,
            inputs=params.get("inputResponses"),
            state=params.get("requestState"),
        )
        result = _unwrap(await self.graph.prompt(exchange.caller, message, timeout_s=self._timeout_s(exchange)))
        if exchange.modern:
            _check_capabilities(exchange, result)
        return result

    async def _complete(self, exchange: Exchange, params: JSON) -> JSON:
        context = params.get("context") or {}
        message = Complete(params["ref"], params["argument"], context, server=exchange.caller.server)
        return await self.graph.complete(exchange.caller, message, timeout_s=self._timeout_s(exchange))

    def _timeout_s(self, exchange: Exchange) -> float:
        if _TIMEOUT not in exchange.meta:
            return self.timeout_s
        named = exchange.meta[_TIMEOUT]
        if isinstance(named, bool) or not isinstance(named, int | float) or not named > 0:
            raise RpcError(INVALID_PARAMS, f"_meta.{_TIMEOUT}: must be a number of seconds above 0")
        return float(min(named, _LONGEST_WAIT_S))


async def _answers(exchange: Exchange, tool: str, questions: JSON, timeout_s: float) -> JSON:
    """What the client answers to each question, all of them within the time of one call.

    Raises:
        AuraError: it can't be asked, or didn't answer in time.
    """
    try:
        async with asyncio.timeout(timeout_s):
            return {name: await exchange.on_ask(question) for name, question in questions.items()}
    except TimeoutError:
        raise AuraError(
            "deadline_exceeded", f"the client did not answer what {tool} asked within {timeout_s:g} s"
        ) from None


def _unwrap(reply: JSON) -> JSON:
    """A reply, unless it stands for a JSON-RPC error: {"rpc_error": {"code", "message", "data"?}}."""
    error = reply.get("rpc_error")
    if error is None:
        return reply
    raise RpcError(int(error["code"]), str(error["message"]), data=error.get("data"))


def _key(exchange: Exchange, inputs: JSON | None, state: str | None) -> str:
    """The client's idempotency key: `_meta` callId within its threadId, else the `Idempotency-Key` header.

    A call that continues after input was asked for is another step of the same call, and gets a key of its own.

    Raises:
        RpcError: the callId is neither a text nor an integer.
    """
    call, thread = exchange.meta.get("callId", ""), exchange.meta.get("threadId", "")
    if isinstance(call, bool) or not isinstance(call, str | int):
        raise RpcError(INVALID_PARAMS, "_meta.callId: must be a text or an integer")
    key = exchange.headers_key if call == "" else f"{thread}:{call}"
    if len(key) > _LONGEST_KEY:
        key = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()
    if key and (inputs is not None or state is not None):
        key += "#" + hashlib.sha256(encode([inputs, state])).hexdigest()[:16]
    return key


def _check_capabilities(exchange: Exchange, result: JSON) -> None:
    if result.get("resultType") != "input_required":
        return
    for question in (result.get("inputRequests") or {}).values():
        capability = CAPABILITY_OF.get(str(question.get("method")))
        if capability is not None and not isinstance(exchange.client.get(capability), dict):
            raise _missing(capability)


def _missing(capability: str) -> RpcError:
    return RpcError(
        MISSING_REQUIRED_CLIENT_CAPABILITY,
        f"this needs the client capability {capability!r}, which the request didn't declare",
        data={"requiredCapabilities": {capability: {}}},
    )


def _no_resource(exchange: Exchange, params: JSON, error: AuraError) -> RpcError:
    data = {**error.failure.as_dict(), "uri": params.get("uri")}
    return RpcError(INVALID_PARAMS if exchange.modern else RESOURCE_NOT_FOUND, str(error), data=data)


def as_rpc_error(error: AuraError) -> RpcError:
    """A failure of a method that has no result of its own for failures."""
    failure = error.failure
    code = INVALID_PARAMS if failure.type == ErrorType.VALIDATION else SERVER_BUSY
    return RpcError(code, joined(failure.message, failure.recovery), data=failure.as_dict())
