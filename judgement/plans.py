"""Plans: from a route to the steps that a caller may run, in their order. Templates are data (`configs/plans.yaml`)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib.resources import files
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .marked_yaml import MarkedYamlError, placed, read

OPERATE = "operate"
MOST_STEPS = 32
_PLACEHOLDER = re.compile(r"\{([a-z_]+(?:\|[a-z_]+)*)\}")  # read in our own templates only

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Order = tuple[tuple[str, ...], ...]


class PlanError(ValueError):
    """A plan can't be run or a template can't be used; the message names the step and says why."""


class StepTemplate(BaseModel):
    """One step of a template, with placeholders in its arguments."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Name
    tool: Name
    arguments: dict[str, Any] = {}
    needs: tuple[Name, ...] = ()
    optional: bool = False


class Template(BaseModel):
    """A plan before it is known for whom and about what."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    steps: tuple[StepTemplate, ...] = Field(min_length=1, max_length=MOST_STEPS)


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = Field(ge=1, le=1)
    plans: dict[Name, Template]


@dataclass(frozen=True, slots=True)
class Step:
    """A call to be made.

    Args:
        id: its name within the plan.
        tool: what to call.
        arguments: with what.
        needs: ids of the steps that must have succeeded first.
        optional: whether the plan is whole without it.
    """

    id: str
    tool: str
    arguments: dict[str, Any]
    needs: tuple[str, ...] = ()
    optional: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Plain data, as `RunPlan` takes it."""
        return {
            "id": self.id,
            "tool": self.tool,
            "arguments": self.arguments,
            "needs": list(self.needs),
            "optional": self.optional,
        }


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A step that isn't run, and why."""

    id: str
    tool: str
    why: str

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {"id": self.id, "tool": self.tool, "why": self.why}


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run.

    Args:
        steps: those that this caller may run.
        left_out: the others.
        order: ids, wave by wave; what stands in one wave runs side by side.
    """

    steps: tuple[Step, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    order: Order = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for results."""
        return {
            "steps": [step.as_dict() for step in self.steps],
            "left_out": [each.as_dict() for each in self.left_out],
            "order": [list(wave) for wave in self.order],
        }


class Templates:
    """The plans there are.

    Args:
        plans: by name.

    Raises:
        PlanError: a plan whose steps need each other in a circle, or a step that isn't there.
    """

    def __init__(self, plans: Mapping[str, Template]) -> None:
        self.by_name = dict(plans)
        for name, template in self.by_name.items():
            try:
                order_of({step.id: step.needs for step in template.steps}, len(template.steps))
            except PlanError as error:
                raise PlanError(f"plan {name}: {error}") from error

    def plan(
        self,
        route: Mapping[str, Any],
        facts: Iterable[Mapping[str, Any]],
        held: frozenset[str],
        values: Mapping[str, Any] | None = None,
    ) -> Plan:
        """The steps of a route that this caller may run.

        Args:
            route: `kind` (tool or workflow), `name` and `arguments`, as the Router gives it.
            facts: of every tool that the caller may be offered: name, capability, exposed, input_schema.
            held: the caller's capabilities.
            values: what placeholders stand for besides the route's arguments: request, context.

        Raises:
            PlanError: there is no plan of the route's name, or its kind isn't one to plan for.
        """
        kind, name = str(route.get("kind")), str(route.get("name"))
        arguments: dict[str, Any] = dict(route.get("arguments") or {})
        if kind == "tool":
            steps: tuple[Step, ...] = (Step(name, name, arguments),)
        elif kind != "workflow":
            raise PlanError(f"there is nothing to plan for a route of kind {kind!r}")
        elif name not in self.by_name:
            raise PlanError(f"there is no plan {name!r}; there are {', '.join(sorted(self.by_name))}")
        else:
            known = {**(values or {}), **arguments}
            steps = tuple(_filled(step, known) for step in self.by_name[name].steps)
        return _allowed(steps, {str(fact["name"]): fact for fact in facts}, held)


