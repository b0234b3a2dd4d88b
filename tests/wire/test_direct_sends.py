"""A process of nobody's at the socket of every actor: whatever it says, it is refused, and the audit tells of it.

It may hold a stolen key, of this edge or of another one; it never holds the key that decision tokens are made with.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgpack
import pytest

from aura_ia_mcp.actors.decision import Governed, OfTexts, action_of, covered
from aura_ia_mcp.bus.address import Address
from aura_ia_mcp.bus.edges import KEYED, LAYERS
from aura_ia_mcp.bus.envelope import Envelope, Header, Principal, new_id
from aura_ia_mcp.bus.keys import EdgeKeys
from aura_ia_mcp.bus.messages import (
    CallTool,
    ConfirmHeld,
    Embed,
    HoldCall,
    Message,
    Observed,
    ReadRecords,
    Reenter,
    Register,
    Report,
    RunPlan,
    Unregister,
    UseApproval,
    WriteRecord,
)
from aura_ia_mcp.bus.tokens import Claims, Minter, digest, grant, who
from aura_ia_mcp.cluster.spec import bus_sockets
from aura_ia_mcp.cluster.tree import TREE
from aura_ia_mcp.gateway.client import Client
from aura_ia_mcp.stores import read
from aura_ia_mcp.stores.summary import PEER_KINDS
from tests.support.inprocess import InProcess
from tests.support.system import ROOT

ADA = Principal("ada", "human", "local", ("operator",))
ASKED = sorted(set(LAYERS) - {"cluster"})
AUDIENCES = [role.name for row in TREE for role in row.roles if role.privileged] + ["gateway"]
GRANTED = ("gateway", "workflow")


def asker(role: str) -> str:
    """Somebody who may ask it."""
    found = sorted(source for source, target in KEYED if target == role)
    return "safety" if "safety" in found else found[-1]


@dataclass
class Attack:
    """What the stranger does, and what must come of it.

    Args:
        name: for people.
        at: at whose socket.
        plan: see `tests.integration.stranger.attack`.
        outcomes: of the handshake, then of each envelope.
    """

    name: str
    at: str
    plan: dict[str, Any]
    outcomes: list[str]


class Attacks:
    """Makes them for a system whose keys were stolen."""

    def __init__(self, system: InProcess) -> None:
        self._system = system
        self._folder = bus_sockets(system.paths)
        self._minter = Minter(system.decision_root)
        self.all: list[Attack] = []

    def add(self, name: str, at: str, outcomes: list[str], manner: str = "", **said: Any) -> None:
        source = said.pop("source", asker(at))
        plan = {
            "at": str(self._folder / f"{at}-0.sock"),
            "source": f"{source}/0",
            "epoch": 1,
            "target": f"{at}/0",
            "expected": 0,
            "key": self.key(asker(at), at),
            "envelopes": [],
            "manner": manner,
        }
        self.all.append(Attack(f"{name} at {at}", at, plan | said, outcomes))

    def key(self, source: str, target: str) -> bytes:
        found = EdgeKeys.of(source, self._system.bus_root, KEYED).get(source, target)
        assert found is not None
        return found

    def on_connections(self, at: str) -> None:
        ping = envelope(asker(at), at, ReadRecords("trust"))
        foreign = envelope("directory" if at != "directory" else "cluster", at, ReadRecords("trust"))
        other = next(edge for edge in sorted(KEYED) if at not in edge)
        self.add("no key", at, ["foreign_peer"], key=b"")
        self.add("the key of another edge", at, ["foreign_peer"], key=self.key(*other))
        self.add("no handshake", at, ["foreign_peer"], "unproven", envelopes=[ping])
        self.add("a replayed handshake", at, ["served", "foreign_peer"], "replayed", envelopes=[ping])
        self.add("no declared edge", at, ["undeclared_edge"], source="directory")
        self.add("another's address", at, ["undeclared_edge"], target="nobody/0")
        self.add("an epoch that is over", at, ["stale_epoch"], expected=999)
        if at != "directory":
            self.add("no epoch", at, ["stale_epoch"], epoch=0)
        self.add("another name after the proof", at, ["malformed"], "renamed", envelopes=[foreign])
        self.add("a spoofed source", at, ["served", "spoofed_source"], envelopes=[foreign])
        self.add("a stray envelope", at, ["served", "malformed"], envelopes=[ping | {"target": "nobody/0"}])
        self.add("another version", at, ["served", "incompatible_version"], envelopes=[ping | {"v": 99}])
        self.add("garbage", at, ["malformed"], "garbage")
        self.add("another protocol", at, ["malformed"], "http")

    def on_tokens(self, at: str, message: Message, right: str) -> None:
        """A message that needs a token, with every wrong one; with the right one, its outcome is another."""
        self._right = self._claims(at, message)
        good = self._minter.mint(self._right)
        wrong = {
            "no token": None,
            "a token that is no token": b"x" * 99,
            "an altered token": good[:-1] + bytes([good[-1] ^ 1]),
            "a token with altered claims": bytes([good[0], good[1] ^ 1]) + good[2:],
            "an expired token": self._other(expires=time.time() - 1),
            "a token for another principal": self._other(who=who(Principal("eve"))),
            "a token for another role of the same principal": self._other(who=who(replace(ADA, roles=("agent",)))),
            "a token for other arguments": self._other(arguments=digest({"other": True})),
            "a token for another action": self._other(action="call:other"),
            "a token for another audience": self._other(audience="ml" if at != "ml" else "tools"),
            "a token that another audience forged": Minter(b"stolen" * 6).mint(self._right),
        }
        for name, token in wrong.items():
            sent = envelope(asker(at), at, message, {at: token} if token else {})
            self.add(name, at, ["served", "invalid_token"], envelopes=[sent])
        sent = envelope(asker(at), at, message, {at: good})
        again = sent | {"id": new_id()}
        if at in GRANTED:
            self.add("a grant", at, ["served", right], envelopes=[sent])
        else:
            outcomes = ["served", right, "invalid_token", "invalid_token"]
            self.add("a frame and a token, replayed", at, outcomes, envelopes=[sent, sent, again])

    def _claims(self, at: str, message: Message) -> Claims:
        if at in GRANTED:
            action, arguments = grant("parent"), digest(None)
        else:
            assert isinstance(message, Governed | OfTexts)
            tools = self._system.actors["tools"].catalogue.tools  # type: ignore[attr-defined]
            contract = tools["echo"].definition.fingerprint if at == "tools" else ""
            action, arguments = action_of(message, contract), digest(covered(message))
        return Claims(new_id(), who(ADA), action, arguments, "p", at, time.time() + 60)

    def _other(self, **claims: Any) -> bytes:
        return self._minter.mint(replace(self._right, id=new_id(), **claims))

    def on_claims(self, source: str, at: str, message: Message, code: str) -> None:
        """A message that this source, which may ask there, may not send."""
        sent = envelope(source, at, message)
        self.add(
            f"{message.kind} of {source}",
            at,
            ["served", code],
            source=source,
            envelopes=[sent],
            key=self.key(source, at),
        )


def envelope(source: str, target: str, message: Message, tokens: dict[str, bytes] | None = None) -> dict[str, Any]:
    header = Header(principal=ADA, tokens=tokens or {}, deadline=time.monotonic() + 60)
    return Envelope(new_id(), Address(source), Address(target), message.kind, message.payload(), header).pack()


@pytest.fixture
async def system(tmp_path: Path) -> AsyncIterator[InProcess]:
    async with InProcess(tmp_path, sockets=True) as running:
        yield running


async def carried_out(attacks: list[Attack]) -> list[list[str]]:
    """What a process of its own got for them."""
    stranger = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.integration.stranger", "-", "-"),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await asyncio.wait_for(stranger.communicate(msgpack.packb([one.plan for one in attacks])), 60)
    assert stranger.returncode == 0
    outcomes: list[list[str]] = json.loads(printed)
    return outcomes


async def judge(system: InProcess, attacks: list[Attack]) -> None:
    """Each attack came out as it must, and has just its own record, by the actor at whose socket it was."""
    found = await carried_out(attacks)
    assert {one.name: got for one, got in zip(attacks, found, strict=True)} == {
        one.name: one.outcomes for one in attacks
    }
    due = Counter((f"{one.at}/0", code) for one in attacks for code in one.outcomes if code in PEER_KINDS)
    told = Counter((one["at"], one["kind"]) for one in read.records(system.paths.audit) if one["kind"] in PEER_KINDS)
    assert told == due
    async with Client(system.url) as client:
        assert (await client.call_tool("echo", {"text": "as before"}))["isError"] is False


async def test_a_stranger_at_any_actors_socket_is_refused_and_recorded(system: InProcess) -> None:
    attacks = Attacks(system)
    for role in ASKED:
        attacks.on_connections(role)
    assert len(attacks.all) > 14 * len(ASKED) - 2
    await judge(system, attacks.all)


async def test_with_a_stolen_edge_key_no_decision_token_but_the_right_one_runs_anything(system: InProcess) -> None:
    attacks = Attacks(system)
    for role in AUDIENCES:
        message: Message = CallTool("nothing", {"text": "x"})
        right = "unknown_tool"
        if role == "tools":
            message, right = CallTool("echo", {"text": "x"}), "served"
        elif role == "gateway":
            message, right = Reenter("parent", "echo", {"text": "x"}), "served"
        elif role == "workflow":
            message, right = RunPlan("parent", []), "invalid_arguments"
        attacks.on_tokens(role, message, right)
    attacks.on_tokens("ml", Embed(["x"]), "unavailable")
    await judge(system, attacks.all)


async def test_with_a_stolen_edge_key_nobody_says_what_is_another_actors_to_say(system: InProcess) -> None:
    attacks = Attacks(system)
    binding = {"principal": "local/ada", "tool": "echo", "contract": "c", "arguments": "a", "policy": "p"}
    for message in (
        HoldCall("approve", binding, "c", {}),
        ConfirmHeld("a", binding, "c"),
        UseApproval("a", binding, "c"),
    ):
        attacks.on_claims("tools", "approvals", message, "forbidden")
    for source in ("gateway", "safety", "tools"):
        attacks.on_claims(source, "state", ReadRecords("trust"), "forbidden")
        attacks.on_claims(source, "state", WriteRecord("trust", "local/ada", {"value": 1.0}), "forbidden")
    for kind in ("approval", "switches"):
        attacks.on_claims("roles", "state", WriteRecord(kind, "x", {}), "forbidden")
    for source in ("tools", "reasoning"):
        attacks.on_claims(source, "roles", Observed(ADA.as_dict(), "approval_granted"), "forbidden")
    attacks.on_claims("tools", "directory", Register("safety/0", "here", "unix:/tmp/x"), "spoofed_source")
    attacks.on_claims("tools", "directory", Unregister("safety/0", 1), "spoofed_source")
    attacks.on_claims("tools", "telemetry", Report("safety/0", {}), "spoofed_source")
    await judge(system, attacks.all)
