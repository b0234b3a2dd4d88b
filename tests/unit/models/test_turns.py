"""Promises of `models.turns`."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aura_ia_mcp.models.turns import Turns

sizes_strategy = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 30), min_size=1)


def filled(sizes: dict[str, int]) -> Turns[tuple[str, int]]:
    turns = Turns[tuple[str, int]]()
    for group, size in sizes.items():
        turns.add(group, [(group, number) for number in range(size)])
    return turns


@given(sizes_strategy, st.integers(0, 200))
def test_a_window_shares_its_room_and_keeps_the_order_within_a_group(sizes: dict[str, int], most: int) -> None:
    turns = filled(sizes)
    window = turns.window(most)
    assert len(window) == min(most, len(turns))
    shares = {group: [number for name, number in window if name == group] for group in sizes}
    assert all(numbers == list(range(len(numbers))) for numbers in shares.values())
    unserved = [len(shares[group]) for group, size in sizes.items() if len(shares[group]) < size]
    assert not unserved or max(map(len, shares.values())) <= min(unserved) + 1


@given(sizes_strategy)
def test_a_newcomer_leads_after_one_turn_of_each_other_group(sizes: dict[str, int]) -> None:
    turns = filled(sizes)
    turns.add("new", [("new", 0)])
    for _ in sizes:
        assert turns.leader() != "new"
        turns.end_turn(str(turns.leader()))
    assert turns.leader() == "new"
    assert turns.window(1) == [("new", 0)]


def test_what_is_dropped_waits_no_longer_and_empty_groups_take_no_turn() -> None:
    turns = filled({"a": 1, "b": 2})
    turns.drop(turns.window(2))
    assert (len(turns), turns.count("a"), turns.count("b"), turns.leader()) == (1, 0, 1, "b")
    turns.end_turn("a")
    assert turns.clear() == [("b", 1)]
    assert turns.leader() is None
