"""Envelopes on the wire."""

from __future__ import annotations

import time
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aura_ia_mcp.bus.address import Address
from aura_ia_mcp.bus.envelope import Envelope, Header, Principal, new_id
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.frames import pack, unpack

_names = st.from_regex(r"[a-z][a-z0-9_]{0,31}", fullmatch=True)
_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(
    source=st.builds(Address, _names, st.integers(0, 9999)),
    kind=st.text(min_size=1),
    payload=st.dictionaries(st.text(), _json, max_size=4),
    principal=st.none() | st.builds(Principal, st.text(min_size=1), st.text(), st.text(), st.lists(_names).map(tuple)),
    session=st.text(),
    hops=st.integers(0, 16),
    key=st.text(),
    attempt=st.integers(1, 5),
    tokens=st.dictionaries(_names, st.binary(), max_size=2),
)
def test_an_envelope_survives_the_wire(
    source: Address,
    kind: str,
    payload: dict[str, Any],
    principal: Principal | None,
    session: str,
    hops: int,
    key: str,
    attempt: int,
    tokens: dict[str, bytes],
) -> None:
    header = Header(principal, session, hops=hops, tokens=tokens, deadline=time.monotonic() + 5)
    sent = Envelope(new_id(), source, Address("safety", 1), kind, payload, header, key, attempt)
    got = Envelope.unpack(unpack(pack(0, sent.pack()))[1])
    assert (got.id, got.source, got.target, got.kind, got.payload, got.key, got.attempt) == (
        sent.id,
        source,
        Address("safety", 1),
        kind,
        payload,
        key,
        attempt,
    )
    assert (got.header.principal, got.header.session, got.header.hops, got.header.tokens) == (
        principal,
        session,
        hops,
        tokens,
    )
    assert abs(got.header.deadline - header.deadline) < 1


@given(_json | st.dictionaries(st.sampled_from(["v", "id", "source", "target", "kind", "ttl_ms", "payload"]), _json))
def test_anything_else_is_malformed_and_nothing_worse(data: Any) -> None:
    with pytest.raises(AuraError) as caught:
        Envelope.unpack(data)
    assert caught.value.code in ("malformed", "incompatible_version")


@given(st.binary(max_size=200))
def test_foreign_bytes_are_no_frame_or_a_list_with_an_operation(data: bytes) -> None:
    try:
        members = unpack(data)
    except AuraError as error:
        assert error.code == "malformed"  # noqa: PT017 - either outcome is right
    else:
        assert isinstance(members[0], int)


def test_another_major_version_is_refused_by_name() -> None:
    data = Envelope(new_id(), Address("a"), Address("b"), "k", {}, Header()).pack() | {"v": 2}
    with pytest.raises(AuraError) as caught:
        Envelope.unpack(data)
    assert caught.value.code == "incompatible_version"


def test_members_of_a_newer_minor_version_are_ignored() -> None:
    data = Envelope(new_id(), Address("a"), Address("b"), "k", {}, Header()).pack() | {"colour": "blue"}
    assert Envelope.unpack(data).kind == "k"


def test_a_deadline_only_ever_comes_nearer() -> None:
    header = Header(deadline=time.monotonic() + 10)
    assert header.within(1).deadline < header.deadline
    assert header.within(100).deadline == header.deadline


@pytest.mark.parametrize("text", ["", "Safety", "safety/x", "safety/-1", "safety/99999", "a/b/c", "ünder"])
def test_what_is_no_address_is_refused_with_the_form(text: str) -> None:
    with pytest.raises(ValueError, match="role/replica"):
        Address.parse(text)


def test_an_address_reads_as_it_is_written() -> None:
    assert Address.parse("safety/3") == Address("safety", 3)
    assert Address.parse("safety") == Address("safety", 0)
    assert str(Address("ml", 2)) == "ml/2"


def test_a_frame_is_msgpack() -> None:
    assert msgpack.unpackb(pack(1, {"a": 1})) == [1, {"a": 1}]
