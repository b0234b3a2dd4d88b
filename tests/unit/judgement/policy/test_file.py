"""The policy file: what is refused, and where the fault is said to be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aura_ia_mcp.judgement.policy import PolicyError, parse

HEAD = "version: 1\nrules:\n"


def fault(text: str) -> PolicyError:
    with pytest.raises(PolicyError) as caught:
        parse(text, "my.yaml")
    return caught.value


@pytest.mark.parametrize(
    ("text", "line", "column", "says"),
    [
        ("", 0, 0, "empty"),
        ("rules: []", 1, 1, "version is missing"),
        ("version: 1", 1, 1, "rules is missing"),
        ("version: 2\nrules: []", 1, 1, "must be 1"),
        ("- a", 1, 1, "must be a group of keys"),
        ("version: 1\nrulez: []", 2, 1, "did you mean 'rules'?"),
        (HEAD + "  - id: a\n    efect: deny", 4, 5, "did you mean 'effect'?"),
        (HEAD + "  - id: a\n    effect: deni", 4, 5, "did you mean 'deny'?"),
        (HEAD + "  - id: a\n    effect: deny\n    match:\n      tool: [x]", 6, 7, "did you mean 'tools'?"),
        (HEAD + "  - id: a\n    effect: deny\n    match: {tools: x}", 5, 13, "must be a list"),
        (HEAD + "  - id: a\n    effect: deny\n    match: {tools: []}", 5, 13, "must not be empty"),
        (HEAD + "  - id: a\n    effect: deny\n    match: {reads: yes}", 5, 13, "true or false"),
        (HEAD + "  - id: a\n    effect: deny\n    match: {during: {form: '18:00'}}", 5, 22, "did you mean 'from'?"),
        (HEAD + "  - id: a\n    effect: deny\n    match: {during: {from: '25:00'}}", 5, 22, "time of day"),
        (HEAD + "  - id: a\n    effect: deny\n    match: {during: {timezone: Mars}}", 5, 22, "there is no time zone"),
        (HEAD + "  - id: a\n    effect: deny\n    unless: {during: {timezone: ../../etc}}", 5, 23, "no time zone"),
        (HEAD + "  - id: a\n    effect: allow\n    match: {trust: {below: 3}}", 3, 5, "trust can't decide about allow"),
        (HEAD + "  - id: a\n    effect: deny\n    match: {trust: {below: 3}}", 3, 5, "trust can't decide about deny"),
        (HEAD + "  - id: a\n    effect: approve\n    match: {trust: {below: 3}}", 3, 5, "about approve"),
        (HEAD + "  - id: a\n    effect: confirm\n    unless: {trust: {below: 3}}", 3, 5, "under unless"),
        (HEAD + "  - id: a\n    effect: confirm\n    match: {trust: {at_least: 3}}", 5, 21, "unknown key 'at_least'"),
        (HEAD + "  - id: a\n    effect: deny\n    approvers: 2", 3, 5, "for rules of effect approve"),
        (HEAD + "  - id: a\n    redact: [pii]\n    approvers: 1", 3, 5, "for rules of effect approve"),
        (HEAD + "  - id: a\n    effect: approve\n    approvers: 6", 5, 5, "from 1 to 5"),
        (HEAD + "  - id: a\n    effect: approve\n    approvers: 0", 5, 5, "from 1 to 5"),
        (HEAD + "  - id: a\n    effect: approve\n    approvers: two", 5, 5, "from 1 to 5"),
        (HEAD + "  - id: a", 3, 5, "says nothing"),
        (HEAD + "  - {id: a, effect: deny}\n  - {id: a, effect: allow}", 4, 6, "two rules are called 'a'"),
        (HEAD + "  - {id: risk.denied, effect: allow}", 3, 6, "built-in"),
        (HEAD + "  - {id: A B, effect: deny}", 3, 6, "small letters"),
        (HEAD + "  - id: a\n    rate: heavvy", 4, 5, "no rate class is called 'heavvy'"),
        (HEAD + "  - id: a\n    redact: [email]", 4, 14, "such as pii.email"),
        (HEAD + "  - id: a\n    redact: [pii, pii.emial]", 4, 19, "did you mean 'pii.email'?"),
        (HEAD + "  - id: a\n    id: b\n    effect: deny", 4, 5, "given twice"),
        (HEAD + "  - &x {id: a, effect: deny}\n  - *x", 3, 5, "anchors"),
        (HEAD + "  - id: a\n   effect: deny", 4, 4, "not YAML"),
        ("version: 1\nrates: {heavy: {per_minuet: 3}}\nrules: []", 2, 17, "did you mean 'per_minute'?"),
        ("version: 1\nrates: {default: {per_minute: 3}}\nrules: []", 1, 1, "safety.rate_limit"),
        ("version: 1\ninspection: [{tools: [a], argument: b, kind: date}]\nrules: []", 2, 40, "did you mean 'data'?"),
        ("version: 1\nrules: " + "[" * 1_000, 2, 27, "nested more than 20"),
        ("version: 1\nrules: []\n# " + "x" * 300_000, 0, 0, "at most 262144 bytes"),
        (HEAD + "  - {id: a, effect: deny}\n" * 2_001, 2, 1, "2000"),
        ("version: 1\x00", 0, 0, "not YAML"),
    ],
)
def test_a_faulty_file_is_refused_and_says_where(text: str, line: int, column: int, says: str) -> None:
    error = fault(text)
    assert says in error.message
    assert (error.line, error.column) == (line, column)
    assert str(error).startswith(f"my.yaml:{line}:{column}: " if line else "my.yaml: ")


@given(st.text(max_size=200))
def test_any_text_is_a_policy_or_a_fault(text: str) -> None:
    for given_text in (text, HEAD + "  - id: a\n    effect: " + text):
        try:
            parse(given_text)
        except PolicyError as error:
            assert error.message  # noqa: PT017 - either end is right


def test_a_policy_of_nothing_is_a_policy() -> None:
    assert parse("version: 1\nrules: []").rules == ()
