"""YAML is read plainly, and every part and every fault has its place."""

from __future__ import annotations

import contextlib
import json
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aura_ia_mcp.judgement.diagnosis import DiagnosisError
from aura_ia_mcp.judgement.diagnosis import parse as parse_diagnosis
from aura_ia_mcp.judgement.marked_yaml import NOWHERE, MarkedYamlError, read
from aura_ia_mcp.judgement.plans import PlanError
from aura_ia_mcp.judgement.plans import parse as parse_plans

TEXTS = st.text("ab0nyesNO \n\t:#-{}[]'\"&*!|>%@,?\u00e4\u5220", max_size=12)
SCALARS = st.none() | st.booleans() | st.integers(-(10**12), 10**12) | TEXTS
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("off", "off"),
        ("n", "n"),
        ("18:00", "18:00"),
        ("2026-05-01", "2026-05-01"),
        ("2026-05-01 10:00:00", "2026-05-01 10:00:00"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("7", 7),
        ("0x10", "0x10"),
        ("7.5", 7.5),
        (".inf", ".inf"),
        ("'7'", "7"),
        ("!!str 7", "7"),
        ("!!python/object:os.system x", "x"),
        ("{no: yes, 1: 2}", {"no": "yes", "1": 2}),
    ],
)
def test_a_text_stays_what_somebody_wrote(text: str, value: Any) -> None:
    found = read(text).value
    assert (found, type(found)) == (value, type(value))


@given(VALUES)
def test_what_json_writes_is_read_as_it_was(value: Any) -> None:
    assert read(json.dumps(value)).value == value


def test_each_part_has_its_place_and_what_is_missing_that_of_what_it_would_be_in() -> None:
    marked = read("a: 1\nb:\n  - c\n  - {d: 2}\n")
    assert marked.place(("a",)) == (1, 1)
    assert marked.place(("b", 1)) == (4, 5)
    assert marked.place(("b", 1, "d")) == (4, 6)
    assert marked.place(("b", 1, "e", "f")) == (4, 5)
    assert read("").place(("a",)) == NOWHERE


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ("a: 1\nb: {", (2, 5), "not YAML"),
        ("a: 1\nc: {a: 2, a: 3}", (2, 11), "'a' is given twice"),
        ("a: &x 1\nb: *x", (1, 4), "aliases"),
        ("a: 1\n? [b]\n: 2", (2, 3), "a key must be a text"),
        ("[" * 21 + "]" * 21, (1, 21), "nested more than 20 deep"),
        ("a\x00", NOWHERE, "not YAML"),
        ("# " + "x" * 1_048_576, NOWHERE, "at most 1048576 bytes"),
        ("--- 1\n--- 2", (2, 1), "not YAML"),
    ],
)
def test_a_fault_has_its_place(text: str, place: tuple[int, int], reason: str) -> None:
    with pytest.raises(MarkedYamlError, match=reason) as caught:
        read(text)
    assert caught.value.place == place


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(MarkedYamlError):
        assert read(text).place(()) >= NOWHERE


@pytest.mark.parametrize(
    ("name", "parse", "fault"), [("diagnosis", parse_diagnosis, DiagnosisError), ("plans", parse_plans, PlanError)]
)
def test_faults_of_the_shipped_files_have_their_places_too(name: str, parse: Any, fault: type[ValueError]) -> None:
    text = (files("aura_ia_mcp.configs") / f"{name}.yaml").read_text("utf-8")
    line = text.count("\n") + 1
    with pytest.raises(fault, match=rf"{name}\.yaml:{line}:1: unheard"):
        parse(f"{text}unheard: 1\n")
