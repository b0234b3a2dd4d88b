from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aura_ia_mcp.judgement.inspection.redaction import redact, redact_text

KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA0Z3VS5JJ\n-----END RSA PRIVATE KEY-----"
SECRETS = {
    "aura_token": "aura_" + "aB3_-" * 8 + "xyz",
    "api_key": "sk-proj-abcdefghijklmnopqrstuvwx",
    "github_token": "ghp_" + "a1B2" * 9,
    "gitlab_token": "glpat-abcdefghij0123456789",
    "aws_key_id": "AKIAIOSFODNN7EXAMPLE",
    "google_key": "AIza" + "x" * 35,
    "slack_token": "xoxb-123456789012-abcdef",
    "npm_token": "npm_" + "a" * 36,
    "hf_token": "hf_" + "a" * 34,
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N",
    "private_key": KEY,
}


@pytest.mark.parametrize("kind", SECRETS)
@pytest.mark.parametrize("form", ["{}", "token={};", "a {} b", '"{}"', "x\n{}\ny"])
def test_a_secret_is_marked_wherever_it_stands(kind: str, form: str) -> None:
    text, found = redact_text(form.format(SECRETS[kind]))
    assert SECRETS[kind] not in text
    assert text == form.format(f"[redacted:{kind}]")
    assert found == {kind: 1}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Authorization: Bearer abcdefghijklmnop1234", "Authorization: Bearer [redacted:bearer]"),
        ("postgres://user:pa55@host/db", "postgres://user:[redacted:url_password]@host/db"),
        ("redis://:pa55@host", "redis://:[redacted:url_password]@host"),
        (f"{KEY} and {KEY}.", "[redacted:private_key] and [redacted:private_key]."),
    ],
)
def test_what_stands_around_a_secret_stays(before: str, after: str) -> None:
    assert redact_text(before)[0] == after


@pytest.mark.parametrize(
    "text",
    [
        "the bearer of this letter",
        "sk-short",
        "aura_status is a tool",
        "https://example.org:8080/path?x=a@b",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "mailto:someone@example.org",
        "ghp_ is a prefix",
        "eyJ.not.jwt",
    ],
)
def test_ordinary_text_stays_the_very_same(text: str) -> None:
    assert redact_text(text) == (text, {})


def test_members_named_as_secrets_are_marked_whatever_their_form() -> None:
    value, found = redact({"user": "u", "Password": "hunter2", "nested": [{"api_key": "k"}], "secret": 5})
    assert value == {
        "user": "u",
        "Password": "[redacted:member]",
        "nested": [{"api_key": "[redacted:member]"}],
        "secret": 5,
    }
    assert found == {"member": 2}


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)


@given(JSON_VALUES)
def test_json_without_secrets_comes_back_as_the_same_object(value: Any) -> None:
    new, found = redact(value)
    if not found:
        assert new is value


@given(JSON_VALUES, st.sampled_from(sorted(SECRETS)))
def test_a_secret_deep_in_json_is_marked_and_the_rest_is_as_it_was(value: Any, kind: str) -> None:
    new, found = redact({"a": [value, {"b": f"x {SECRETS[kind]} y"}]})
    assert found[kind] >= 1
    assert SECRETS[kind].splitlines()[0] not in json.dumps(new)
    assert new["a"][0] == redact(value)[0]


@given(JSON_VALUES)
def test_marking_twice_changes_nothing_more(value: Any) -> None:
    once, _ = redact(value)
    again, _ = redact(once)
    assert again is once


@pytest.mark.parametrize(
    "unit",
    ["-----BEGIN PRIVATE KEY-----", "eyJ", "eyJaaaaaaaa.", "://a:", "Bearer ", "sk-", "aura_", "ghp_", "://", "xoxb-"],
)
def test_hostile_text_of_a_megabyte_ends(unit: str) -> None:
    began = time.process_time()
    redact_text(unit * (1_000_000 // len(unit)))
    assert time.process_time() - began < 10  # a quadratic search would take hours
