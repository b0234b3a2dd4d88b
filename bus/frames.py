"""Frames: msgpack lists that begin with an operation."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import msgpack

from .errors import AuraError


class Op(IntEnum):
    """The first member of a frame."""

    HELLO = 0  # version, source, source epoch, target, expected epoch, nonce
    CHALLENGE = 1  # nonce, epoch, proof
    PROOF = 2  # proof
    WELCOME = 3
    REFUSED = 4  # failure
    REQUEST = 5  # number, envelope
    SEND = 6  # envelope
    REPLY = 7  # number, payload
    FAIL = 8  # number, failure
    ITEM = 9  # number, item
    ASK = 10  # number, question number, question
    ANSWER = 11  # number, question number, answer
    ANSWER_FAIL = 12  # number, question number, failure
    CANCEL = 13  # number


def pack(*members: Any) -> bytes:
    """The bytes of a frame.

    Raises:
        AuraError: `invalid_arguments` for a value that can't be carried (an integer beyond 64 bits, nesting over 500).
    """
    try:
        frame: bytes = msgpack.packb(members, unicode_errors="surrogatepass")
    except (OverflowError, ValueError, TypeError) as error:
        raise AuraError("invalid_arguments", f"a value can't be carried: {error}") from error
    return frame


def unpack(frame: bytes) -> list[Any]:
    """The members of a frame.

    Raises:
        AuraError: `malformed`.
    """
    try:
        members = msgpack.unpackb(frame, unicode_errors="surrogatepass", strict_map_key=False)
    except (ValueError, msgpack.UnpackException) as error:
        raise AuraError("malformed", f"not a frame: {type(error).__name__}") from error
    if not isinstance(members, list) or not members or not isinstance(members[0], int):
        raise AuraError("malformed", "not a frame: no operation")
    return members
