"""A process of nobody's that knocks at actors' sockets: `python -m tests.integration.stranger SOCKET MANNER`.

Prints the operations and messages that it was answered, as JSON. With `- -` it reads attacks, a list in msgpack, from
its standard input, and prints one list of outcomes for each: `served`, or the code of the error. What it says is
written by hand from the bus' format, so that nothing of the bus' own code helps it.
"""

from __future__ import annotations

import hmac
import json
import secrets
import socket
import struct
import sys
from typing import Any

import msgpack

_HELLO, _CHALLENGE, _PROOF, _WELCOME, _REFUSED, _REQUEST, _SEND, _REPLY, _FAIL = range(9)
_LENGTH = struct.Struct("!I")
_PATIENCE_S = 10


def frame(data: bytes) -> bytes:
    return _LENGTH.pack(len(data)) + data


def said(*members: Any) -> bytes:
    return frame(msgpack.packb(members, unicode_errors="surrogatepass"))


class Knock:
    """A connection to somebody's socket."""

    def __init__(self, path: str) -> None:
        self.link = socket.socket(socket.AF_UNIX)
        self.link.settimeout(_PATIENCE_S)
        self.link.connect(path)
        self._held = b""

    def close(self) -> None:
        self.link.close()

    def say(self, *frames: bytes) -> None:
        """All at once, so that they are read at once."""
        self.link.sendall(b"".join(frames))

    def hear(self) -> list[Any]:
        """The next frame; [] when the other side has closed."""
        while len(self._held) < 4 or len(self._held) < 4 + _LENGTH.unpack_from(self._held)[0]:
            chunk = self.link.recv(65536)
            if not chunk:
                return []
            self._held += chunk
        (length,) = _LENGTH.unpack_from(self._held)
        whole: list[Any] = msgpack.unpackb(self._held[4 : 4 + length], unicode_errors="surrogatepass")
        self._held = self._held[4 + length :]
        return whole

    def outcome(self) -> str:
        """What came of what was said."""
        while heard := self.hear():
            if heard[0] in (_REFUSED, _FAIL):
                return str(heard[-1]["code"])
            if heard[0] in (_REPLY, _WELCOME):
                return "served"
        return "closed"


def without_the_key(knock: Knock) -> list[list[Any]]:
    knock.say(said(_HELLO, 1, "gateway/0", 1 << 50, "safety/0", 0, secrets.token_bytes(16)))
    challenge = knock.hear()
    knock.say(said(_PROOF, secrets.token_bytes(32)))
    return [challenge, knock.hear(), knock.hear()]


def with_garbage(knock: Knock) -> list[list[Any]]:
    knock.say(frame(b"\xc1 this is no frame"))
    return [knock.hear(), knock.hear()]


def with_a_foreign_protocol(knock: Knock) -> list[list[Any]]:
    knock.link.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return [knock.hear()]


MANNERS = {"no-key": without_the_key, "garbage": with_garbage, "http": with_a_foreign_protocol}


def proof(key: bytes, hello: list[Any], challenge: list[Any]) -> bytes:
    """What the holder of a key says to a challenge."""
    return said(_PROOF, hmac.digest(key, msgpack.packb(["caller", hello, *challenge[1:3]]), "sha256"))


def attack(plan: dict[str, Any]) -> list[str]:
    """What came of the handshake, and of each envelope sent after it.

    A plan says `at` (the socket), who it claims to be and whom it wants (`source`, `epoch`, `target`, `expected`), the
    `key` that it holds (b"" for none), the `envelopes` to be sent, and in what `manner`.
    """
    if plan["manner"] in MANNERS:
        return [MANNERS[plan["manner"]](knock := Knock(plan["at"]))[-1 if plan["manner"] == "http" else -2][1]["code"]]
    knock = Knock(plan["at"])
    hello = [1, plan["source"], plan["epoch"], plan["target"], plan["expected"], secrets.token_bytes(16)]
    if plan["manner"] == "unproven":
        knock.say(*(said(_REQUEST, 1, envelope) for envelope in plan["envelopes"]))
        return [knock.outcome()]
    knock.say(said(_HELLO, *hello))
    challenge = knock.hear()
    if challenge[0] == _REFUSED:
        return [challenge[1]["code"]]
    proven = proof(plan["key"] or secrets.token_bytes(32), hello, challenge)
    if plan["manner"] == "renamed":
        (envelope,) = plan["envelopes"]
        another = said(_HELLO, 1, envelope["source"], plan["epoch"], plan["target"], 0, secrets.token_bytes(16))
        knock.say(another, proven, said(_SEND, envelope))
        return [knock.outcome()]
    knock.say(proven)
    outcomes = [knock.outcome()]
    if plan["manner"] == "replayed":
        again = Knock(plan["at"])
        again.say(said(_HELLO, *hello), proven, *(said(_REQUEST, 1, envelope) for envelope in plan["envelopes"]))
        return [*outcomes, again.outcome()]
    for number, envelope in enumerate(plan["envelopes"]):
        knock.say(said(_REQUEST, number, envelope))
        outcomes.append(knock.outcome())
    knock.close()
    return outcomes


if __name__ == "__main__":
    where, manner = sys.argv[1:]
    if where == "-":
        print(json.dumps([attack(plan) for plan in msgpack.unpackb(sys.stdin.buffer.read())]))
    else:
        print(json.dumps(MANNERS[manner](Knock(where)), default=repr))
