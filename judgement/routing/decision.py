"""From what the classifier guesses and what the words say to one decision: where to, how sure, what to ask back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import re2

from .arguments import extract
from .destructive import asks_how, destructive_intent, plain
from .doers import NOT_TO_READ, doers
from .intent import Intent
from .labels import LABELS, SAME, Label, RouteKind

MOST_CHARACTERS: Final = 2000
_SHOWN = 3
_SURE = 0.99
_NAMED = re2.compile(
    r"(?i)^(?:please |pls |can you |could you |now )*(?:run|call|use|invoke|execute|start|do|try)?\s*"
    r"(?:the )?(?:tool )?`?([a-z]+(?:[_-][a-z]+)+)`?(?: tool)?(?:[\s.:!(]|$)"
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the classifier made of a request.

    Args:
        scores: (label, probability), highest first.
        language: ISO 639-1.
        concepts: what its words point at, in order.
        meaning: whether the meaning took part.
        floor: the probability below which it asks back.
        margin: the distance to the second below which it asks back.
    """

    scores: Sequence[tuple[str, float]]
    language: str
    concepts: tuple[str, ...]
    meaning: bool
    floor: float
    margin: float


@dataclass(frozen=True, slots=True)
class Alternative:
    """What else the request may have meant, and how sure that is, 0 to 1."""

    kind: RouteKind
    name: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Decision:
    """Where a request goes.

    Args:
        kind: tool, workflow, model or none.
        name: of the tool, workflow or kind of model (general, code, reasoning); "" for none.
        arguments: what the request says of the tool's arguments.
        confidence: how often such a decision is right, 0 to 1.
        margin: how far the next one is behind, 0 to 1.
        asks: what to ask back, or "": the missing arguments, or which of the likeliest was meant.
        why: the reasons, for a person.
        alternatives: the likeliest others, surest first.
        destructive: whether the request wants something taken away or stopped.
        language: ISO 639-1.
        meaning: whether the meaning took part.
    """

    kind: RouteKind
    name: str
    confidence: float
    margin: float
    arguments: dict[str, Any] = field(default_factory=dict)
    asks: str = ""
    why: tuple[str, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    destructive: bool = False
    language: str = "en"
    meaning: bool = False


def route(request: str, reading: Reading, context: str = "") -> Decision:
    """Decide where a request in plain words goes; pure.

    A request that wants something taken away goes only to what does just that, else nowhere. Where the classifier
    isn't sure the decision is none, with a question.

    Args:
        request: the person's words; those after the 2,000th character don't count.
        reading: the classifier's, of the same request.
        context: what went before; gives ids and names that the request leaves out.
    """
    text = request[:MOST_CHARACTERS].encode("utf-8", "replace").decode()  # JSON can carry half a character
    why = [] if len(request) <= MOST_CHARACTERS else [f"only the first {MOST_CHARACTERS} characters were read"]
    if not reading.meaning and reading.language == "en":
        why.append("decided by its words alone, without their meaning, so less surely")
    if reading.language != "en":
        why.append(f"read as language {reading.language!r} by its known words alone")
    intent = destructive_intent(text, reading.language, reading.concepts)
    if intent is not None:
        return _take_away(text, reading, intent, why, context)
    groups = _grouped(_usable(text, reading))
    best, confidence = groups[0]
    margin = confidence - groups[1][1]
    named = _named(text)
    if named is not None:
        best, confidence, margin = named, _SURE, _SURE
        why.append("the request names it")
    label = LABELS[best]
    others = _alternatives(groups, best)
    if label.kind == "none":
        why.append("nothing here fits")
        return _none(reading, confidence, margin, why, others)
    if confidence < reading.floor or margin < reading.margin:
        why.append("not sure enough")
        return _none(reading, confidence, margin, why, others, asks=_which(groups))
    why.append(f"to {label.says}")
    return _to(label, text, reading, (confidence, margin), why, others, context)


def _take_away(text: str, reading: Reading, intent: Intent, why: list[str], context: str) -> Decision:
    why.append(f"the request wants something taken away or stopped ({intent.verb!r})")
    able = doers(intent, plain(text), reading.concepts)
    if not able:
        why.append("there is no tool that does just that, and a tool that only reads would be the wrong answer")
        return _none(reading, _SURE, _SURE, why, (), destructive=True)
    scores = dict(reading.scores)
    ranked = sorted(able, key=lambda label: -scores.get(label, 0.0))
    whole = sum(scores.get(label, 0.0) for label in able)
    shares = [scores.get(label, 0.0) / whole if whole else 1 / len(able) for label in ranked]
    margin = shares[0] - shares[1] if len(able) > 1 else shares[0]
    others = _alternatives(list(zip(ranked[1:], shares[1:], strict=True)), "")
    label = LABELS[ranked[0]]
    why.append(f"to {label.says}")
    return _to(label, text, reading, (shares[0], margin), why, others, context, destructive=True)


def _usable(text: str, reading: Reading) -> list[tuple[str, float]]:
    """The scores without what a question how something is done can't mean."""
    if not asks_how(text):
        return list(reading.scores)
    return [(label, score) for label, score in reading.scores if label not in NOT_TO_READ]


def _grouped(scores: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    """Labels that mean the same stand together under the likeliest of them; highest first."""
    total = sum(score for _, score in scores) or 1.0
    by_label = {label: score / total for label, score in scores if label in LABELS}
    out: list[tuple[str, float]] = []
    for same in SAME:
        present = sorted(same & by_label.keys(), key=lambda label: (-by_label[label], label))
        if present:
            out.append((_leader(present, by_label), sum(by_label.pop(label) for label in present)))
    return [*sorted([*out, *by_label.items()], key=lambda pair: -pair[1]), ("none:unclear", 0.0)]


def _leader(present: list[str], by_label: Mapping[str, float]) -> str:
    """Of equals the likeliest; where the kind of model is open, the tool that chooses it."""
    first = present[0]
    models = [label for label in present if label.startswith("model:")]
    if first in models and len(models) > 1 and by_label[models[1]] > by_label[first] / 2:
        return "tool:ollama_consult"
    return first


def _named(text: str) -> str | None:
    found = _NAMED.search(text)
    if found is None:
        return None
    name = f"tool:{found.group(1).casefold()}"
    return name if name in LABELS and name not in NOT_TO_READ else None


def _alternatives(groups: Sequence[tuple[str, float]], best: str) -> tuple[Alternative, ...]:
    return tuple(
        Alternative(LABELS[label].kind, LABELS[label].name if LABELS[label].kind != "none" else "", round(score, 4))
        for label, score in groups[: _SHOWN + 1]
        if label != best and score > 0
    )[:_SHOWN]


def _which(groups: Sequence[tuple[str, float]]) -> str:
    likely = [LABELS[label] for label, _ in groups[:_SHOWN] if LABELS[label].kind != "none"][:2]
    if len(likely) == 1:
        return (
            f"Do you mean to {likely[0].says} ({likely[0].name})? Otherwise please say it in other words, in English."
        )
    return f"Do you mean to {likely[0].says} ({likely[0].name}) or to {likely[1].says} ({likely[1].name})?"


def _none(
    reading: Reading,
    confidence: float,
    margin: float,
    why: list[str],
    others: tuple[Alternative, ...],
    *,
    asks: str = "",
    destructive: bool = False,
) -> Decision:
    return Decision(
        "none",
        "",
        round(confidence, 4),
        round(margin, 4),
        asks=asks,
        why=tuple(why),
        alternatives=others,
        destructive=destructive,
        language=reading.language,
        meaning=reading.meaning,
    )


def _to(
    label: Label,
    text: str,
    reading: Reading,
    sure: tuple[float, float],
    why: list[str],
    others: tuple[Alternative, ...],
    context: str,
    *,
    destructive: bool = False,
) -> Decision:
    found = extract(text, label)
    arguments, missing = dict(found.arguments), found.missing
    if missing and context:
        before = extract(context[:MOST_CHARACTERS].encode("utf-8", "replace").decode(), label).arguments
        taken = {name: before[name] for name, _ in missing if name in before}
        if taken:
            why.append(f"taken from what went before: {', '.join(taken)}")
        arguments |= taken
        missing = tuple(pair for pair in missing if pair[0] not in taken)
    return Decision(
        label.kind,
        label.name,
        round(sure[0], 4),
        round(sure[1], 4),
        arguments=arguments,
        asks=f"To {label.says}, please say: {', '.join(f'{what} ({name})' for name, what in missing)}."
        if missing
        else "",
        why=tuple(why),
        alternatives=others,
        destructive=destructive,
        language=reading.language,
        meaning=reading.meaning,
    )
