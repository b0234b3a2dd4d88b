"""JSON-RPC 2.0 at the door: bytes in, one checked message or one stated error out.

Pure functions. The nesting of a body is measured before it is parsed, so that no input can exhaust the stack.
Source: JSON-RPC 2.0 specification; MCP 2025-11-25, Base Protocol (batches were removed in 2025-06-18).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from mcp_types import PROTOCOL_VERSION_META_KEY
from mcp_types.jsonrpc import (
    HEADER_MISMATCH,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    PARSE_ERROR,
    UNSUPPORTED_PROTOCOL_VERSION,
)
from pydantic_core import from_json, to_json

JSON = dict[str, Any]
RequestId = str | int

REQUEST_CANCELLED = -32800
SERVER_BUSY = -32010
SESSION_NOT_FOUND = -32001

_MAX_ID_CHARS = 512
_FIRST_LOOK_BYTES = 8192
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")

STATUS_OF_CODE: dict[int, int] = {
    PARSE_ERROR: 400,
    INVALID_REQUEST: 400,
    INVALID_PARAMS: 400,
    HEADER_MISMATCH: 400,
    MISSING_REQUIRED_CLIENT_CAPABILITY: 400,
    UNSUPPORTED_PROTOCOL_VERSION: 400,
    METHOD_NOT_FOUND: 404,
}
"""HTTP status that the 2026-07-28 revision gives a JSON-RPC error; any other code goes with 200."""


class RpcError(Exception):
    """A JSON-RPC error for the peer.

    Args:
        code: as the specifications give it.
        message: one sentence: what happened, and what to do.
        data: more about it, JSON.
        status: the HTTP status, where it isn't the era's usual one.
        headers: HTTP headers that belong to it, such as `Retry-After`.
    """

    def __init__(
        self,
        code: int,
        message: str,
        *,
        data: Any = None,
        status: int | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data
        self.status = status
        self.headers = headers or {}

    def as_dict(self) -> JSON:
        """The `error` member."""
        error: JSON = {"code": self.code, "message": self.message}
        if self.data is not None:
            error["data"] = self.data
        return error


@dataclass(frozen=True, slots=True)
class Request:
    """A request; `params` is empty where the message had none."""

    id: RequestId
    method: str
    params: JSON = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Notification:
    """A message that wants no answer."""

    method: str
    params: JSON = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """The peer's answer to a request of ours: `error` is set when it failed there."""

    id: RequestId
    result: JSON
    error: JSON | None = None


Incoming = Request | Notification | Answer


def has_envelope(message: Request) -> bool:
    """Whether a request's `_meta` names its protocol revision, as every one of the newer era does (2026-07-28)."""
    meta = message.params.get("_meta")
    return isinstance(meta, dict) and PROTOCOL_VERSION_META_KEY in meta


def depth_of(raw: bytes) -> int:
    """How deep arrays and objects nest, without parsing; never less than a parser would find.

    Linear in the length of `raw`; brackets inside strings don't count.
    """
    if raw.count(b"[") + raw.count(b"{") < 2:  # noqa: PLR2004 - nothing can nest
        return raw.count(b"[") + raw.count(b"{")
    steps = _STRING.sub(b"", raw).translate(_STEPS, _NOT_BRACKETS)
    return max(accumulate(memoryview(steps).cast("b")), default=0)


def _too_deep(raw: bytes, most: int) -> bool:
    """Whether it nests deeper than `most`; what does so in its first bytes is found without reading the rest."""
    return depth_of(raw[:_FIRST_LOOK_BYTES]) > most or (len(raw) > _FIRST_LOOK_BYTES and depth_of(raw) > most)


def decode(raw: bytes, max_nesting: int) -> Any:
    """The JSON value in `raw`.

    Raises:
        RpcError: parse error, for what isn't UTF-8 or JSON or nests deeper than `max_nesting`.
    """
    if raw.count(b"[") + raw.count(b"{") > max_nesting and _too_deep(raw, max_nesting):
        raise RpcError(PARSE_ERROR, f"the JSON nests deeper than {max_nesting} levels; send it flatter", status=400)
    try:
        return from_json(raw, allow_inf_nan=False)
    except ValueError as error:
        raise RpcError(PARSE_ERROR, f"the body is not UTF-8 JSON: {error}", status=400) from None


def parse(raw: bytes, max_nesting: int) -> Incoming:
    """The one message in a body or a line.

    Raises:
        RpcError: parse error or invalid request, with HTTP status 400.
    """
    return read(decode(raw, max_nesting))


def read(value: Any) -> Incoming:
    """Check the form of a decoded message.

    Raises:
        RpcError: invalid request, with HTTP status 400.
    """
    if not isinstance(value, dict):
        what = "a batch" if isinstance(value, list) else "no object"
        raise _invalid(f"the body is {what}; send one JSON-RPC message")
    if value.get("jsonrpc") != "2.0":
        raise _invalid('the member "jsonrpc" must be "2.0"')
    if "method" not in value:
        return _answer(value)
    method, params = value["method"], value.get("params")
    if not isinstance(method, str):
        raise _invalid('the member "method" must be text')
    if params is None:
        params = {}
    elif not isinstance(params, dict):
        raise _invalid('the member "params" must be an object')
    if "id" not in value:
        return Notification(method, params)
    return Request(_request_id(value["id"]), method, params)


def _answer(value: JSON) -> Answer:
    if "result" not in value and "error" not in value:
        raise _invalid('the message has neither "method" nor "result" nor "error"')
    number = _request_id(value.get("id"))
    error = value.get("error")
    if error is not None:
        if not isinstance(error, dict):
            raise _invalid('the member "error" must be an object')
        return Answer(number, {}, error)
    result = value.get("result")
    if not isinstance(result, dict):
        raise _invalid('the member "result" must be an object')
    return Answer(number, result)


def _request_id(value: Any) -> RequestId:
    if isinstance(value, str) and len(value) <= _MAX_ID_CHARS:
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() <= 64:  # noqa: PLR2004
        return value
    raise _invalid(f'the member "id" must be a whole number of 64 bits or text of at most {_MAX_ID_CHARS} characters')


def _invalid(message: str) -> RpcError:
    return RpcError(INVALID_REQUEST, message, status=400)


def encode(value: Any) -> bytes:
    """JSON bytes; a number that JSON can't say (NaN, infinity) becomes null.

    Raises:
        ValueError: the value holds something that isn't JSON.
    """
    return to_json(value, inf_nan_mode="null")


def encode_result(number: RequestId, result: JSON) -> bytes:
    """The response to a request."""
    return b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (to_json(number), encode(result))


def encode_error(number: RequestId | None, error: RpcError) -> bytes:
    """The error response to a request; `number` is None when the request's own id could not be read."""
    return b'{"jsonrpc":"2.0","id":%b,"error":%b}' % (to_json(number), encode(error.as_dict()))


def encode_notification(method: str, params: JSON) -> bytes:
    """A notification."""
    return encode({"jsonrpc": "2.0", "method": method, "params": params})


def encode_request(number: RequestId, method: str, params: JSON) -> bytes:
    """A request of ours."""
    return encode({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
