"""`when`: what conditions see, what they cost, and what becomes of those that can't be evaluated."""

from __future__ import annotations

from typing import Any

import pytest

from aura_ia_mcp.judgement.policy import Effect, PolicyError
from aura_ia_mcp.judgement.policy.condition import Condition, ConditionError, UnevaluableError

from .calls import call, only, policy

SATURDAY_EVENING = 1_700_339_400.0  # 2023-11-18 20:30 UTC


def deny(when: str) -> str:
    return f"{{id: conditional, effect: deny, when: '{when}'}}"


@pytest.mark.parametrize(
    "when",
    [
        "args.count > 5 && args.path.startsWith('/etc/')",
        "args.tags.exists(tag, tag == 'secret')",
        "args.tags.all(tag, tag.size() < 10)",
        "args.path.matches('^/etc/[a-z]+$')",
        r"args.path.matches(r'^/etc/\w+$')",
        "has(args.path) && !has(args.other)",
        "'path' in args && args['count'] == 6",
        "args.options.deep.x == null",
        "principal.id == 'token:ci' && principal.kind == 'agent' && principal.tenant == 'local'",
        "'guest' in principal.roles",
        "tool.name == 'echo' && tool.category == 'status' && tool.risk == 'low' && tool.read_only",
        "now.weekday == 'sat' && now.hour == 20 && now.minute == 30 && now.day == 18",
        "args.path == 'principal.trust' || true",
    ],
)
def test_a_condition_sees_arguments_caller_tool_and_time(when: str) -> None:
    arguments = {"count": 6, "path": "/etc/shadow", "tags": ["a", "secret"], "options": {"deep": {"x": None}}}
    inputs = call(arguments=arguments, roles=("guest",), now=SATURDAY_EVENING)
    assert Condition(when).holds(inputs)


@pytest.mark.parametrize(
    ("when", "says"),
    [
        ("args.a ==", "isn't CEL"),
        ("arg.a == 1", "did you mean 'args'"),
        ("principal.kidn == 'agent'", "did you mean 'kind'"),
        ("principal == 'x'", "no value by itself"),
        ("principal.trust > 3", "trust spares confirmations only"),
        ("tool['name'] == 'x'", "no value by itself"),
        ("args.path.startWith('/')", "did you mean 'startsWith'"),
        ("shell('ls') == 1", "no function 'shell'"),
        ("args.a.map(x, x).size() > 1", "map makes lists"),
        ("args.a.filter(x, x).size() > 1", "filter makes lists"),
        ("args.a.exists(x, args.b.exists(y, x == y))", "more than once"),
        ("args.a.exists(args, args == 1)", "can't name a loop"),
        ("args.a . exists (string, args.b .exists (string, string == 'x'))", "more than once"),
        ("args.a .map (string, string).size() > 1", "map makes lists"),
        ("args.t == r'\\' || args.a.map(x, x).size() > 1 || args.t == r'\\'", "map makes lists"),
        ("args.text.matches(args.pattern)", "written out"),
        ("args.text.matches('a' + args.pattern)", "written out"),
        ("args.text.matches('((')", "no usable pattern"),
        ("args.text.matches('(a{1000}){1000}')", "no usable pattern"),
        ("args.a == 1 // note", "comments"),
        ('args.a == """x"""', "triple"),
        ("args.a == 1 || " * 100 + "true", "at most 1000 characters"),
    ],
)
def test_a_condition_that_is_misspelt_or_costly_is_refused(when: str, says: str) -> None:
    with pytest.raises(ConditionError, match=says.replace("(", r"\(")):
        Condition(when)


@pytest.mark.parametrize(
    ("when", "arguments"),
    [
        ("args.missing == 1", {}),
        ("args.a > 1", {"a": "text"}),
        ("args.a.b.c == 1", {"a": {"b": 1}}),
        ("args.a[3] == 1", {"a": [1]}),
        ("args.a / 0 == 1", {"a": 1}),
        ("args.a", {"a": "not a truth value"}),
        ("args.a == 1", {"a": 2**70}),
        ("args.a == 1", {"a": float("nan")}),
        ("args.a == 'x'", {"a": "\ud800"}),
        ("args.a == 'x'", {"a": "x" * 20_000}),
        ("args.a.exists(x, x == 1)", {"a": list(range(2_000))}),
        ("args.a.b == 'x'", {"a": {"b": "x", "y" * 20_000: 1}}),
        ("args['a'] == 'x'", {"a": "x", "b": "x" * 20_000}),
        ("args.a == 'x'", {"a": object()}),
    ],
)
def test_a_condition_that_cannot_be_evaluated_is_never_to_the_callers_advantage(
    when: str, arguments: dict[str, Any]
) -> None:
    inputs = call(arguments=arguments)
    with pytest.raises(UnevaluableError):
        Condition(when).holds(inputs)
    quoted = when.replace("'", "''")
    for effect in ("deny", "approve", "confirm"):
        verdict = policy(f"{{id: asks, effect: {effect}, when: '{quoted}'}}").decide(inputs)
        assert verdict.effect is Effect[effect.upper()]
        assert "asks: the condition can't be evaluated" in verdict.notes[0]
        assert verdict.read_arguments
    verdict = only(f"{{id: opens, effect: allow, when: '{quoted}'}}").decide(inputs)
    assert (verdict.effect, verdict.rule) == (Effect.DENY, "default.deny")
    assert verdict.notes
    assert policy(f"{{id: marks, redact: [pii], when: '{quoted}'}}").decide(inputs).redact == {"pii"}


def test_an_argument_that_no_condition_names_may_be_as_large_as_it_likes() -> None:
    inputs = call(arguments={"small": 1, "large": "x" * 4_000_000})
    assert policy(deny("args.small == 1")).decide(inputs).effect is Effect.DENY
    assert policy(deny("args.small == 2")).decide(inputs).allowed


def test_notes_do_not_quote_the_arguments() -> None:
    verdict = policy(deny("args.a > 5")).decide(call(arguments={"a": "hunter2"}))
    assert "hunter2" not in str(verdict)


def test_a_verdict_tells_whether_the_arguments_were_looked_at() -> None:
    assert policy(deny("args.a == 1")).decide(call(arguments={"a": 2})).read_arguments
    assert not policy(deny("now.hour == 30")).decide(call(arguments={"a": 2})).read_arguments
    other_tool = "{id: other, match: {tools: [other]}, effect: deny, when: args.a == 1}"
    assert not policy(other_tool).decide(call(arguments={"a": 1})).read_arguments


def test_a_panic_of_the_library_counts_as_not_evaluable() -> None:
    class Panic(BaseException):
        pass

    class Broken:
        def execute(self, context: Any) -> Any:
            raise Panic

    condition = Condition("args.a == 1")
    condition._program = Broken()
    with pytest.raises(UnevaluableError):
        condition.holds(call(arguments={"a": 1}))


def test_a_faulty_condition_is_shown_where_it_stands() -> None:
    with pytest.raises(PolicyError) as caught:
        policy("id: first\n    effect: deny\n    when: args.a ==")
    assert (caught.value.line, caught.value.column) == (7, 5)
