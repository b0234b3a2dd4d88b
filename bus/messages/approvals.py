"""Calls that wait for somebody (L0).

An approval, wherever it stands in a message or a result, has the form of `judgement.approvals.Approval.as_dict`.
"""

from __future__ import annotations

from .form import JSON, Message, message


@message("approvals.hold", idempotent=True)
class HoldCall(Message):
    """Safety holds a call until somebody agrees; reply {"approval": the one for this binding}.

    `binding` is {"principal": tenant/id, "tool", "contract", "arguments": keyed digest, "policy": version}. There is at
    most one approval for a binding that is pending, approved and unused, or denied and not over; that is the reply,
    else a new one. `call` is the id of the call; `mode` confirm or approve; `approvers` how many must agree; `shown`
    what a decider sees: principal, server, arguments (redacted), rule, reason, risk with its factors, findings.
    """

    mode: str
    binding: JSON
    call: str
    shown: JSON
    approvers: int = 1


@message("approvals.confirm", idempotent=True)
class ConfirmHeld(Message):
    """What the client's own user says to a call that was held to be confirmed: reply {"approval"}.

    `question` counts the earlier ones that the user declined; an answer to one of those changes nothing any more.
    """

    approval: str
    binding: JSON
    call: str
    agreed: bool = True
    question: int = 0


@message("approvals.use", idempotent=True)
class UseApproval(Message):
    """Use an approval for one run of its call, in one step that only one of several callers wins: reply {"approval"}.

    `round` counts the continuations of a tool that asks its client back: 0 begins, and each is used once.
    """

    approval: str
    binding: JSON
    call: str
    round: int = 0
