"""What holds of every approval, whatever happens to it, in whatever order, however the clock jumps."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aura_ia_mcp.judgement.approvals import (
    APPROVED,
    CONFIRM,
    DENIED,
    EXPIRED,
    PENDING,
    REQUEST,
    USED,
    Approval,
    RefusalError,
    answering,
    confirm,
    decide,
    decline,
    expire,
    settled,
    stands,
    use,
)

WITHIN_S, USE_S = 100.0, 50.0


def asked(mode: str = "approve", approvers: int = 1, *, at: float = 0.0, name: str = "a1") -> Approval:
    return Approval(
        approval_id=name,
        mode=mode,
        principal={"id": "bot", "kind": "agent", "tenant": "local", "roles": ["agent"]},
        tool="remove",
        operation="",
        server="gateway",
        arguments={"path": "x"},
        arguments_hash="h",
        contract="c",
        policy="p",
        rule="r",
        reason="why",
        risk={"level": "low", "score": 1, "factors": []},
        findings=(),
        approvers=approvers,
        call="c0",
        requested_at=at,
        expires_at=at + WITHIN_S,
        changed_at=at,
    )


def yes(approval: Approval, by: str = "local/ada", now: float = 1.0) -> Approval:
    return decide(approval, by, "approve", "", now, use_within_s=USE_S)


def no(approval: Approval, by: str = "local/ada", now: float = 1.0, reason: str = "not today") -> Approval:
    return decide(approval, by, "deny", reason, now, use_within_s=USE_S)


def run(approval: Approval, call: str = "c1", number: int = 0, now: float = 2.0) -> Approval:
    return use(approval, approval.binding, call, number, now, use_within_s=USE_S)


def code_of(step: Any, *given: Any, **more: Any) -> str:
    with pytest.raises(RefusalError) as caught:
        step(*given, **more)
    return caught.value.code


# --- for every history ------------------------------------------------------------------------------------------------

WHO = st.sampled_from(["local/bot", "local/ada", "local/bob", "other/bot"])
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["approve", "deny", "confirm", "decline", "use", "look"]),
        WHO,
        st.sampled_from(["c1", "c2"]),
        st.integers(0, 2),
        st.floats(-200, 400, allow_nan=False),  # the time of each is its own: clocks jump
    ),
    max_size=14,
)


def step(approval: Approval, event: tuple[str, str, str, int, float]) -> Approval:
    what, by, call, number, now = event
    if what == "look":
        return expire(approval, now)
    if what == "use":
        return run(approval, call, number, now)
    if what == "confirm":
        return confirm(approval, approval.binding, number, now, use_within_s=USE_S)
    if what == "decline":
        return decline(approval, approval.binding, number, now)
    return decide(approval, by, what, "because", now, use_within_s=USE_S)


@given(st.sampled_from(["confirm", "approve", "request"]), st.integers(1, 3), EVENTS)
def test_no_history_breaks_what_is_promised(mode: str, approvers: int, events: list[Any]) -> None:
    approvers = 1 if mode == CONFIRM else approvers
    approval = asked(mode, approvers)
    history = [approval]
    runs: list[tuple[int, str]] = []
    for event in events:
        try:
            after = step(approval, event)
        except RefusalError:
            continue
        if event[0] == "use" and after is not approval:
            assert approval.status in (APPROVED, USED)
            runs.append((after.round, event[2]))
        approval = after
        history.append(approval)

    assert [number for number, _ in runs] == list(range(len(runs)))  # each round once, in order
    for before, after in pairwise(history):
        assert after.changed_at >= before.changed_at
        assert (before.status, after.status) in _POSSIBLE
        assert after.decisions[: len(before.decisions)] == before.decisions
    by_others = [each for each in approval.decisions if each.how == "operator"]
    assert all(each.by != "local/bot" for each in by_others)
    assert all(each.at < approval.expires_at for each in approval.decisions)
    agreed = [each.by for each in by_others if each.decision == "approve"]
    assert len(set(agreed)) == len(agreed)
    if approval.status in (APPROVED, USED):
        assert len(agreed) >= approvers or (mode == CONFIRM and approval.agreed == ("local/bot",))
        assert all(each.decision == "approve" for each in approval.decisions)


_POSSIBLE = {
    (PENDING, PENDING),
    (PENDING, APPROVED),
    (PENDING, DENIED),
    (PENDING, EXPIRED),
    (APPROVED, APPROVED),
    (APPROVED, USED),
    (APPROVED, EXPIRED),
    (DENIED, DENIED),
    (EXPIRED, EXPIRED),
    (USED, USED),
}


@given(EVENTS, st.floats(-1000, 1000, allow_nan=False))
def test_what_is_over_stays_over_when_the_clock_goes_back(events: list[Any], earlier: float) -> None:
    over = expire(asked(), WITHIN_S)
    assert over.status == EXPIRED
    for event in events:
        if event[0] != "look":
            assert code_of(step, over, (*event[:4], earlier))
        assert expire(over, earlier) is over
    assert not stands(over, earlier)


@given(EVENTS)
def test_its_plain_form_reads_back_as_the_same(events: list[Any]) -> None:
    approval = asked()
    for event in events:
        try:
            approval = step(approval, event)
        except RefusalError:
            continue
    assert Approval.from_dict(approval.as_dict()) == approval
    assert Approval.from_dict(approval.as_dict() | {"of_a_newer_version": 1}) == approval


# --- deciding ---------------------------------------------------------------------------------------------------------


def test_nobody_decides_on_what_they_asked_for() -> None:
    assert code_of(yes, asked(), "local/bot") == "forbidden"
    assert yes(asked(), "other/bot").status == APPROVED  # of the same name, in another tenant


def test_one_no_denies_and_needs_a_reason() -> None:
    assert code_of(no, asked(), reason="  ") == "invalid_arguments"
    denied = no(yes(asked(approvers=2), "local/ada"), "local/bob")
    assert denied.status == DENIED
    assert settled(denied) == "was denied by local/bob: not today"


def test_two_must_be_two_different_ones() -> None:
    half = yes(asked(approvers=2))
    assert half.status == PENDING
    with pytest.raises(RefusalError, match="agreed already") as caught:
        yes(half)
    assert (caught.value.code, "Somebody else must agree, too" in str(caught.value.recovery)) == (
        "approval_conflict",
        True,
    )
    assert settled(yes(half, "local/bob")) == "was approved by local/ada and local/bob"


def test_the_second_decider_is_told_who_was_faster() -> None:
    with pytest.raises(RefusalError, match="was approved by local/ada") as caught:
        no(yes(asked()), "local/bob")
    assert caught.value.code == "approval_conflict"


@pytest.mark.parametrize(("now", "code"), [(WITHIN_S - 0.001, ""), (WITHIN_S, "approval_conflict")])
def test_no_answer_by_the_deadline_is_a_no(now: float, code: str) -> None:
    if code:
        assert code_of(yes, asked(), now=now) == code
    else:
        assert yes(asked(), now=now).status == APPROVED


# --- the client's own user --------------------------------------------------------------------------------------------


def test_only_a_call_to_be_confirmed_takes_its_own_users_word() -> None:
    approval = asked(CONFIRM)
    given = confirm(approval, approval.binding, 0, 1.0, use_within_s=USE_S)
    assert (given.status, given.decisions[0].by, given.decisions[0].how) == (APPROVED, "local/bot", "client")
    for mode in ("approve", REQUEST):
        assert code_of(confirm, asked(mode), approval.binding, 0, 1.0, use_within_s=USE_S) == "forbidden"


def test_a_confirmation_that_comes_after_somebody_decided_changes_nothing() -> None:
    agreed = yes(asked(CONFIRM))
    assert confirm(agreed, agreed.binding, 0, 2.0, use_within_s=USE_S) is agreed
    denied = no(asked(CONFIRM))
    assert code_of(confirm, denied, denied.binding, 0, 2.0, use_within_s=USE_S) == "approval_denied"


def test_no_yes_counts_to_a_question_that_was_declined() -> None:
    approval = asked(CONFIRM)
    declined = decline(approval, approval.binding, 0, 1.0)
    assert (declined.status, declined.declined) == ("pending", 1)
    assert decline(declined, approval.binding, 0, 2.0) is declined
    assert code_of(confirm, declined, approval.binding, 0, 2.0, use_within_s=USE_S) == "confirmation_required"
    assert confirm(declined, approval.binding, 1, 2.0, use_within_s=USE_S).status == APPROVED
    assert yes(declined).status == APPROVED, "an operator may agree all the same"
    assert code_of(decline, run(yes(declined)), approval.binding, 1, 3.0) == "approval_used"


# --- using ------------------------------------------------------------------------------------------------------------


def test_it_is_used_once_and_a_repeat_of_the_same_call_is_no_second_use() -> None:
    used = run(yes(asked()))
    assert run(used, now=3.0) is used
    assert code_of(run, used, "c2") == "approval_used"


def test_a_tool_that_asks_back_goes_on_once_for_each_round() -> None:
    used = run(yes(asked()))
    second = run(used, "c2", 1, 3.0)
    assert code_of(run, second, "c3", 1) == "approval_used"
    assert code_of(run, used, "c3", 2) == "approval_used"
    assert code_of(run, used, "c2", 1, 2.0 + USE_S) == "approval_used"  # too late
    assert run(second, "c3", 2, 3.0 + USE_S - 0.1).round == 2


@pytest.mark.parametrize("member", ["principal", "tool", "contract", "arguments", "policy"])
def test_it_is_good_for_nothing_but_its_own_call(member: str) -> None:
    approval = yes(asked())
    other = approval.binding | {member: "another"}
    assert code_of(use, approval, other, "c1", 0, 2.0, use_within_s=USE_S) == "unknown_approval"


def test_nothing_runs_before_somebody_agreed_or_after_the_time_to_use_it() -> None:
    assert code_of(run, asked()) == "approval_required"
    assert code_of(run, asked(CONFIRM)) == "confirmation_required"
    assert code_of(run, no(asked())) == "approval_denied"
    assert code_of(run, yes(asked()), now=1.0 + USE_S) == "approval_required"


# --- what answers for a call ------------------------------------------------------------------------------------------


def test_a_denial_answers_before_a_permission_until_its_time_is_over() -> None:
    denied, agreed = no(asked(name="d")), yes(asked(name="y"))
    assert answering([agreed, denied], "approve", 1, 2.0) is denied
    assert answering([agreed, denied], "approve", 1, WITHIN_S) is None
    assert answering([asked(name="p"), agreed], "approve", 1, 2.0) is agreed


def test_what_asked_for_less_does_not_answer_for_more() -> None:
    assert answering([yes(asked(CONFIRM))], "approve", 1, 2.0) is None
    assert answering([yes(asked())], "approve", 2, 2.0) is None
    requested = yes(asked(REQUEST))
    assert answering([requested], "approve", 1, 2.0) is requested
    assert answering([requested], CONFIRM, 1, 2.0) is requested


def test_what_is_used_or_over_answers_for_nothing() -> None:
    over = replace(asked(), expires_at=1.0)
    assert answering([over, run(yes(asked()))], CONFIRM, 1, 2.0) is None


def test_who_decides_on_what_has_expired_is_told_that_the_caller_calls_again() -> None:
    with pytest.raises(RefusalError, match="has expired") as caught:
        yes(asked(), now=WITHIN_S)
    assert "the caller makes the call again" in str(caught.value.recovery)
