"""Decision tokens and the keys behind them."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aura_ia_mcp.bus.edges import EDGES, LAYERS, check
from aura_ia_mcp.bus.errors import TABLE, AuraError, Failure
from aura_ia_mcp.bus.keys import EdgeKeys, audience_key, derive, new_root
from aura_ia_mcp.bus.tokens import Claims, Minter, Verifier, digest

ROOT = b"r" * 32
ARGUMENTS = {"text": "hi", "n": 1}


def claims(**changes: object) -> Claims:
    made = Claims("c1", "ada", "echo", digest(ARGUMENTS), "p1", "tools", time.time() + 60)
    return replace(made, **changes)  # type: ignore[arg-type]


def verifier(audience: str = "tools") -> Verifier:
    return Verifier(audience, audience_key(ROOT, audience))


def verify(token: bytes | None, **changes: object) -> Claims:
    what = {"action": "echo", "arguments": ARGUMENTS, "who": "ada", "delivery": "d1"} | changes
    return verifier().verify(token, **what)  # type: ignore[arg-type]


def test_a_token_opens_just_the_call_it_was_made_for() -> None:
    assert verify(Minter(ROOT).mint(claims())).policy == "p1"


@pytest.mark.parametrize(
    "changes",
    [{"action": "other"}, {"who": "eve"}, {"arguments": {"text": "hi", "n": 2}}, {"arguments": {}}],
)
def test_a_token_opens_nothing_else(changes: dict[str, object]) -> None:
    with pytest.raises(AuraError) as caught:
        verify(Minter(ROOT).mint(claims()), **changes)
    assert caught.value.code == "invalid_token"


@pytest.mark.parametrize("token", [None, b"", b"short", "text"])
def test_no_token_is_no_permission(token: bytes | None) -> None:
    with pytest.raises(AuraError) as caught:
        verify(token)
    assert caught.value.code == "invalid_token"


def test_an_expired_token_is_refused() -> None:
    with pytest.raises(AuraError, match="expiry"):
        verify(Minter(ROOT).mint(claims(expires=time.time() - 1)))


def test_a_token_of_another_audience_is_refused() -> None:
    with pytest.raises(AuraError):
        verify(Minter(ROOT).mint(claims(audience="ml")))


def test_a_verifier_cannot_mint_for_another_audience() -> None:
    forged = Minter(audience_key(ROOT, "ml")).mint(claims())
    with pytest.raises(AuraError):
        verify(forged)


@pytest.mark.parametrize("delivery", ["d1", "d2"])
def test_a_token_is_spent_by_its_first_delivery(delivery: str) -> None:
    token, checker = Minter(ROOT).mint(claims()), verifier()
    checker.verify(token, action="echo", arguments=ARGUMENTS, who="ada", delivery="d1")
    with pytest.raises(AuraError, match="used before"):
        checker.verify(token, action="echo", arguments=ARGUMENTS, who="ada", delivery=delivery)


def test_a_delivery_whose_duplicates_are_dropped_may_come_again_and_no_other_may() -> None:
    token, checker = Minter(ROOT).mint(claims()), verifier()
    for _ in range(2):
        checker.verify(token, action="echo", arguments=ARGUMENTS, who="ada", delivery="d1", repeats=True)
    with pytest.raises(AuraError, match="used before"):
        checker.verify(token, action="echo", arguments=ARGUMENTS, who="ada", delivery="d2", repeats=True)


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_no_flipped_bit_goes_unseen(position: int, flip: int) -> None:
    token = bytearray(Minter(ROOT).mint(claims()))
    token[position % len(token)] ^= flip
    with pytest.raises(AuraError):
        verify(bytes(token))


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.none()))
def test_the_digest_does_not_depend_on_the_order_of_keys(arguments: dict[str, object]) -> None:
    assert digest(arguments) == digest(dict(reversed(arguments.items())))


def test_each_edge_and_each_audience_has_a_key_of_its_own() -> None:
    root = new_root()
    keys = {derive(root, purpose) for purpose in ("edge:a->b", "edge:b->a", "decision-token:a", "decision-token:b")}
    assert len(keys) == 4
    assert root not in keys


def test_a_role_gets_only_the_keys_of_its_own_edges() -> None:
    keys = EdgeKeys.of("tools", ROOT, EDGES)
    assert all("tools" in edge for edge in keys.by_edge)
    assert keys.get("gateway", "safety") is None
    assert keys.get("safety", "tools") == EdgeKeys.of("safety", ROOT, EDGES).get("safety", "tools")


def test_keys_do_not_show_in_a_repr() -> None:
    assert "by_edge" not in repr(EdgeKeys.of("tools", ROOT, EDGES))


def test_the_shipped_edges_go_down_and_never_in_a_circle() -> None:
    check(EDGES, LAYERS)


@pytest.mark.parametrize(
    ("edges", "complaint"),
    [
        ({("tools", "safety")}, "goes up"),
        ({("state", "audit"), ("audit", "state")}, "circle"),
        ({("tools", "nowhere")}, "no layer"),
    ],
)
def test_a_graph_that_could_call_upwards_is_refused(edges: set[tuple[str, str]], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        check(frozenset(edges), LAYERS)


@pytest.mark.parametrize("code", sorted(TABLE))
def test_every_error_says_what_to_do_and_survives_the_wire(code: str) -> None:
    error = AuraError(code, "what happened", retry_after_s=1.5)
    assert error.failure.recovery
    again = AuraError.from_failure(Failure.from_dict(error.failure.as_dict() | {"newer": 1}))
    assert again.failure == error.failure
    assert again.with_audit("a1").failure.audit_id == "a1"
