"""What an operation told in words comes to: which verbs are done, to what, how much of it, and where."""

from __future__ import annotations

from dataclasses import dataclass

from . import things, verbs
from .score import BLAST, ENVIRONMENTS, KINDS, TARGETS
from .words import Verb, clauses, singular, split, verb

_KINDS, _TARGETS, _BLASTS, _ENVIRONMENTS = list(KINDS), list(TARGETS), list(BLAST), list(ENVIRONMENTS)
_MOST_SEEN = 12


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text says, as far as it was understood.

    Args:
        kind: a key of `KINDS`; `unknown` when no verb was recognised.
        target: a key of `TARGETS`.
        reversibility: a key of `REVERSIBILITY`.
        blast: a key of `BLAST`.
        environment: a key of `ENVIRONMENTS`, or "" when none is told.
        off_hours: whether it tells of a time when nobody is there.
        seen: the words that it was made from.
        note: how it was understood, where that isn't plain.
    """

    kind: str
    target: str = "project"
    reversibility: str = "reversible"
    blast: str = "one"
    environment: str = ""
    off_hours: bool = False
    seen: tuple[str, ...] = ()
    note: str = ""


def read(text: str) -> tuple[Reading, ...]:
    """One reading for each part of a text that tells of an operation; at least one."""
    every = split(text)
    shared = _Circumstances.of(every)
    found = [_clause(clause, shared) for clause in clauses(every)]
    told = tuple(each for each in found if each is not None)
    return told or (Reading("unknown", note="not recognised: no word of it tells what is done"),)


@dataclass(frozen=True, slots=True)
class _Circumstances:
    """What holds for the whole text, wherever in it it is told."""

    environment: str
    off_hours: bool

    @classmethod
    def of(cls, every: list[str]) -> _Circumstances:
        told = [things.ENVIRONMENTS[word] for word in every if word in things.ENVIRONMENTS]
        return cls(
            max(told, key=_ENVIRONMENTS.index, default=""), any(singular(word) in things.OFF_HOURS for word in every)
        )


def _clause(clause: list[str], shared: _Circumstances) -> Reading | None:
    done, negated = _verbs(clause)
    objects = _objects(clause, talk=bool(done) and done[0].lemma in verbs.TALK)
    if not done:
        if negated:
            return Reading("read", seen=tuple(negated), note=f"negated: {', '.join(negated)} is not to be done")
        if _worst(objects) in ("project", "scratch", ""):
            return None
    if _is_dry_run(clause):
        return Reading("read", seen=("dry run",), note="a dry run changes nothing")
    kind = max((_kind(each, objects) for each in done), key=_KINDS.index, default="unknown")
    target = _target(done, objects, shared, _Circumstances.of(clause))
    return Reading(
        kind,
        target,
        _reversibility(clause, done, kind, target),
        _blast(clause, done, objects, kind),
        shared.environment,
        shared.off_hours,
        tuple(dict.fromkeys([each.lemma for each in done] + [word for word, _ in objects]))[:_MOST_SEEN],
        "" if done else "not recognised: no word of it tells what is done",
    )


def _verbs(clause: list[str]) -> tuple[list[Verb], list[str]]:
    """The verbs that are to be done, and those that are not to be done."""
    done: list[Verb] = []
    negated: list[str] = []
    for at, word in enumerate(clause):
        found = verb(word)
        if found is None or (found.form == "noun" and done):
            continue
        if _is_negated(clause, at) or (negated and _continues(clause, at)):
            negated.append(found.lemma)
        elif not done or _counts(clause, at, found, done[0]):
            done.append(found)
    return done, negated


def _counts(clause: list[str], at: int, found: Verb, first: Verb) -> bool:
    """Whether a verb after the first one is done, too, rather than spoken of."""
    before = clause[at - 1]
    if found.form == "ed":
        return before in verbs.BE and first.lemma not in verbs.TALK
    if first.lemma in verbs.TALK:
        how = at > 1 and before == "to" and clause[at - 2] == "how"
        return before in verbs.JOINERS and not how
    return True


def _is_negated(clause: list[str], at: int) -> bool:
    """Whether a negation stands right before a verb, adverbs aside."""
    back = at - 1
    while back >= 0 and clause[back] in verbs.ADVERBS:
        back -= 1
    return back >= 0 and clause[back] in verbs.NEGATIONS


def _continues(clause: list[str], at: int) -> bool:
    """Whether a verb goes on with the negated one before it: `do not delete or drop`."""
    return at > 0 and clause[at - 1] in ("or", "nor")


def _is_dry_run(clause: list[str]) -> bool:
    for at, word in enumerate(clause):
        if word in ("dryrun", "--dry-run", "--what-if", "--whatif", "--check", "--simulate", "--dryrun"):
            return not (verbs.BEFORE_DRY_RUN & set(clause[max(0, at - 3) : at]))
    return False


def _objects(clause: list[str], *, talk: bool) -> list[tuple[str, str]]:
    """What it is done to, with the kind of target; of what is only spoken about nothing."""
    found: list[tuple[str, str]] = []
    for at, word in enumerate(clause):
        if talk and word in ("about", "regarding", "concerning"):
            break
        target = _target_of(word)
        if word in ("token", "tokens") and things.COUNTED & set(clause):
            target = "project"
        if target and not (at == 0 and verb(word)):  # `test the thing`: a verb, not the test
            found.append((word, target))
    return found


def _target_of(word: str) -> str:
    if word.startswith(("/", "~", "./", "../", ".", "c:\\")) or "/" in word:
        return _path(word)
    return things.TARGETS.get(word) or things.TARGETS.get(singular(word), "")


def _path(path: str) -> str:
    if any(part in path for part in things.SECRET_PATHS):
        return "credentials"
    if path.startswith(things.STORES):
        return "user_data"
    if path.startswith(things.SCRATCH_PATHS) or "node_modules" in path:
        return "scratch"
    if path in ("/", "/*", "/.") or path.startswith(things.SYSTEM_PATHS):
        return "system"
    if path in things.WHOLE_PATHS:
        return "user_data"
    return "project" if len(path) > 1 else ""


def _worst(objects: list[tuple[str, str]]) -> str:
    return max((target for _, target in objects), key=_TARGETS.index, default="")


def _kind(found: Verb, objects: list[tuple[str, str]]) -> str:
    kind = verbs.VERBS[found.lemma]
    if found.lemma in ("format", "reformat") and _worst(objects) == "system":
        return "delete"  # a disk, not code
    if found.lemma == "reset" and _worst(objects) == "credentials":
        return "write"  # a password is replaced, nothing is lost
    return kind


def _target(done: list[Verb], objects: list[tuple[str, str]], shared: _Circumstances, own: _Circumstances) -> str:
    """The gravest target; what makes it graver may stand anywhere, what makes it less so must be here."""
    worst = _worst(objects)
    if any(each.lemma in verbs.OF_MACHINE for each in done):
        worst = max(worst or "system", "system", key=_TARGETS.index)
    kinds = {target for _, target in objects}
    if worst in ("project", "configuration") and "scratch" in kinds:
        return "scratch"  # `temporary files`
    if worst == "user_data" and (own.environment == "development" or "scratch" in kinds):
        return "project"  # `the test database`
    if not worst and done and all(each.lemma in verbs.HARMLESS_RUN for each in done):
        return "scratch"
    if shared.environment == "production" and worst not in ("production", "credentials"):
        return "production"
    return worst or "project"


def _reversibility(clause: list[str], done: list[Verb], kind: str, target: str) -> str:
    lemmas = {each.lemma for each in done}
    said = set(clause)
    if lemmas & verbs.IRREVERSIBLE or (kind in ("delete", "admin") and said & things.FOR_GOOD and target != "scratch"):
        return "irreversible"
    if said & things.UNDOABLE:
        return "costly"
    if kind == "delete":
        return {"scratch": "reversible", "project": "costly"}.get(target, "irreversible")
    if lemmas & verbs.COSTLY or kind in ("unknown", "admin"):
        return "costly"
    return "reversible"


def _blast(clause: list[str], done: list[Verb], objects: list[tuple[str, str]], kind: str) -> str:
    lemmas = {each.lemma for each in done}
    found = [things.SCOPES[word] for word in clause if word in things.SCOPES]
    found += ["all" for word in clause if word in things.WHOLE_PATHS or word.endswith("/*")]
    if lemmas & verbs.OUTSIDE:
        found.append("outside")
    if lemmas & verbs.EVERYTHING:
        found.append("all")
    if kind == "delete":
        found += _destroyed(clause, objects)
    if kind != "read":
        found += ["many" for word, _ in objects if singular(word) != word and word != "kubernetes"]
    if "deploy" in lemmas or "release" in lemmas:
        found.append("many")
    return max(found, key=_BLASTS.index, default="one")


def _destroyed(clause: list[str], objects: list[tuple[str, str]]) -> list[str]:
    """How much goes when these are destroyed: with a condition (SQL's where) only what it names."""
    narrowed = "where" in clause and "1" not in clause
    if narrowed and not {"drop", "truncate"} & set(clause):
        return ["many"]
    whole = any(word in things.WHOLE or singular(word) in things.WHOLE for word, _ in objects)
    from_table = "delete" in clause and "from" in clause[: clause.index("delete") + 2]
    return ["all"] if whole or from_table else []
