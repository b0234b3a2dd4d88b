"""What follows from a reader's scores: a finding that is only added, computed from what is recorded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aura_ia_mcp.judgement.finding import Severity
from aura_ia_mcp.judgement.inspection.injection.meaning import Read, combine, finding, weights
from aura_ia_mcp.judgement.inspection.injection.windows import Window, Windows
from aura_ia_mcp.models.injection import ReaderCard

scores = st.floats(-30, 30)


def read(score: float) -> Read:
    return Read(score, 3, 9, "", 1, 1, weights().reader)


def test_the_weights_belong_to_the_reader_that_is_shipped() -> None:
    assert weights().reader == ReaderCard.read().version


def test_scores_of_another_reader_are_refused() -> None:
    with pytest.raises(ValueError, match="train both again"):
        combine(Windows((), 0), (), "another")


def test_the_window_that_reads_most_like_an_injection_counts() -> None:
    found = Windows((Window("a calm one", 0, 10), Window("another calm one", 10, 26)), 5)
    best = combine(found, (-5.0, 4.0), weights().reader)
    assert (best.start, best.end, best.read, best.of) == (10, 26, 2, 5)


def test_the_same_words_count_for_more_in_disguise() -> None:
    open_, disguised = Window("a calm one", 0, 10), Window("a calm one", 0, 10, "rot13")
    version = weights().reader
    assert (
        combine(Windows((disguised,), 1), (0.0,), version).score > combine(Windows((open_,), 1), (0.0,), version).score
    )


def test_nothing_to_read_is_calm() -> None:
    assert finding(combine(Windows((), 0), (), weights().reader)) is None


def test_from_one_threshold_on_a_text_is_held_and_from_a_higher_one_blocked() -> None:
    by = weights()
    assert finding(read(by.review - 0.01)) is None
    held, blocked = finding(read(by.review)), finding(read(by.block))
    assert held is not None
    assert blocked is not None
    assert (held.rule, held.severity, held.start, held.end) == ("injection.meaning", Severity.REVIEW, 3, 9)
    assert blocked.severity == Severity.BLOCK
    assert by.review < by.block


def test_a_finding_says_that_not_all_was_read() -> None:
    found = finding(read(50.0)._replace(read=16, of=40))
    assert found is not None
    assert "16 of 40" in found.what


@given(scores, scores)
def test_a_higher_score_never_means_less(one: float, other: float) -> None:
    low, high = sorted((one, other))
    below, above = finding(read(low)), finding(read(high))
    assert below is None or (above is not None and above.severity >= below.severity and above.score >= below.score)


def test_a_reading_survives_being_recorded() -> None:
    assert Read(**read(1.5).as_dict()) == read(1.5)
