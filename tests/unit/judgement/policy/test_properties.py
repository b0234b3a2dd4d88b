"""What holds for every policy and every call."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aura_ia_mcp.judgement.finding import Severity
from aura_ia_mcp.judgement.policy import LEVELS, OPERATE, Effect, Facts, Inputs, Policy, parse

from .calls import seen

CAPABILITIES = ("status", "infer", OPERATE)
NAMES = ("echo", "embed_text", "execute_command")


def some(values: Any) -> st.SearchStrategy[Any]:
    return st.lists(values, min_size=1, max_size=2)


FACTS = st.builds(
    Facts,
    name=st.sampled_from(NAMES),
    capability=st.sampled_from(CAPABILITIES),
    exposed=st.booleans(),
    read_only=st.booleans(),
    destructive=st.booleans(),
    calms=st.booleans(),
)
INPUTS = st.builds(
    Inputs,
    tool=FACTS,
    principal_id=st.sampled_from(["anonymous", "token:ci"]),
    kind=st.sampled_from(["agent", "human"]),
    roles=st.sampled_from([(), ("guest",), ("operator", "guest")]),
    trust=st.floats(0, 5),
    held=st.frozensets(st.sampled_from(CAPABILITIES)),
    denied=st.dictionaries(st.sampled_from(CAPABILITIES), st.text(max_size=5), max_size=2),
    depth=st.integers(0, 4),
    arguments=st.dictionaries(st.sampled_from(["text", "n"]), st.one_of(st.text(max_size=5), st.integers())),
    findings=st.lists(st.builds(seen, severity=st.sampled_from(list(Severity))), max_size=2).map(tuple),
    risk_level=st.sampled_from(LEVELS),
    safe_mode=st.booleans(),
    now=st.floats(0, 4e9),
)
MATCHES = st.fixed_dictionaries(
    {},
    optional={
        "tools": some(st.sampled_from([*NAMES, "e*", "*"])),
        "kinds": some(st.sampled_from(["agent", "human"])),
        "roles": some(st.sampled_from(["guest", "operator"])),
        "reads": st.booleans(),
        "risk": st.fixed_dictionaries({"at_least": st.sampled_from(LEVELS)}),
        "findings": st.fixed_dictionaries({"at_least": st.sampled_from(["info", "review", "block"])}),
        "depth": st.fixed_dictionaries({"at_least": st.integers(0, 4)}),
        "during": st.just({"from": "18:00", "to": "08:00", "days": ["mon", "sat"]}),
    },
)
WHENS = st.sampled_from(["args.n > 3", 'args.text == "a"', 'principal.kind == "agent"', "now.hour < 12"])
TRUST = st.fixed_dictionaries({"below": st.floats(0.5, 5)})
OBLIGATIONS = {
    "redact": some(st.sampled_from(["pii", "pii.email"])),
    "rate": st.just("heavy"),
    "sandbox": st.sampled_from(["none", "read_only", "workspace"]),
}


def rules(effects: tuple[str, ...]) -> st.SearchStrategy[Any]:
    written = st.fixed_dictionaries(
        {"effect": st.sampled_from(effects), "match": MATCHES},
        optional=OBLIGATIONS | {"when": WHENS, "unless": MATCHES},
    )
    asking = st.fixed_dictionaries(
        {"effect": st.just("approve"), "match": MATCHES, "approvers": st.integers(1, 5)}, optional=OBLIGATIONS
    )
    written = st.one_of(written, asking) if "approve" in effects else written
    trusting = st.fixed_dictionaries(
        {"match": st.builds(lambda match, trust: match | {"trust": trust}, MATCHES, TRUST)},
        optional=OBLIGATIONS | {"when": WHENS},
    ).map(lambda rule: rule | {"effect": "confirm"})
    return st.one_of(written, trusting) if "confirm" in effects else written


ANY = st.lists(rules(("allow", "confirm", "approve", "deny")), max_size=5).map(
    lambda given: [rule | {"id": f"r{number}"} for number, rule in enumerate(given)]
)


def of(written: list[Any]) -> Policy:
    return parse(json.dumps({"version": 1, "rates": {"heavy": {"per_minute": 5}}, "rules": written}))


@given(ANY, rules(("deny", "approve", "confirm")), INPUTS)
def test_a_rule_that_denies_or_asks_never_permits_more(written: list[Any], added: Any, inputs: Inputs) -> None:
    before = of(written).decide(inputs)
    after = of([*written, added | {"id": "added"}]).decide(inputs)
    assert after.effect >= before.effect
    assert after.redact >= before.redact
    assert after.sandbox <= before.sandbox
    assert after.approvers >= before.approvers
    assert set(after.rates) >= set(before.rates)


@given(ANY, INPUTS, st.sampled_from(CAPABILITIES))
def test_removing_a_capability_never_permits_more(written: list[Any], inputs: Inputs, lost: str) -> None:
    policy = of(written)
    less = replace(inputs, held=inputs.held - {lost})
    assert policy.decide(less).effect >= policy.decide(inputs).effect
    assert policy.visible(inputs) or not policy.visible(less)


@given(ANY, INPUTS, st.floats(0, 5))
def test_trust_spares_a_confirmation_and_nothing_else(written: list[Any], inputs: Inputs, trust: float) -> None:
    policy = of(written)
    low, high = sorted((inputs.trust, trust))
    before = policy.decide(replace(inputs, trust=low)).effect
    after = policy.decide(replace(inputs, trust=high)).effect
    assert after == before or (before is Effect.CONFIRM and after is Effect.ALLOW)


@given(ANY, INPUTS, st.randoms())
def test_the_order_of_rules_does_not_matter(written: list[Any], inputs: Inputs, random: Any) -> None:
    shuffled = random.sample(written, len(written))
    assert of(written).decide(inputs) == of(shuffled).decide(inputs)


@given(ANY, INPUTS)
def test_what_is_decided_once_is_decided_again(written: list[Any], inputs: Inputs) -> None:
    policy = of(written)
    first = policy.decide(inputs)
    assert policy.decide(inputs) == first
    assert of(written).decide(Inputs.from_dict(json.loads(json.dumps(inputs.as_dict())))) == first


@given(ANY, INPUTS)
def test_nothing_runs_against_a_built_in_rule(written: list[Any], inputs: Inputs) -> None:
    verdict = of(written).decide(inputs)
    tool, agent = inputs.tool, inputs.kind == "agent"
    if tool.capability not in inputs.held or (inputs.safe_mode and not (tool.read_only or tool.calms)):
        assert verdict.effect is Effect.DENY
    if agent and (tool.capability == OPERATE or not tool.exposed):
        assert verdict.hidden
    if inputs.risk_level == "denied" or any(each.severity is Severity.BLOCK for each in inputs.findings):
        assert verdict.effect is Effect.DENY
    if inputs.risk_level == "critical" or any(each.severity is Severity.REVIEW for each in inputs.findings):
        assert verdict.effect >= Effect.APPROVE


@given(ANY, INPUTS)
def test_what_is_not_listed_is_not_callable(written: list[Any], inputs: Inputs) -> None:
    policy = of(written)
    if not policy.visible(replace(inputs, arguments={}, findings=())):
        assert policy.decide(inputs).effect is Effect.DENY


@given(ANY, INPUTS)
def test_an_explanation_names_the_rules_that_matched(written: list[Any], inputs: Inputs) -> None:
    policy = of(written)
    verdict = policy.decide(inputs)
    told = [each.rule for each in policy.explain(inputs) if each.matched]
    if not verdict.hidden:
        assert sorted(told) == list(verdict.matched)
    assert verdict.rule in {*told, "default.deny"}
    assert verdict.reason
