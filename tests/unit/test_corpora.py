"""The corpora are what their README says, and the held-out lines are those whose hashes were committed first."""

from __future__ import annotations

import hashlib

import pytest

from tests.judge.corpus import FOLDER, HELD_OUT, lines, unmarked
from tests.judge.table import Table
from tests.judge.wilson import interval

PARTS = {"commands": "text", "texts": "text", "pii": "marked", "requests": "text", "roles": "text"}
LEAST = {
    ("heldout", "commands"): 600,
    ("heldout", "texts"): 600,
    ("heldout", "pii"): 300,
    ("heldout", "requests"): 300,
    ("heldout", "roles"): 300,
    ("heldout-2", "commands"): 600,
    ("heldout-2", "texts"): 600,
    ("heldout-2", "roles"): 200,
}


@pytest.mark.parametrize("held_out", HELD_OUT)
def test_the_held_out_lines_are_those_that_were_signed(held_out: str) -> None:
    sums = (FOLDER / held_out / "SHA256SUMS").read_text().splitlines()
    signed = {name: expected for expected, name in map(str.split, sums)}
    assert signed.keys() == {f"{part}.jsonl" for of, part in LEAST if of == held_out}
    for name, expected in signed.items():
        assert hashlib.sha256((FOLDER / held_out / name).read_bytes()).hexdigest() == expected, name


@pytest.mark.parametrize(("held_out", "part"), LEAST)
def test_no_held_out_line_is_learnt_from_and_none_comes_twice(held_out: str, part: str) -> None:
    held = [line[PARTS[part]].strip() for line in lines(held_out, part)]
    dev = {line[PARTS[part]].strip() for line in lines("dev", part)}
    assert len(held) >= LEAST[held_out, part]
    assert len(set(held)) == len(held)
    assert not dev & set(held)


def test_marks_are_read_and_taken_off() -> None:
    text, spans = unmarked("to [[email:a@example.org]] or [[ -f x ]]")
    assert text == "to a@example.org or [[ -f x ]]"
    assert [(kind, text[start:end]) for kind, start, end in spans] == [("email", "a@example.org")]


def test_an_interval_holds_its_rate_and_shrinks_with_the_lines() -> None:
    for hits, of in ((0, 10), (9, 10), (10, 10), (98, 100)):
        low, high = interval(hits, of)
        assert 0 <= low <= hits / of + 1e-9
        assert hits / of - 1e-9 <= high <= 1
    assert interval(0, 0) == (0.0, 1.0)
    assert interval(980, 1000)[0] > interval(98, 100)[0] > interval(49, 50)[0]


def test_a_mark_holds_or_is_missed_by_the_total() -> None:
    table = Table("stopped", ">= 0.5")
    for hit in (True, False, True):
        table.add(hit, "family a")
    assert table.holds
    table.add(False)
    table.add(False)
    assert table.holds is False
    assert Table("unmarked").holds is None
