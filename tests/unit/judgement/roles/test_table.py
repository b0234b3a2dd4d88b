from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from aura_ia_mcp.judgement.roles import CAPABILITIES, Roles, RolesError, parse, shipped, shipped_text
from aura_ia_mcp.judgement.roles.document import Document

FILE: dict[str, Any] = yaml.safe_load(shipped_text())
ENGINEERS, KNOWN = sorted(FILE["roles"]), sorted(FILE["capabilities"])
NAMES = sorted([*ENGINEERS, *FILE["callers"]])
KINDS = st.sampled_from(["agent", "human", "service"])
HELD = st.lists(st.sampled_from(NAMES), max_size=3)
SHIPPED = shipped()
DAY = 86_400
UNTIL = 1_790_000_000  # 2026-09-21T14:13:20Z

ISSUE_3 = {
    "administrator": (5, "manage_roles manage_policies read_secrets execute_infra delete_resources"),
    "lead_engineer": (
        4,
        "orchestrate write_code execute_deploy approve_code execute_tests merge debug read_code read_config",
    ),
    "security_officer": (5, "approve_security block_action read_logs read_secrets manage_policies approve_deploy"),
    "senior_architect": (4, "write_code read_code write_docs approve_code execute_tests debug"),
    "full_stack_guru": (4, "write_code read_code merge debug execute_tests write_config"),
    "devops_engineer": (4, "execute_deploy execute_infra execute_scripts write_config read_logs debug"),
    "developer": (3, "write_code read_code execute_tests debug write_docs"),
    "junior_developer": (2, "read_code execute_tests write_docs"),
    "researcher": (2, "query upsert_memory read_code read_logs write_docs"),
    "product_owner": (3, "approve_code read_code write_docs query"),
    "knowledge_curator": (2, "write_docs upsert_memory query read_code"),
    "coordinator": (3, "route delegate query read_logs"),
    "ux_designer": (2, "read_code write_docs write_code"),
}


def made(**changes: Any) -> Roles:
    """The shipped table with other parts, without the time that reading YAML takes."""
    return Roles(Document.model_validate(FILE | changes), "changed")


def written(**changes: Any) -> Roles:
    return parse(yaml.safe_dump(FILE | changes))


def lent(**changes: Any) -> dict[str, Any]:
    given_ = {
        "capability": "read_logs",
        "from": "role:devops_engineer",
        "to": "principal:local/token:lena",
        "reason": "r",
    }
    return given_ | {"until": "2026-09-21T14:13:20Z"} | changes


@pytest.fixture(scope="module")
def roles() -> Roles:
    return SHIPPED


def test_each_role_has_exactly_what_the_issue_lists(roles: Roles) -> None:
    assert {name: (roles.engineers[name].trust, set(roles.own(name))) for name in ENGINEERS if name != "root"} == {
        name: (trust, set(listed.split())) for name, (trust, listed) in ISSUE_3.items()
    }
    assert roles.own("root") == set(KNOWN)
    assert len(KNOWN) == 26


def test_the_callers_keep_what_they_had(roles: Roles) -> None:
    assert roles.capabilities(["guest"], "agent") == {"status", "infer", "query"}
    assert roles.capabilities(["auditor"], "human") == {"status", "read_logs"}
    assert roles.capabilities(["operator"], "human") == set(CAPABILITIES)
    assert roles.capabilities(["operator"], "agent") == set()


@given(st.lists(st.text(max_size=20), max_size=4), KINDS)
def test_unknown_roles_grant_nothing(names: list[str], kind: str) -> None:
    assert SHIPPED.capabilities([name for name in names if name not in NAMES], kind) == set()


@given(st.lists(st.sampled_from(NAMES)))
def test_an_agent_never_operates(held: list[str]) -> None:
    assert "operate" not in SHIPPED.capabilities(held, "agent")


@given(st.dictionaries(st.sampled_from(ENGINEERS), st.sampled_from([*ENGINEERS, None])), HELD, KINDS)
def test_the_tree_grants_nothing(parents: dict[str, str | None], held: list[str], kind: str) -> None:
    changed = copy.deepcopy(FILE["roles"])
    for name, role in changed.items():
        role.pop("parent", None)
        above = parents.get(name)
        if above is not None and above < name:  # no circle
            role["parent"] = above
    other = made(roles=changed)
    assert other.capabilities(held, kind) == SHIPPED.capabilities(held, kind)
    assert other.engineering(held) == SHIPPED.engineering(held)


