"""What the record of a call says that its verdict rests on, read back: the opposite of `actors.record`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from .finding import Finding
from .policy import Facts, Inputs, Policy, PolicyError
from .policy import parse as parse_policy
from .roles import Roles, RolesError
from .roles import parse as parse_roles

Record = Mapping[str, Any]

_MOST_FINDINGS = 50  # of a record; actors/record.py keeps one of each kind first
_MOST_KEPT = 10_000
_HERE = frozenset(field.name for field in fields(Inputs)) - {"findings", "arguments", "tool"}


class UnreadableError(Exception):
    """The record isn't of the form; the message says what is wrong with it."""


class Reader:
    """Reads records' inputs; what is the same in many records is made once."""

    def __init__(self) -> None:
        self._facts: dict[tuple[Any, ...], Facts] = {}
        self._held: dict[tuple[str, ...], frozenset[str]] = {}

    def inputs(self, record: Record) -> Inputs:
        """The inputs of the verdict, as the policy saw them; without arguments where they weren't kept.

        Raises:
            UnreadableError: there are none, or they aren't of the form that this program reads.
        """
        try:
            given, who = record["inputs"], record["principal"]
            rest = {name: value for name, value in given.items() if name in _HERE}
            return Inputs(
                tool=self._tool(given["tool"]),
                principal_id=who["id"],
                kind=who["kind"],
                tenant=who["tenant"],
                roles=tuple(who["roles"]),
                held=self._capabilities(record["capabilities"]),
                findings=findings(record),
                arguments=given.get("arguments", {}),
                **rest,
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UnreadableError(f"its inputs can't be read ({type(error).__name__}: {error})") from None

    def _tool(self, given: dict[str, Any]) -> Facts:
        key = tuple(given.items())
        found = self._facts.get(key)
        if found is None:
            found = Facts(**given)
            if len(self._facts) < _MOST_KEPT:
                self._facts[key] = found
        return found

    def _capabilities(self, given: list[str]) -> frozenset[str]:
        key = tuple(given)
        found = self._held.get(key)
        if found is None:
            found = frozenset(key)
            if len(self._held) < _MOST_KEPT:
                self._held[key] = found
        return found


class Archive:
    """The rules that records name, each parsed once.

    Args:
        text: the text of a version; None when it isn't there.
    """

    def __init__(self, text: Callable[[str], str | None]) -> None:
        self._text = text
        self._policies: dict[str, Policy | None] = {}
        self._roles: dict[str, Roles | None] = {}

    def policy(self, version: str) -> Policy | None:
        """A policy; None when it isn't there, or this program can't read it any more."""
        if version not in self._policies:
            text = self._text(version)
            try:
                self._policies[version] = None if text is None else parse_policy(text)
            except PolicyError:
                self._policies[version] = None
        return self._policies[version]

    def roles(self, version: str) -> Roles | None:
        """A role table, likewise."""
        if version not in self._roles:
            text = self._text(version)
            try:
                self._roles[version] = None if text is None else parse_roles(text)
            except RolesError:
                self._roles[version] = None
        return self._roles[version]


def findings(record: Record) -> tuple[Finding, ...]:
    """What inspection saw in the arguments.

    Raises:
        KeyError, TypeError, ValueError: the record isn't of the form.
    """
    seen = record.get("findings")
    if not seen:
        return ()
    return tuple(Finding.from_dict({name: each[name] for name in each if name != "at"}) for each in seen)


def cut_short(record: Record) -> bool:
    """Whether inspection saw more kinds of things than the record has room for."""
    kept = record.get("findings", ())
    kinds = {(each["rule"], each["severity"]) for each in kept}
    return len(kinds) >= _MOST_FINDINGS and record["inspection"]["found"] > len(kept)


def marked(record: Record) -> bool:
    """Whether secrets were marked in the arguments that the policy had kept, so that they aren't what was judged."""
    return bool(record.get("kept", {}).get("marked"))


def audit_id(record: Record) -> str:
    """The record's id."""
    return f"{record.get('writer')}:{record.get('seq')}"
