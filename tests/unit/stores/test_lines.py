"""Lines of growing files, read from either end."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aura_ia_mcp.stores import lines
from aura_ia_mcp.stores.lines import MOST_LINE_BYTES, Budget, ExhaustedError, backwards, forwards

TEXTS = st.lists(st.binary(min_size=1, max_size=40).map(lambda text: text.replace(b"\n", b".")))


@given(TEXTS, st.integers(1, 64))
def test_both_ends_give_the_same_lines_whatever_the_block(texts: list[bytes], block: int) -> None:
    file = io.BytesIO(b"".join(text + b"\n" for text in texts))
    kept, lines._BLOCK = lines._BLOCK, block
    try:
        assert [line[:-1] for line in forwards(file)] == texts
        assert list(backwards(file)) == texts[::-1]
    finally:
        lines._BLOCK = kept


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_line_beyond_the_bound_is_left_out_whole_and_its_neighbours_are_not(place: int) -> None:
    texts = [b"first", b"second"]
    texts.insert(place, b"x" * (2 * MOST_LINE_BYTES) + b"\x00{}")
    file = io.BytesIO(b"\n".join(texts) + b"\n")
    assert list(forwards(file)) == [b"first\n", b"second\n"]
    assert list(backwards(file)) == [b"second", b"first"]


def test_a_line_that_is_being_written_is_not_given_forwards() -> None:
    assert list(forwards(io.BytesIO(b"a\nb"))) == [b"a\n"]


def test_reading_from_a_place_looks_at_nothing_after_it() -> None:
    assert list(backwards(io.BytesIO(b"a\nb\nc\n"), 4)) == [b"b", b"a"]


def test_a_budget_ends_a_reading_and_says_why() -> None:
    file = io.BytesIO(b"line\n" * 100_000)
    with pytest.raises(ExhaustedError, match="newest 100000 bytes"):
        list(backwards(file, spend=Budget(100_000, 60.0).spend))
    with pytest.raises(ExhaustedError, match="0 s"):
        list(backwards(file, spend=Budget(10_000_000, 0.0).spend))