@given(st.dictionaries(st.sampled_from(ENGINEERS), st.integers(0, 5)), HELD, KINDS)
def test_trust_grants_nothing(trust: dict[str, int], held: list[str], kind: str) -> None:
    changed = copy.deepcopy(FILE["roles"])
    for name, value in trust.items():
        changed[name]["trust"] = value
    assert made(roles=changed).capabilities(held, kind) == SHIPPED.capabilities(held, kind)


@given(st.sampled_from(sorted(ISSUE_3)), st.data(), HELD, KINDS)
def test_removing_a_capability_never_permits_more(name: str, data: st.DataObject, held: list[str], kind: str) -> None:
    changed = copy.deepcopy(FILE["roles"])
    changed[name]["capabilities"].remove(data.draw(st.sampled_from(changed[name]["capabilities"])))
    less = made(roles=changed)
    assert less.engineering(held) <= SHIPPED.engineering(held)
    assert less.capabilities(held, kind) <= SHIPPED.capabilities(held, kind)


@given(st.sampled_from([*KNOWN, *CAPABILITIES]), HELD, KINDS, st.booleans())
def test_a_denial_beats_every_grant(denied: str, held: list[str], kind: str, by_role: bool) -> None:
    to = f"role:{held[0]}" if by_role and held else "principal:local/token:lena"
    table = made(
        denials=[{"capability": denied, "to": to, "reason": "r"}],
        delegations=[lent(capability="read_code", **{"from": "role:developer"})],
    )
    now = UNTIL - 1
    assert denied not in table.engineering(held, "local/token:lena", now)
    assert denied not in table.capabilities(held, kind, "local/token:lena", now)
    assert table.capabilities(held, kind, "local/token:lena", now) <= SHIPPED.capabilities(held, kind) | {
        "infer",
        "status",
    }


def test_a_denied_role_can_not_lend_either() -> None:
    table = made(
        delegations=[lent()], denials=[{"action": "Read:Logs", "to": "role:devops_engineer", "reason": "incident"}]
    )
    assert table.engineering(["developer"], "local/token:lena", UNTIL - 1) == table.own("developer")
    assert table.check("DevOps Engineer", "read_logs").rule == "denial"


@given(st.integers(-40 * DAY, 5 * DAY))
def test_a_delegation_lasts_at_most_thirty_days_and_ends_at_until(offset_s: int) -> None:
    table = made(delegations=[lent()])
    lasts = -30 * DAY <= offset_s < 0
    now = UNTIL + offset_s
    assert ("read_logs" in table.capabilities(["developer"], "agent", "local/token:lena", now)) == lasts
    assert "read_logs" not in table.capabilities(["developer"], "agent", "other/lena", now)


def test_what_was_kept_for_one_moment_is_not_given_at_another() -> None:
    table = made(delegations=[lent()])
    answers = [
        "read_logs" in table.capabilities(["guest"], "agent", "local/token:lena", UNTIL + at) for at in (-1, 0, -1)
    ]
    assert answers == [True, False, True]


def test_a_delegation_of_what_operates_says_so_and_still_lets_no_agent_operate() -> None:
    lending = lent(capability="manage_policies", **{"from": "role:administrator"})
    with pytest.raises(RolesError, match="operate: true"):
        written(delegations=[lending])
    table = made(delegations=[lending | {"operate": True}])
    held = {
        k: "operate" in table.capabilities(["developer"], k, "local/token:lena", UNTIL - 1) for k in ("agent", "human")
    }
    assert held == {"agent": False, "human": True}


@pytest.mark.parametrize("action", ["read:config", "read_config", "Read-Config", "READ.CONFIG"])
def test_spelling_does_not_matter(roles: Roles, action: str) -> None:
    assert roles.check("Lead Engineer", action).permitted
    assert roles.check("lead-engineer", action).permitted
    found = roles.check("Junior Developer", action)
    assert (found.permitted, found.rule) == (False, "role.missing")


@given(st.text(max_size=200), st.text(max_size=200))
def test_what_is_unknown_is_not_permitted(role: str, action: str) -> None:
    table = SHIPPED
    if table.find(role) is None:
        assert not table.check(role, "read_code").permitted
    found = table.check("root", action)
    assert found.permitted == (found.rule not in {"action.unknown", "kind.operate"})