def order_of(needs: Mapping[str, Iterable[str]], count: int) -> Order:
    """The waves in which steps run; within a wave in the order in which they are given.

    Args:
        needs: by the id of each step, the ids of the steps before it.
        count: how many steps there are; more than `needs` has means that an id was given twice.

    Raises:
        PlanError: names the circle, the unknown step or that an id isn't unique.
    """
    if len(needs) != count:
        raise PlanError("two steps have the same id")
    needs = {each: tuple(before) for each, before in needs.items()}
    for each, before in needs.items():
        for need in before:
            if need not in needs:
                raise PlanError(f"step {each} needs {need}, which isn't a step of this plan")
    sorter = TopologicalSorter(needs)
    try:
        sorter.prepare()
    except CycleError as error:
        raise PlanError(f"steps need each other in a circle: {' -> '.join(error.args[1])}") from error
    given = list(needs)
    waves: list[tuple[str, ...]] = []
    while sorter.is_active():
        wave = tuple(sorted(sorter.get_ready(), key=given.index))
        waves.append(wave)
        sorter.done(*wave)
    return tuple(waves)


def _allowed(steps: Sequence[Step], facts: Mapping[str, Mapping[str, Any]], held: frozenset[str]) -> Plan:
    """Leave out what can't be run, and what needs it, except where only an optional step is missing."""
    by_id = {step.id: step for step in steps}
    kept: dict[str, Step] = {}
    left: list[LeftOut] = []
    for each in (each for wave in order_of({step.id: step.needs for step in steps}, len(steps)) for each in wave):
        step = by_id[each]
        why = _obstacle(step, facts.get(step.tool), held)
        missing = [need for need in step.needs if need not in kept]
        hard = [need for need in missing if not by_id[need].optional]
        if not why and hard:
            why = f"it needs {', '.join(hard)}, which is left out"
        if why:
            left.append(LeftOut(step.id, step.tool, why))
        else:
            kept[each] = replace(step, needs=tuple(need for need in step.needs if need in kept))
    remaining = tuple(step for step in (kept.get(step.id) for step in steps) if step is not None)
    return Plan(remaining, tuple(left), order_of({step.id: step.needs for step in remaining}, len(remaining)))


def _obstacle(step: Step, fact: Mapping[str, Any] | None, held: frozenset[str]) -> str:
    """Why a step can't be run, or ""; a tool that is hidden from the caller looks like one that isn't there."""
    if fact is None or (OPERATE not in held and (fact["capability"] == OPERATE or not fact.get("exposed", True))):
        return f"there is no tool {step.tool}"
    if fact["capability"] not in held:
        return f"you need the capability {fact['capability']} for {step.tool}"
    schema = fact.get("input_schema") or {}
    missing = [name for name in schema.get("required", ()) if name not in step.arguments]
    if missing:
        return f"{step.tool} needs {', '.join(missing)}, which the request doesn't give"
    return ""


def _filled(step: StepTemplate, values: Mapping[str, Any]) -> Step:
    arguments = {name: _fill(value, values) for name, value in step.arguments.items()}
    given = {name: value for name, value in arguments.items() if value is not None}
    return Step(step.id, step.tool, given, step.needs, step.optional)


def _fill(value: Any, values: Mapping[str, Any]) -> Any:
    """A value with its placeholders replaced; None when it consists of one that stands for nothing."""
    if not isinstance(value, str):
        return value
    whole = _PLACEHOLDER.fullmatch(value)
    if whole:  # keeps the type of what it stands for
        return _first(whole[1], values)
    return _PLACEHOLDER.sub(lambda found: str(_first(found[1], values) or ""), value)


def _first(names: str, values: Mapping[str, Any]) -> Any:
    return next((values[name] for name in names.split("|") if values.get(name) not in (None, "")), None)


def parse(text: str, origin: str = "plans.yaml") -> Templates:
    """Read plan templates.

    Raises:
        PlanError: says what is wrong and where.
    """
    try:
        marked = read(text)
    except MarkedYamlError as error:
        raise PlanError(placed(error.reason, error.place, origin)) from None
    try:
        return Templates(_File.model_validate(marked.value).plans)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise PlanError(placed(f"{where}: {first['msg']}", marked.place(first["loc"]), origin)) from error


@cache
def shipped() -> Templates:
    """The plans that come with the system."""
    return parse((files("aura_ia_mcp.configs") / "plans.yaml").read_text("utf-8"))
