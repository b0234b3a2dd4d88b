"""What `match` in a rule means: one check per key, each with words for people."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from ..finding import Severity
from .condition import WEEKDAYS
from .document import During, Findings, Match
from .glob import matcher
from .inputs import LEVELS, Inputs

Test = Callable[[Inputs], bool]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that a call must be like.

    Args:
        key: of `match`, or `unless`.
        words: what it asks for, as in "the tool is one of echo, get_*".
        test: whether a call is so.
        moving: whether it may differ between two calls of one tool by one principal.
    """

    key: str
    words: str
    test: Test
    moving: bool = False

    @property
    def of_tool(self) -> bool:
        """Whether it looks at the tool alone."""
        return self.key in _OF_TOOL


_OF_TOOL = frozenset({"tools", "capabilities", "categories", "reads", "destructive", "open_world"})


def checks(match: Match) -> tuple[Check, ...]:
    """The checks of a match, those first that don't move."""
    return (*_of_tool(match), *_of_principal(match), *_of_call(match))


def exception(unless: Match) -> Check:
    """The check that a call isn't like this; with nothing given it always is."""
    parts = checks(unless)

    def test(inputs: Inputs) -> bool:
        return not all(part.test(inputs) for part in parts)

    words = "not (" + " and ".join(part.words for part in parts) + ")"
    return Check("unless", words, test, any(part.moving for part in parts))


def _of_tool(match: Match) -> Iterator[Check]:
    if match.tools is not None:
        named = matcher(match.tools)
        yield Check("tools", f"the tool is {_any(match.tools)}", lambda i: named(i.tool.name))
    if match.capabilities is not None:
        needed = matcher(match.capabilities)
        yield Check("capabilities", f"the tool needs {_any(match.capabilities)}", lambda i: needed(i.tool.capability))
    if match.categories is not None:
        among = matcher(match.categories)
        yield Check("categories", f"the tool's category is {_any(match.categories)}", lambda i: among(i.tool.category))
    if (reads := match.reads) is not None:
        yield Check("reads", f"the tool {'only reads' if reads else 'writes'}", lambda i: i.tool.read_only is reads)
    if (destroys := match.destructive) is not None:
        words = f"the tool {'may' if destroys else 'can not'} destroy"
        yield Check("destructive", words, lambda i: i.tool.destructive is destroys)
    if (outside := match.open_world) is not None:
        words = f"the tool {'reaches' if outside else 'stays inside'}" + (" beyond the system" if outside else "")
        yield Check("open_world", words, lambda i: i.tool.open_world is outside)


def _of_principal(match: Match) -> Iterator[Check]:
    if match.servers is not None:
        serves = matcher(match.servers)
        yield Check("servers", f"the call comes through {_any(match.servers)}", lambda i: serves(i.server))
    if match.principals is not None:
        is_one = matcher(match.principals)
        yield Check("principals", f"the caller is {_any(match.principals)}", lambda i: is_one(i.principal_id))
    if match.tenants is not None:
        belongs = matcher(match.tenants)
        yield Check("tenants", f"the tenant is {_any(match.tenants)}", lambda i: belongs(i.tenant))
    if match.kinds is not None:
        kinds = frozenset(match.kinds)
        yield Check("kinds", f"the caller is of kind {_any(match.kinds)}", lambda i: i.kind in kinds)
    if match.roles is not None:
        holds = matcher(match.roles)
        yield Check("roles", f"the caller has the role {_any(match.roles)}", lambda i: any(map(holds, i.roles)))


def _of_call(match: Match) -> Iterator[Check]:
    if match.trust is not None:
        below = match.trust.below
        yield Check("trust", f"the caller's trust is below {below:g}", lambda i: not i.trust >= below, moving=True)
    if match.risk is not None:
        level = match.risk.at_least
        graver = frozenset(LEVELS[LEVELS.index(level) :])
        known = frozenset(LEVELS)
        yield Check(
            "risk",
            f"the risk is {level} or more",
            lambda i: i.risk_level in graver or i.risk_level not in known,  # what isn't known is the worst
            moving=True,
        )
    if match.findings is not None:
        yield _finding(match.findings)
    if match.depth is not None:
        deep = match.depth.at_least
        yield Check("depth", f"the call is caused {deep} or more calls deep", lambda i: i.depth >= deep, moving=True)
    if match.during is not None:
        yield _during(match.during)


def _finding(wanted: Findings) -> Check:
    family = matcher(wanted.families or ("*",))
    rule = matcher(wanted.rules or ("*",))
    gravest = Severity[wanted.at_least.upper()]
    what = _any((*(wanted.families or ()), *(wanted.rules or ())) or ("anything",))

    def test(inputs: Inputs) -> bool:
        return any(found.severity >= gravest and family(found.family) and rule(found.rule) for found in inputs.findings)

    return Check("findings", f"inspection saw {what} of severity {wanted.at_least} or more", test, moving=True)


def _during(window: During) -> Check:
    zone = ZoneInfo(window.timezone)
    begin, end = _minutes(window.begin), _minutes(window.end)
    days = frozenset(window.days or WEEKDAYS)

    def test(inputs: Inputs) -> bool:
        local = datetime.fromtimestamp(inputs.now, zone)
        minute, today = local.hour * 60 + local.minute, local.weekday()
        if begin < end:
            return begin <= minute < end and WEEKDAYS[today] in days
        # over midnight: the evening of a named day, or the morning after it
        return (minute >= begin and WEEKDAYS[today] in days) or (minute < end and WEEKDAYS[today - 1] in days)

    when = f"{window.begin} to {window.end} {window.timezone}"
    return Check("during", f"it is {when}" + (f" on {_any(window.days)}" if window.days else ""), test, moving=True)


def _minutes(clock: str) -> int:
    hours, _, minutes = clock.partition(":")
    return int(hours) * 60 + int(minutes)


def _any(names: Iterable[str]) -> str:
    """The names, shortened for reading."""
    given = list(names)
    shown = given[:6] + [f"{len(given) - 6} more"] * (len(given) > 6)  # noqa: PLR2004
    return " or ".join(shown)