def test_an_unknown_name_is_told_its_nearest(roles: Roles) -> None:
    assert roles.check("develper", "read_code").nearest == "developer"
    assert roles.check("developer", "reed_code").nearest == "read_code"


def test_a_role_alone_never_operates_as_an_agent(roles: Roles) -> None:
    assert roles.check("root", "operate").rule == "kind.operate"
    assert roles.check("root", "operate", kind="human").permitted


@pytest.mark.parametrize(
    ("text", "line", "column", "says"),
    [
        ("{", 1, 2, "not YAML"),
        ("version: 3", 1, 1, "version"),
        ("version: 2\nrols: {}", 2, 1, "did you mean 'roles'"),
        ("version: 2\nroles:\n  a: {title: A, capabilties: []}", 3, 17, "did you mean 'capabilities'"),
        ("version: 2\nversion: 2", 2, 1, "twice"),
        ("version: 2\nroles: &x {}\ncallers: *x", 2, 8, "aliases"),
        ("version: 2\nroles: {a: {title: a, parent: b}, b: {title: b, parent: a}}", 2, 23, "circle"),
        ("version: 2\nroles: {a: {title: a, capabilities: [fly]}}", 2, 38, "no capability 'fly'"),
        ("version: 2\ntool_capabilities: {statuss: everyone}", 2, 21, "did you mean 'status'"),
        ("version: 2\ntool_capabilities: {operate: everyone}", 2, 21, "can't be for everyone"),
        ("version: 2\ndenials: [{to: 'role:x', reason: r}]", 2, 11, "capability or action"),
    ],
)
def test_a_faulty_table_says_what_is_wrong_and_where(text: str, line: int, column: int, says: str) -> None:
    with pytest.raises(RolesError, match=says) as caught:
        parse(text)
    assert (caught.value.line, caught.value.column) == (line, column)


def test_what_looks_like_a_truth_stays_a_text() -> None:
    table = parse("version: 2\ncapabilities: {fly: {category: read, description: off}}\nroles: {a: {title: no}}")
    assert table.by_name["a"].title == "no"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"until": None}, "until"),
        ({"since": "2026-08-01"}, "longer than 30 days"),
        ({"since": "2026-10-01"}, "before it begins"),
        ({"from": "role:researchr"}, "did you mean 'researcher'"),
        ({"from": "role:developer"}, "doesn't have read_logs itself"),
        ({"to": "lena"}, "delegations.0.to"),
        ({"to": "role:nobody"}, "no role 'nobody'"),
        ({"capability": "read_log"}, "did you mean 'read_logs'"),
    ],
)
def test_a_faulty_delegation_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(RolesError, match=says):
        written(delegations=[lent(**changes)])


def test_another_text_is_another_version() -> None:
    assert parse("version: 2").version == parse("version: 2").version != parse("version: 2\nroles: {}").version


@pytest.mark.parametrize(
    "members", ["capability: read_logs, from: role:devops_engineer, until: 2026-11-27", "action: read_logs"]
)
def test_a_principal_that_nobody_can_be_is_refused_with_the_id_that_was_meant(members: str) -> None:
    section = "delegations" if "from" in members else "denials"
    row = f"{section}:\n  - {{{members}, to: principal:local/lena, reason: r}}\n"
    with pytest.raises(RolesError, match="is principal:local/token:lena"):
        parse(shipped_text().replace(f"{section}: []", row))
    parse(
        shipped_text().replace("denials: []", "denials: [{capability: status, to: principal:local/guest, reason: r}]")
    )


@given(st.sampled_from([*KNOWN, *CAPABILITIES]), HELD, KINDS, st.sampled_from([*CAPABILITIES]))
def test_a_denials_reason_is_told_of_what_it_takes_away_and_of_nothing_else(
    denied: str, held: list[str], kind: str, capability: str
) -> None:
    table = made(denials=[{"capability": denied, "to": "principal:local/token:lena", "reason": "until Friday"}])
    taken = SHIPPED.capabilities(held, kind) - table.capabilities(held, kind, "local/token:lena")
    told = table.denial(capability, held, kind, "local/token:lena")
    assert told == ("until Friday" if capability in taken else "")
    assert table.denial(capability, held, kind, "local/token:noor") == ""
