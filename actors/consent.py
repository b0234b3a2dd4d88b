"""Somebody's consent to a call: its client's own user confirms it, or others approve it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

from aura_ia_mcp.bus.bus import Bus, Context
from aura_ia_mcp.bus.errors import AuraError, Outcome
from aura_ia_mcp.bus.messages import JSON, CallTool, ConfirmHeld, HoldCall, Message, UseApproval
from aura_ia_mcp.bus.tokens import digest
from aura_ia_mcp.judgement.finding import Severity
from aura_ia_mcp.judgement.policy import Effect, Verdict

from .case import Case
from .decision import ANSWERS, Governed
from .enforcing import denied, held
from .question import agreed, can_be_asked, problem, question, shown_of
from .recording import Recording
from .sealed_state import Continuation, Seal

QUESTION = "aura_consent"
_APPROVALS = "approvals"
_MODERN = "2026"  # revisions are dates; from this year on a server has no requests of its own
_SPARE_S = 1.0
_TOO_LONG = "its question can't be put: its state is too long"


class Consent:
    """Sees to it that what needs consent runs with it, and once.

    Promises: a call that needs consent runs only on an approval for just this caller, tool, contract, arguments and
    policy, which is used up in one step before it runs. The order is: the record `opened_call`, which names the
    approval; the use, which the actor Approvals records before it answers; the run. So wherever a process dies, no run
    is without a used approval and no use without a record; what may be lost is a run that was agreed to, never may one
    happen twice.

    Whether the client's own user agreed is the client's word: `confirm` proves no more than that. What a tool asks back
    within such a call is bound to the same approval, each continuation good for once.

    Args:
        bus: Safety's.
        seal: closes what clients carry.
        recording: writes `opened_call`.
        keyed: the audit's keyed digest.
        answer_within_s: how long a user has to answer.
    """

    def __init__(
        self, bus: Bus, seal: Seal, recording: Recording, keyed: Callable[[str], str], answer_within_s: float
    ) -> None:
        self._bus = bus
        self._seal = seal
        self._recording = recording
        self._keyed = keyed
        self._answer_within_s = answer_within_s

    # --- a client that comes back -------------------------------------------------------------------------------------

    def resumed(self, case: Case, message: CallTool) -> CallTool:
        """The call as its tool is to see it: without what Safety asked, and with the tool's own state.

        Raises:
            AuraError: `malformed`: the state was altered, belongs to another call, or came too late.
        """
        found = self._seal.open(message.state)
        if found is None:
            return message
        own = (case.principal.name, message.tool, self._keyed(digest(message.arguments)))
        if (found.binding["principal"], found.binding["tool"], found.arguments) != own:
            raise AuraError(
                "malformed",
                "requestState belongs to another call",
                recovery="Send it with the very tool and arguments that it was given for.",
            )
        case.resumed = found
        if found.round:
            return replace(message, state=found.state)
        case.answer = (message.inputs or {}).get(QUESTION)
        return replace(message, inputs=found.inputs, state=found.state)

    # --- before it runs -----------------------------------------------------------------------------------------------

    async def gain(self, case: Case, message: Governed, context: Context) -> JSON | None:
        """None once the call may run; else MCP's InputRequiredResult, with which the client asks its user.

        Raises:
            AuraError: `invalid_arguments`, before anybody is asked; `approval_required`, `confirmation_required`,
                `approval_denied`, `approval_used`; or `unavailable`, as it is with any failure to reach Approvals.
        """
        verdict = case.verdict
        assert verdict is not None
        if verdict.allowed:
            return None
        rests = self._rests_on(case, verdict)
        if rests is not None and rests.round:
            await self._use(case, rests.approval, dict(rests.binding), rests.round, context)
            return None
        binding = self._binding(case, message)
        if rests is not None and rests.binding == binding and agreed(case.answer):
            await self._confirm(case, rests.approval, binding, rests.question, context)
        else:
            refusal = "" if case.answer is None else problem(case.answer)
            if refusal:
                await self._decline(case, context)
            waiting = await self._hold(case, verdict, message, binding, context)
            if refusal:
                raise held(case, verdict, waiting, refusal)
            if waiting["status"] == "pending":
                asked = await self._ask(case, verdict, message, waiting, context)
                if asked is not None:
                    return asked
                await self._confirm(case, waiting["approval_id"], binding, waiting["declined"], context)
        assert case.approval is not None
        await self._use(case, case.approval["approval_id"], binding, 0, context)
        return None

    def _rests_on(self, case: Case, verdict: Verdict) -> Continuation | None:
        """What the call continues, if what was agreed to then covers what would run now."""
        found, subject = case.resumed, case.subject
        if found is None or subject is None:
            return None
        same = (found.binding["policy"], found.binding["contract"], found.rule) == (
            case.standing.rules.policy.version,
            subject.contract,
            verdict.rule,
        )
        new = any(at.startswith(f"/{ANSWERS}") and seen.severity >= Severity.REVIEW for at, seen in case.findings)
        return found if same and not new and found.approvers >= verdict.approvers else None

    def _binding(self, case: Case, message: Governed) -> JSON:
        assert case.subject is not None
        return {
            "principal": case.principal.name,
            "tool": case.name if isinstance(message, CallTool) else f"{case.what} {case.name}",
            "contract": case.subject.contract,
            "arguments": self._keyed(case.arguments),
            "policy": case.standing.rules.policy.version,
        }

    async def _hold(self, case: Case, verdict: Verdict, message: Governed, binding: JSON, context: Context) -> JSON:
        """The approval that answers for the call.

        Raises:
            AuraError: `approval_denied`; `approval_required` unless it is there, or only its client's user must agree;
                `invalid_arguments`: its tool would refuse it, so nobody is asked.
        """
        if isinstance(message, CallTool) and case.subject is not None:
            case.subject.check(message.arguments)
        mode = str(verdict.effect)
        approvers = verdict.approvers if verdict.effect is Effect.APPROVE else 1
        shown = shown_of(case, message, verdict)
        found = await self._told(case, HoldCall(mode, binding, case.id, shown, approvers), context)
        if found["status"] == "denied":
            raise denied(case, found)
        if found["status"] == "pending" and verdict.effect is Effect.APPROVE:
            raise held(case, verdict, found)
        return found

    async def _confirm(self, case: Case, approval: str, binding: JSON, question: int, context: Context) -> None:
        await self._told(case, ConfirmHeld(approval, binding, case.id, question=question), context)

    async def _decline(self, case: Case, context: Context) -> None:
        """Let no later yes to the question that was answered count: its state is spent."""
        found = case.resumed
        assert found is not None
        told = ConfirmHeld(found.approval, dict(found.binding), case.id, agreed=False, question=found.question)
        await self._told(case, told, context)

    async def _use(self, case: Case, approval: str, binding: JSON, number: int, context: Context) -> None:
        if case.approval is None:
            mode = str(case.verdict.effect) if case.verdict else ""
            case.approval = {"approval_id": approval, "mode": mode, "status": "used", "round": number, "decisions": []}
        case.opened, case.binding = self._recording.append("opened_call", case), binding
        await self._told(case, UseApproval(approval, binding, case.id, number), context)
        case.consented = True

    async def _told(self, case: Case, message: Message, context: Context) -> JSON:
        """What Approvals answers; the case keeps it. Nothing has run when it fails.

        Raises:
            AuraError: with the id of the approval, if there is one.
        """
        try:
            reply = await self._bus.request(_APPROVALS, message, header=context.header.with_tokens({}))
        except AuraError as error:
            name = error.failure.approval_id or getattr(message, "approval", None)
            if error.failure.outcome == Outcome.NOT_RUN:
                raise AuraError.from_failure(replace(error.failure, approval_id=name)) from None
            raise AuraError(
                "unavailable",
                f"{case.name[:128]!r} was not run, for its consent can't be told: {error}",
                approval_id=name,
            ) from error
        found: JSON = reply["approval"]
        case.approval = found
        return found

    # --- the client's own user ----------------------------------------------------------------------------------------

    async def _ask(
        self, case: Case, verdict: Verdict, message: Governed, waiting: JSON, context: Context
    ) -> JSON | None:
        """None when the user agrees; else the question, for a client that is asked by an answer.

        Raises:
            AuraError: `confirmation_required`, saying why nobody agreed.
        """
        if waiting["mode"] != "confirm":  # it was asked for ahead of the call, and so is for others to decide
            raise held(case, verdict, waiting, "others were asked to agree")
        if not isinstance(message, CallTool) or case.header.depth or not can_be_asked(message.client):
            raise held(case, verdict, waiting, "your client can't ask its user")
        put = question(shown_of(case, message, verdict), waiting["approval_id"])
        if message.era >= _MODERN:
            return self._put(case, verdict, message, waiting, put)
        if why := await self._answer(put, context):
            raise held(case, verdict, waiting, why)
        return None

    def _put(self, case: Case, verdict: Verdict, message: CallTool, waiting: JSON, put: JSON) -> JSON:
        until = min(time.time() + self._answer_within_s, waiting["expires_at"])
        state = self._seal.close(
            Continuation(
                waiting["approval_id"],
                self._binding(case, message),
                verdict.rule,
                verdict.approvers,
                self._keyed(digest(message.arguments)),
                0,
                until,
                message.state,
                message.inputs,
                waiting["declined"],
            )
        )
        if state is None:
            raise held(case, verdict, waiting, _TOO_LONG)
        case.outcome = "input_required"
        return {"resultType": "input_required", "inputRequests": {QUESTION: put}, "requestState": state}

    async def _answer(self, put: JSON, context: Context) -> str:
        """Why the user doesn't agree, or "" for a yes."""
        limit_s = min(self._answer_within_s, context.header.remaining_s - _SPARE_S)
        try:
            async with asyncio.timeout(limit_s):
                return problem(await context.ask(put))
        except TimeoutError:
            return f"your user did not answer within {max(limit_s, 0):.0f} s"
        except AuraError as error:
            return f"your user could not be asked ({error})"

    # --- after it ran -------------------------------------------------------------------------------------------------

    def carried(self, case: Case, message: Governed, reply: JSON) -> JSON:
        """A tool's question of its own, bound to what the call rests on; any other reply as it is.

        Raises:
            AuraError: `tool_failed`: the tool's state is too long to be carried.
        """
        if not case.consented or reply.get("resultType") != "input_required" or not isinstance(message, CallTool):
            return reply
        assert case.approval is not None
        assert case.verdict is not None
        state = self._seal.close(
            Continuation(
                case.approval["approval_id"],
                case.binding,
                case.verdict.rule,
                case.verdict.approvers,
                self._keyed(digest(message.arguments)),
                case.approval["round"] + 1,
                time.time() + self._answer_within_s,
                reply.get("requestState"),
            )
        )
        if state is None:
            raise AuraError("tool_failed", f"{case.name}: {_TOO_LONG}")
        return reply | {"requestState": state}
