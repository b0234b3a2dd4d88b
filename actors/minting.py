"""The decision tokens of one allowed message: for whoever runs it, and for what that may ask for in turn."""

from __future__ import annotations

import time

from aura_ia_mcp.bus.envelope import new_id
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import CallTool
from aura_ia_mcp.bus.tokens import Claims, Minter, digest, grant, who

from .case import Case
from .decision import Governed, action_of, covered
from .definition import HERE
from .snapshot import Subject

_REENTRY = ("gateway", "workflow")  # who checks a grant: the ingress, and the actor that runs the steps
_ML = "ml"
_OPERATE = "operate"


class Minting:
    """Safety's pen.

    Args:
        minter: signs.
        ttl_s: how long a token is good.
    """

    def __init__(self, minter: Minter, ttl_s: float) -> None:
        self._minter = minter
        self._ttl_s = ttl_s

    def tokens(self, case: Case, subject: Subject, message: Governed) -> dict[str, bytes]:
        """By audience: Tools, who else runs it, and by its definition re-entry and the meaning of its texts."""
        tokens = {HERE: self._token(case, HERE, action_of(message, subject.contract), case.arguments)}
        if subject.audience != HERE:
            tokens[subject.audience] = self._token(case, subject.audience, action_of(message), case.arguments)
        if not isinstance(message, CallTool):
            return tokens
        texts = _given(subject.embeds, message)
        if texts:
            tokens[_ML] = self._token(case, _ML, "embed", digest(texts))
        elif subject.reads and (texts := _given(subject.reads, message)):
            tokens[_ML] = self._token(case, _ML, "read", digest(texts))
        if subject.reenters:
            for audience in _REENTRY:
                tokens[audience] = self._token(case, audience, grant(case.id), digest(None))
        return tokens

    def reading(self, case: Case, texts: list[str]) -> dict[str, bytes]:
        """For Safety's own question to the ML worker, about these texts."""
        return {_ML: self._token(case, _ML, "read", digest(texts))}

    def _token(self, case: Case, audience: str, action: str, arguments: str) -> bytes:
        sandbox = "full" if case.verdict is None else str(case.verdict.sandbox)
        return self._minter.mint(
            Claims(
                id=new_id(),
                who=who(case.header.principal),
                action=action,
                arguments=arguments,
                policy=case.standing.rules.version,
                audience=audience,
                expires=time.time() + self._ttl_s,
                sandbox=sandbox,
                operates=_OPERATE in case.standing.held,
                call=case.id,
            )
        )


def _given(names: tuple[str, ...], message: CallTool) -> list[str]:
    return [text for name in names if isinstance(text := message.arguments.get(name), str)]


def digest_of(message: Governed) -> str:
    """SHA-256 of the arguments that a token covers.

    Raises:
        AuraError: `malformed`: they can't be hashed.
    """
    try:
        return digest(covered(message))
    except (RecursionError, ValueError, TypeError) as error:
        raise AuraError("malformed", f"the arguments can't be hashed: {type(error).__name__}") from error
