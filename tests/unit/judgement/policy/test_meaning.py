"""Which calls' texts are read by their meaning is the policy's word."""

from __future__ import annotations

import pytest

from aura_ia_mcp.judgement.policy import PolicyError, parse, shipped

RULES = "\nrules:\n  - {id: all, effect: allow}\n"
POLICY = """\
version: 1
meaning:
  - {tools: ["ollama_*"], arguments: true, when_unavailable: allow_with_note}
  - {tools: ["*"], results: true}
"""


def test_what_is_read_and_what_follows_where_nobody_can_is_said_by_the_first_entry_that_fits() -> None:
    policy = parse(POLICY + RULES)
    assert policy.meaning("ollama_consult", "arguments") == "allow_with_note"
    assert policy.meaning("ollama_consult", "results") == "refuse"
    assert policy.meaning("echo", "arguments") is None


def test_an_entry_that_reads_nothing_is_refused_with_its_place() -> None:
    with pytest.raises(PolicyError, match=r":3:.*nothing read"):
        parse("version: 1\nmeaning:\n  - {tools: [ask]}" + RULES)


def test_the_shipped_policy_reads_what_passes_on_to_models_and_leaves_echo_alone() -> None:
    policy = shipped()
    assert policy.meaning("ask", "arguments")
    assert policy.meaning("echo", "arguments") is None
    assert policy.meaning("check_health", "results") is None
