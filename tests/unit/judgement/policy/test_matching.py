"""What rules match, and what the rules that match say together."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from aura_ia_mcp.judgement.finding import Severity
from aura_ia_mcp.judgement.policy import Effect, Facts, Inputs, Sandbox, parse, shipped

from .calls import ALLOW, DELETE, call, only, policy, seen

OPERATE = Facts("execute_command", "operate", read_only=False)


def unix(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("match", "fits", "differs"),
    [
        ("{tools: [echo, get_*]}", call(), call(DELETE)),
        ("{tools: ['*_doc*nts']}", call(DELETE), call()),
        ("{capabilities: [status]}", call(), call(DELETE)),
        ("{categories: [status]}", call(), call(DELETE)),
        ("{servers: [ml]}", call(server="ml"), call()),
        ("{principals: ['token:*']}", call(), call(principal_id="anonymous")),
        ("{tenants: [acme]}", call(tenant="acme"), call()),
        ("{kinds: [human, service]}", call(kind="human"), call()),
        ("{roles: [guest]}", call(roles=("agent", "guest")), call(roles=("agent",))),
        ("{reads: false}", call(DELETE), call()),
        ("{destructive: true}", call(DELETE), call()),
        ("{open_world: false}", call(), call(Facts("fetch", "query", open_world=True))),
        ("{risk: {at_least: high}}", call(risk_level="high"), call(risk_level="medium")),
        ("{risk: {at_least: high}}", call(risk_level="unheard of"), call()),
        ("{depth: {at_least: 2}}", call(depth=2), call(depth=1)),
        ("{findings: {families: [pii]}}", call(findings=(seen("pii.email", Severity.INFO),)), call()),
        (
            "{findings: {rules: ['pii.*'], at_least: review}}",
            call(findings=(seen("pii.iban", Severity.REVIEW),)),
            call(findings=(seen("pii.iban", Severity.INFO),)),
        ),
        ("{tools: [echo], kinds: [human]}", call(kind="human"), call(DELETE, kind="human")),
    ],
)
def test_a_rule_matches_what_its_match_says(match: str, fits: Inputs, differs: Inputs) -> None:
    made = policy(f"{{id: it, match: {match}, effect: deny}}")
    assert made.decide(fits).effect is Effect.DENY
    assert "it" not in made.decide(differs).matched


@pytest.mark.parametrize(
    ("window", "inside", "outside"),
    [
        ("{from: '09:00', to: '17:00'}", "2026-03-02 09:00", "2026-03-02 17:00"),
        ("{from: 18:00, to: 08:00}", "2026-03-02 18:00", "2026-03-02 08:00"),
        ("{from: '18:00', to: '08:00'}", "2026-03-02 07:59", "2026-03-02 17:59"),
        ("{days: [sat, sun]}", "2026-03-01 12:00", "2026-03-02 12:00"),
        # the night of Friday ends on Saturday morning
        ("{days: [fri], from: '22:00', to: '06:00'}", "2026-03-07 05:00", "2026-03-06 05:00"),
        # in March Berlin changes to UTC+2
        ("{from: '09:00', to: '10:00', timezone: Europe/Berlin}", "2026-03-02 08:30", "2026-03-30 08:30"),
        ("{from: '09:00', to: '10:00', timezone: Europe/Berlin}", "2026-03-30 07:30", "2026-03-02 07:30"),
    ],
)
def test_a_rule_holds_at_its_hours(window: str, inside: str, outside: str) -> None:
    made = policy(f"{{id: hours, match: {{during: {window}}}, effect: deny}}")
    assert made.decide(call(now=unix(inside))).effect is Effect.DENY
    assert made.decide(call(now=unix(outside))).allowed


def test_unless_spares_those_who_are_like_all_of_it() -> None:
    made = policy("{id: it, effect: deny, unless: {roles: [researcher], kinds: [human]}}")
    assert made.decide(call(roles=("researcher",), kind="human")).allowed
    assert not made.decide(call(roles=("researcher",))).allowed
    assert not made.decide(call(kind="human")).allowed


@pytest.mark.parametrize(
    ("effects", "expected"),
    [
        (["allow"], "allow"),
        (["allow", "confirm"], "confirm"),
        (["allow", "confirm", "approve"], "approve"),
        (["allow", "confirm", "approve", "deny"], "deny"),
        ([], "deny"),
        (["approve"], "deny"),
        (["confirm"], "deny"),
    ],
)
def test_the_strictest_effect_wins_and_only_allow_permits(effects: list[str], expected: str) -> None:
    made = only(*(f"{{id: {effect}_it, effect: {effect}}}" for effect in effects))
    verdict = made.decide(call())
    assert str(verdict.effect) == expected
    assert verdict.rule == (f"{expected}_it" if "allow" in effects else "default.deny")


def test_obligations_add_up_to_the_strictest() -> None:
    made = policy(
        "{id: one, redact: [pii.email], sandbox: workspace, rate: heavy}",
        "{id: two, redact: [pii.iban], sandbox: read_only, rate: light}",
        "{id: three, match: {tools: [other]}, redact: [pii], sandbox: none}",
        more="rates: {heavy: {per_minute: 5}, light: {per_minute: 50, scope: tool}}",
    )
    verdict = made.decide(call())
    assert verdict.redact == {"pii.email", "pii.iban"}
    assert verdict.sandbox is Sandbox.READ_ONLY
    assert verdict.rates == ("default", "heavy", "light")
    assert made.rates["light"].scope == "tool"


def test_as_many_must_agree_as_any_rule_that_asks_for_approval_says() -> None:
    made = policy(
        "{id: one, effect: approve}",
        "{id: two, effect: approve, approvers: 3}",
        "{id: three, match: {tools: [other]}, effect: approve, approvers: 5}",
    )
    verdict = made.decide(call())
    assert (verdict.effect, verdict.approvers) == (Effect.APPROVE, 3)
    assert verdict.as_dict()["approvers"] == 3
    assert {rule.id: rule.says for rule in made.rules}["two"] == "approve by 3"
    reviewed = policy("{id: two, effect: approve, approvers: 2}").decide(call(risk_level="critical"))
    assert (reviewed.rule, reviewed.approvers) == ("risk.critical", 2)


@pytest.mark.parametrize(
    ("inputs", "effect", "rule"),
    [
        (call(held=frozenset()), Effect.DENY, "capability.missing"),
        (call(OPERATE), Effect.DENY, "exposure.hidden"),
        (call(OPERATE, kind="human"), Effect.ALLOW, "allow_all"),
        (call(Facts("x", "status", exposed=False)), Effect.DENY, "exposure.hidden"),
        (call(DELETE, safe_mode=True), Effect.DENY, "safe_mode.on"),
        (call(safe_mode=True), Effect.ALLOW, "allow_all"),
        (call(Facts("audit_log", "status", read_only=False, calms=True), safe_mode=True), Effect.ALLOW, "allow_all"),
        (call(findings=(seen(),)), Effect.DENY, "inspection.block"),
        (call(findings=(seen(severity=Severity.REVIEW),)), Effect.APPROVE, "inspection.review"),
        (call(findings=(seen(severity=Severity.INFO),)), Effect.ALLOW, "allow_all"),
        (call(risk_level="denied"), Effect.DENY, "risk.denied"),
        (call(risk_level="unheard of"), Effect.DENY, "risk.denied"),
        (call(risk_level="critical"), Effect.APPROVE, "risk.critical"),
    ],
)
def test_the_built_in_rules_hold_whatever_the_file_allows(inputs: Inputs, effect: Effect, rule: str) -> None:
    verdict = policy().decide(inputs)
    assert (verdict.effect, verdict.rule) == (effect, rule)
    assert verdict.hidden == (rule == "exposure.hidden")


def test_a_hidden_tool_is_refused_in_a_way_that_tells_nothing() -> None:
    verdict = policy("{id: secret_rule, effect: deny, reason: for operators}").decide(call(OPERATE))
    assert "operat" not in verdict.reason + verdict.remedy
    assert verdict.matched == ("exposure.hidden",)


def test_a_built_in_approval_does_not_stand_in_for_an_allowance() -> None:
    assert only().decide(call(risk_level="critical")).rule == "default.deny"


def test_a_refusal_says_why_and_what_to_do() -> None:
    verdict = policy("{id: quiet, effect: deny, reason: Not today., remedy: Ask tomorrow.}").decide(call())
    assert (verdict.reason, verdict.remedy) == ("Not today.", "Ask tomorrow.")
    assert "get_policy" in policy("{id: quiet, effect: deny}").decide(call()).remedy


@pytest.mark.parametrize(
    ("rule", "visible"),
    [
        ("{id: never, match: {tools: [echo]}, effect: deny}", False),
        ("{id: never, match: {tools: [other]}, effect: deny}", True),
        ("{id: never, effect: deny, when: args.a == 1}", True),
        ("{id: never, match: {during: {from: '00:00', to: '24:00'}}, effect: deny}", True),
        ("{id: asks, effect: approve}", True),
    ],
)
def test_what_no_call_could_ever_get_is_not_shown(rule: str, visible: bool) -> None:
    assert policy(rule).visible(call()) is visible


def test_what_no_rule_allows_is_not_shown() -> None:
    made = only("{id: humans, match: {kinds: [human]}, effect: allow}")
    assert made.visible(call(kind="human"))
    assert not made.visible(call())
    assert not policy().visible(call(held=frozenset()))
    assert not policy().visible(call(OPERATE))


def test_an_explanation_says_what_a_rule_would_need() -> None:
    made = policy("{id: mine, match: {tools: [echo], kinds: [human]}, effect: deny, sandbox: none}")
    told = {each.rule: each for each in made.explain(call())}
    assert told["mine"].why == "the caller is of kind human"
    assert (told["mine"].matched, told["mine"].built_in, told["mine"].concerns) == (False, False, False)
    assert told["mine"].says == "deny; sandbox at most none"
    assert told["capability.missing"].built_in
    assert told["allow_all"].matched


def test_the_file_says_how_an_argument_is_read_and_what_records_keep() -> None:
    more = "inspection: [{tools: ['add_*'], argument: content, kind: data}]\nkeep_arguments: ['set_*']"
    made = only(ALLOW, more=more)
    assert made.reading("add_documents", "content") == "data"
    assert made.reading("add_documents", "title") is None
    assert made.keeps_arguments("set_safe_mode")
    assert not made.keeps_arguments("echo")


@pytest.mark.parametrize(
    ("inputs", "effect"),
    [
        (call(), "allow"),
        (call(DELETE, trust=1), "confirm"),
        (call(DELETE, trust=3), "allow"),
        (call(DELETE, kind="human"), "allow"),
        (call(Facts("x", "codex", read_only=False, destructive=True, open_world=True), trust=5), "approve"),
    ],
)
def test_the_shipped_policy_asks_before_agents_destroy(inputs: Inputs, effect: str) -> None:
    assert str(shipped().decide(inputs).effect) == effect


def test_records_can_leave_the_arguments_out() -> None:
    inputs = call(arguments={"a": 1}, findings=(seen(),))
    data: dict[str, Any] = inputs.as_dict(arguments=False)
    assert "arguments" not in data
    assert Inputs.from_dict(data) == call(findings=(seen(),))


def test_another_text_is_another_version() -> None:
    text = f"version: 1\nrules: [{ALLOW}]"
    assert parse(text).version == parse(text).version != parse(text + "\n").version


def test_a_refusal_by_a_denial_says_the_denials_reason() -> None:
    inputs = call(held=frozenset(), denied={"status": "the audit runs until Friday"})
    verdict = policy().decide(inputs)
    assert (verdict.effect, verdict.rule) == (Effect.DENY, "capability.denied")
    assert verdict.reason.endswith("the audit runs until Friday")
    assert "capability.missing" not in verdict.matched
    assert policy().decide(Inputs.from_dict(inputs.as_dict())) == verdict
    assert not policy().visible(inputs)
