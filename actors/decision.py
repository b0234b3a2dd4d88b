"""What a decision token covers, said once for those who mint and those who check."""

from __future__ import annotations

from typing import Any

from aura_ia_mcp.bus.bus import Context
from aura_ia_mcp.bus.messages import JSON, CallTool, Complete, Embed, GetPrompt, ReadForInjection, ReadResource
from aura_ia_mcp.bus.tokens import Claims, Verifier, who

ANSWERS = "inputResponses"

Governed = CallTool | ReadResource | GetPrompt | Complete
OfTexts = Embed | ReadForInjection


def covered(message: Governed | OfTexts) -> Any:
    """The arguments that a token for this message covers: everything the client gave that the work depends on."""
    if isinstance(message, ReadResource):
        return message.uri
    if isinstance(message, OfTexts):
        return message.texts
    if isinstance(message, Complete):
        return [message.ref, message.argument, message.context]
    if message.inputs is None and message.state is None:
        return message.arguments
    return [message.arguments, message.inputs, message.state]


def given(message: Governed) -> JSON:
    """What the caller gave, to be inspected: arguments, and answers to what a tool asked."""
    if isinstance(message, ReadResource):
        return {}
    if isinstance(message, Complete):
        return message.argument
    return message.arguments if message.inputs is None else message.arguments | {ANSWERS: message.inputs}


def action_of(message: Governed | OfTexts, contract: str = "") -> str:
    """What a token for this message allows.

    Args:
        message: what is to be run.
        contract: the fingerprint of the tool's contract on which the decision was made; "" where only the name counts.
    """
    if isinstance(message, ReadResource):
        return f"read:{message.uri}"
    if isinstance(message, GetPrompt):
        return f"prompt:{message.name}"
    if isinstance(message, Complete):
        return "complete"
    if isinstance(message, Embed):
        return "embed"
    if isinstance(message, ReadForInjection):
        return "read"
    return f"call:{message.tool}:{contract}" if contract else f"call:{message.tool}"


def check(
    verifier: Verifier, message: Governed | OfTexts, context: Context, audience: str, contract: str = ""
) -> Claims:
    """What the token of a message says; one whose token doesn't cover just this is refused.

    Raises:
        AuraError: `invalid_token`.
    """
    header = context.envelope.header
    return verifier.verify(
        header.tokens.get(audience),
        action=action_of(message, contract),
        arguments=covered(message),
        who=who(header.principal),
        delivery=context.envelope.id,
        repeats=bool(context.envelope.key),
    )
