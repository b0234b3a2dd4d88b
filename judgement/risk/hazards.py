"""What inspection sees in an operation that may be a command; apart from the rest, for it loads a grammar."""

from __future__ import annotations

from ..finding import Finding
from ..inspection.commands import inspect_command

# That a sentence is no command says nothing about its risk.
_NO_HAZARDS = ("command.unparsed", "command.too_large", "command.too_deep", "command.opaque")


def hazards(operation: str) -> tuple[Finding, ...]:
    """The findings in a text that somebody may have meant as a command; none in plain words.

    SQL isn't among them: read as SQL, much plain English deletes without a condition. Its words are in the lexicon.

    Args:
        operation: words, a command or SQL.
    """
    return tuple(each for each in inspect_command(operation) if each.rule not in _NO_HAZARDS)
