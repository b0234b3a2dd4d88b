"""L3: runs plans. Each step is a new request at the ingress, decided like any other."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aura_ia_mcp.bus.address import Address
from aura_ia_mcp.bus.bus import Bus, Context, handles
from aura_ia_mcp.bus.errors import AuraError, ErrorType
from aura_ia_mcp.bus.messages import JSON, Reenter, RunPlan
from aura_ia_mcp.bus.tokens import Verifier, grant, who
from aura_ia_mcp.judgement.plans import MOST_STEPS, PlanError, Step, order_of

from .boot import Boot
from .layers import passed
from .moment import ms_since
from .reporting import Reporter

AUDIENCE = "workflow"
_INGRESS = Address("gateway")
MOST_AT_ONCE = 8
MOST_RESULT_CHARS = 16_384
_MARGIN_S = 0.1
_REFUSED = (ErrorType.FORBIDDEN, ErrorType.APPROVAL_REQUIRED, ErrorType.RATE_LIMITED)


class Workflow:
    """Runs the steps of a plan under the grant of the call that it serves.

    Promises: a step begins only after those that it needs succeeded, and is skipped, naming them, when one did not;
    steps that don't need each other run side by side, at most 8 at once. All share the plan's deadline, and end a
    little before it, so that what is there by then is told. When the caller goes away the steps under way are
    cancelled. A plan of which some steps failed is called partial.

    Args:
        boot: `audience_key` among it.
    """

    def __init__(self, boot: Boot) -> None:
        if boot.audience_key is None:
            raise ValueError("Workflow needs the key that checks decision tokens")
        self._verifier = Verifier(AUDIENCE, boot.audience_key)
        self._counts = {"plans": 0, "steps": 0}

    async def start(self, bus: Bus) -> None:
        """Ready at once."""
        self._bus = bus
        self._reporter = Reporter(bus, lambda: dict(self._counts))
        self._reporter.start()

    async def stop(self) -> None:
        """Nothing to close but the reports."""
        await self._reporter.stop()

    @handles(RunPlan)
    async def run_plan(self, message: RunPlan, context: Context) -> JSON:
        """Run a plan's steps."""
        began = time.perf_counter()
        header = context.envelope.header
        self._verifier.verify(
            header.tokens.get(AUDIENCE),
            action=grant(message.parent),
            arguments=None,
            who=who(header.principal),
            delivery=None,
        )
        steps = _steps(message.steps)
        self._counts["plans"] += 1
        self._counts["steps"] += len(steps)
        rows = await _Run(self._bus, message, context, steps).rows()
        return passed({"status": _status(steps, rows), "steps": rows}, self._bus.address, began)


class _Run:
    """One plan under way: a task per step, each waiting for the tasks of the steps that it needs."""

    def __init__(self, bus: Bus, message: RunPlan, context: Context, steps: Mapping[str, Step]) -> None:
        self._bus = bus
        self._message = message
        self._context = context
        self._header = replace(context.header, deadline=context.header.deadline - _MARGIN_S)
        self._steps = steps
        self._slots = asyncio.Semaphore(MOST_AT_ONCE)
        self._tasks: dict[str, asyncio.Task[JSON]] = {}
        self._ended = 0

    async def rows(self) -> list[JSON]:
        """What became of each step, in the plan's order."""
        async with asyncio.TaskGroup() as group:
            for wave in order_of({each: step.needs for each, step in self._steps.items()}, len(self._steps)):
                for each in wave:  # in their order, so that a step finds the tasks that it waits for
                    self._tasks[each] = group.create_task(self._step(self._steps[each]))
        return [self._tasks[each].result() for each in self._steps]

    async def _step(self, step: Step) -> JSON:
        missing = [
            need
            for need in step.needs
            if (await self._tasks[need])["status"] != "done" and not self._steps[need].optional
        ]
        if missing:
            error = {"code": "skipped", "message": f"it needs {', '.join(missing)}, which did not succeed"}
            row = _row(step, "skipped", 0.0, error=error)
        else:
            async with self._slots:
                row = await self._call(step)
        self._ended += 1
        await self._context.emit(
            {
                "type": "progress",
                "progress": self._ended,
                "total": len(self._steps),
                "message": f"{step.id}: {row['status']}",
            }
        )
        return row

    async def _call(self, step: Step) -> JSON:
        message = Reenter(self._message.parent, step.tool, step.arguments, self._message.server)
        began = time.perf_counter()
        try:
            reply = await self._bus.request(_INGRESS, message, header=self._header, on_ask=self._context.ask)
        except AuraError as error:
            failure = error.failure
            status = "refused" if failure.type in _REFUSED else "failed"
            return _row(step, status, ms_since(began), error=failure.as_dict(), audit_id=failure.audit_id)
        return _told(step, reply, ms_since(began))


