from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aura_ia_mcp.judgement.authorize import authorize
from aura_ia_mcp.judgement.roles import CAPABILITIES, Roles, RolesError, parse, shipped

ALL = frozenset(CAPABILITIES)


@pytest.fixture(scope="module")
def roles() -> Roles:
    return shipped()


def test_the_shipped_guest_may_look_infer_and_search(roles: Roles) -> None:
    assert roles.capabilities(["guest"], "agent") == {"status", "infer", "query"}


def test_roles_include_downwards_only(roles: Roles) -> None:
    guest, agent, operator = (roles.capabilities([name], "human") for name in ("guest", "agent", "operator"))
    assert guest < agent < operator == ALL


def test_no_agent_may_hold_what_only_operators_may(roles: Roles) -> None:
    assert roles.capabilities(list(roles.by_name), "agent").isdisjoint({"operate"})


@given(st.lists(st.text(max_size=20), max_size=5), st.sampled_from(["agent", "human", "service", "?"]))
def test_unknown_roles_grant_nothing(names: list[str], kind: str) -> None:
    table = parse("{version: 1, roles: {known: {title: K, grants: [status]}}}")
    allowed = "known" in names and kind != "?"
    assert table.capabilities(names, kind) == ({"status"} if allowed else set())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("version: 1\nroles: {a: {title: A, grants: [fly]}}", "fly"),
        ("version: 1\nroles: {a: {title: A, includes: [b]}}", "b, which isn't defined"),
        ("version: 1\nroles: {a: {title: A, includes: [b]}, b: {title: B, includes: [a]}}", "circle"),
        ("version: 1\nroles: {a: {title: A, grant: [status]}}", "roles.a.grant"),
        ("version: 2\nroles: {}", "version"),
        ("version: 1\nroles: {A B: {title: A}}", "roles"),
        ("{", "not YAML"),
    ],
)
def test_a_faulty_table_is_refused_and_says_where(text: str, says: str) -> None:
    with pytest.raises(RolesError, match=says):
        parse(text, "roles.yaml")


def test_another_text_is_another_policy_version() -> None:
    one = parse("{version: 1, roles: {}}")
    assert one.version == parse("{version: 1, roles: {}}").version
    assert one.version != parse("{version: 1, roles: {a: {title: A}}}").version


HELD = st.frozensets(st.sampled_from(sorted(CAPABILITIES)))


@given(st.sampled_from([*CAPABILITIES, "no such"]), st.booleans(), HELD)
def test_nothing_is_allowed_without_its_capability(capability: str, exposed: bool, held: frozenset[str]) -> None:
    verdict = authorize("t", capability, exposed, held)
    assert verdict.allowed == (capability in held and (exposed or "operate" in held))
    assert verdict.rule
    assert verdict.reason


@given(st.sampled_from(sorted(CAPABILITIES)), HELD)
def test_what_is_for_operators_does_not_exist_for_others(capability: str, held: frozenset[str]) -> None:
    held -= {"operate"}
    assert authorize("t", "operate", True, held).hidden
    assert authorize("t", capability, False, held).hidden
    assert "operat" not in authorize("t", "operate", True, held).reason


@given(st.sampled_from(sorted(CAPABILITIES)), st.booleans(), HELD, HELD)
def test_more_capabilities_never_allow_less(
    capability: str, exposed: bool, held: frozenset[str], more: frozenset[str]
) -> None:
    if authorize("t", capability, exposed, held).allowed:
        assert authorize("t", capability, exposed, held | more).allowed
