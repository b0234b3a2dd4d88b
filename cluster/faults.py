"""What keeps an operator's command from being done, told without a trace."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # most who raise these read no policy
    from aura_ia_mcp.judgement.policy import PolicyError


class OperatorError(Exception):
    """It can't be done; the message says why and what to do."""


class PolicyFault(OperatorError):  # noqa: N818 - a finding about a file, told as such
    """The policy file can't be used.

    Args:
        error: what is wrong with it, and where.
    """

    def __init__(self, error: PolicyError) -> None:
        super().__init__(str(error))
        self.line = error.line
        self.column = error.column
        self.message = error.message
