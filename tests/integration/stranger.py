"""A process without any key that knocks at an actor's socket: `python -m tests.integration.stranger SOCKET MANNER`.

Prints the operations and messages that it was answered, as JSON; what it says is written by hand from the bus' format,
so that nothing of the bus' own code helps it.
"""

from __future__ import annotations

import json
import secrets
import socket
import struct
import sys
from typing import Any

import msgpack

_HELLO, _PROOF = 0, 2
_LENGTH = struct.Struct("!I")


def frame(data: bytes) -> bytes:
    return _LENGTH.pack(len(data)) + data


def answers(link: socket.socket) -> list[Any]:
    """What is said until the other side closes, or has answered one frame."""
    held = b""
    while chunk := link.recv(65536):
        held += chunk
        if len(held) >= 4 and len(held) >= 4 + _LENGTH.unpack_from(held)[0]:
            (length,) = _LENGTH.unpack_from(held)
            said: list[Any] = msgpack.unpackb(held[4 : 4 + length])
            return said
    return []


def without_the_key(link: socket.socket) -> list[list[Any]]:
    hello = [_HELLO, 1, "gateway/0", 1 << 50, "safety/0", 0, secrets.token_bytes(16)]
    link.sendall(frame(msgpack.packb(hello)))
    challenge = answers(link)
    link.sendall(frame(msgpack.packb([_PROOF, secrets.token_bytes(32)])))
    return [challenge, answers(link), answers(link)]


def with_garbage(link: socket.socket) -> list[list[Any]]:
    link.sendall(frame(b"\xc1 this is no frame"))
    return [answers(link), answers(link)]


def with_a_foreign_protocol(link: socket.socket) -> list[list[Any]]:
    link.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return [answers(link)]


if __name__ == "__main__":
    manners = {"no-key": without_the_key, "garbage": with_garbage, "http": with_a_foreign_protocol}
    with socket.socket(socket.AF_UNIX) as knocking:
        knocking.settimeout(10)
        knocking.connect(sys.argv[1])
        print(json.dumps(manners[sys.argv[2]](knocking), default=repr))