def _steps(given: list[JSON]) -> dict[str, Step]:
    """The steps by id, in the given order.

    Raises:
        AuraError: `invalid_arguments`: too many, a circle, an unknown need, an id twice, or a member missing.
    """
    if not 0 < len(given) <= MOST_STEPS:
        raise AuraError("invalid_arguments", f"a plan has 1 to {MOST_STEPS} steps, not {len(given)}")
    try:
        steps = [
            Step(
                str(step["id"]),
                str(step["tool"]),
                dict(step.get("arguments") or {}),
                tuple(step.get("needs") or ()),
                bool(step.get("optional", False)),
            )
            for step in given
        ]
        order_of({step.id: step.needs for step in steps}, len(steps))
    except PlanError as error:
        raise AuraError("invalid_arguments", str(error)) from error
    except (KeyError, TypeError, ValueError) as error:
        raise AuraError("malformed", f"a step isn't one: {type(error).__name__}: {error}") from error
    return {step.id: step for step in steps}


def _status(steps: Mapping[str, Step], rows: list[JSON]) -> str:
    done = [row["id"] for row in rows if row["status"] == "done"]
    if all(each in done or step.optional for each, step in steps.items()):
        return "done" if done else "failed"
    return "partial" if done else "failed"


def _told(step: Step, reply: JSON, ms: float) -> JSON:
    """A reply of MCP's form as the row of a step."""
    meta = reply.get("_meta") or {}
    audit_id = meta.get("aura/audit_id")
    if "rpc_error" in reply:
        error = {"code": "tool_failed", "message": str(reply["rpc_error"].get("message", ""))}
        return _row(step, "failed", ms, error=error, audit_id=audit_id)
    if reply.get("resultType") == "input_required":
        error = {"code": "input_required", "message": f"{step.tool} asks for input, which a step can't give"}
        return _row(step, "failed", ms, error=error, audit_id=audit_id)
    if reply.get("isError"):
        error = meta.get("aura/error") or {"code": "tool_failed", "message": _text(reply)}
        return _row(step, "failed", ms, error=error, audit_id=audit_id)
    structured = reply.get("structuredContent")
    found = structured if isinstance(structured, dict) else {"text": _text(reply)}
    return _row(step, "done", ms, result=_bounded(found), audit_id=audit_id)


def _row(step: Step, status: str, ms: float, *, audit_id: str | None = None, **more: Any) -> JSON:
    row: JSON = {"id": step.id, "tool": step.tool, "status": status, "ms": ms} | more
    return row if audit_id is None else row | {"audit_id": audit_id}


def _text(reply: JSON) -> str:
    parts = [str(part.get("text", "")) for part in reply.get("content") or () if part.get("type") == "text"]
    return "\n".join(parts)[:MOST_RESULT_CHARS]


def _bounded(found: JSON) -> JSON:
    """A result, or its beginning: many steps go into one answer."""
    text = json.dumps(found, ensure_ascii=False)
    if len(text) <= MOST_RESULT_CHARS:
        return found
    return {"truncated": True, "chars": len(text), "beginning": text[:MOST_RESULT_CHARS]}
