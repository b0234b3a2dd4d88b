"""Fixtures that answer `input_required` and go on when the client comes back (SEP-2322)."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

from aura_ia_mcp.actors.sources import ToolCall
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON

_STATE_KEY = b"the conformance fixtures sign their requestState"


def text(said: str) -> JSON:
    """A CallToolResult of one text."""
    return {"content": [{"type": "text", "text": said}], "isError": False}


def _ask(requests: JSON, state: Any = None) -> JSON:
    asked: JSON = {"resultType": "input_required", "inputRequests": requests}
    if state is not None:
        asked["requestState"] = _seal(state)
    return asked


def _seal(state: Any) -> str:
    body = json.dumps(state, sort_keys=True)
    return f"{hmac.new(_STATE_KEY, body.encode(), hashlib.sha256).hexdigest()}.{body}"


def _open(sealed: str | None) -> Any:
    """What `_seal` closed, or None without any.

    Raises:
        AuraError: the client altered it.
    """
    if sealed is None:
        return None
    mac, _, body = sealed.partition(".")
    if not hmac.compare_digest(mac, hmac.new(_STATE_KEY, body.encode(), hashlib.sha256).hexdigest()):
        raise AuraError("malformed", "requestState was altered; begin the call again without it")
    return json.loads(body)


def _form(message: str, **properties: JSON) -> JSON:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {"method": "elicitation/create", "params": {"message": message, "requestedSchema": schema}}


def _sample(prompt: str) -> JSON:
    message = {"role": "user", "content": {"type": "text", "text": prompt}}
    return {"method": "sampling/createMessage", "params": {"messages": [message], "maxTokens": 100}}


_TEXT: JSON = {"type": "string"}
_YES_NO: JSON = {"type": "boolean"}
_ROOTS: JSON = {"method": "roots/list"}


def _field(answer: Any, name: str) -> Any:
    """A field of an accepted elicitation, or None."""
    content = answer.get("content") if isinstance(answer, dict) else None
    return content.get(name) if isinstance(content, dict) else None


async def elicitation(arguments: JSON, call: ToolCall) -> JSON:
    """Ask for the user's name, then greet."""
    name = _field((call.inputs or {}).get("user_name"), "name")
    return text(f"Hello, {name}!") if name else _ask({"user_name": _form("What is your name?", name=_TEXT)})


async def sampling(arguments: JSON, call: ToolCall) -> JSON:
    """Ask the client's model for a capital."""
    answer = (call.inputs or {}).get("capital_question")
    if answer is None:
        return _ask({"capital_question": _sample("What is the capital of France?")})
    return text(f"Model said: {_field(answer, 'text')}")


async def list_roots(arguments: JSON, call: ToolCall) -> JSON:
    """Ask for the client's roots, and count them."""
    answer = (call.inputs or {}).get("client_roots")
    return _ask({"client_roots": _ROOTS}) if answer is None else text(f"Client exposed {len(answer['roots'])} root(s).")


async def request_state(arguments: JSON, call: ToolCall) -> JSON:
    """Take back the state that was handed out."""
    if "confirm" in (call.inputs or {}) and _open(call.state) == "nonce":
        return text("state-ok: confirmation received")
    return _ask({"confirm": _form("Please confirm", ok=_YES_NO)}, "nonce")


async def multiple_inputs(arguments: JSON, call: ToolCall) -> JSON:
    """Ask three things at once."""
    requests = {
        "user_name": _form("What is your name?", name=_TEXT),
        "greeting": _sample("Generate a greeting"),
        "client_roots": _ROOTS,
    }
    done = requests.keys() <= (call.inputs or {}).keys()
    return text("All inputs received.") if done else _ask(requests, "multiple-inputs")


async def multi_round(arguments: JSON, call: ToolCall) -> JSON:
    """Ask twice, one after the other; anything out of order begins anew."""
    state, inputs = _open(call.state) or {"round": 0}, call.inputs or {}
    if state["round"] == 1 and "step1" in inputs:
        later = {"round": 2, "name": _field(inputs["step1"], "name")}
        return _ask({"step2": _form("Step 2: What is your favorite color?", color=_TEXT)}, later)
    if state["round"] == 2 and "step2" in inputs:
        return text(f"{state['name']} likes {_field(inputs['step2'], 'color')}.")
    return _ask({"step1": _form("Step 1: What is your name?", name=_TEXT)}, {"round": 1})


async def tampered_state(arguments: JSON, call: ToolCall) -> JSON:
    """Refuse a state that the client altered."""
    state = _open(call.state)
    return text(f"state-ok: {state}") if state else _ask({"confirm": _form("Please confirm", ok=_YES_NO)}, "round-1")


async def capabilities(arguments: JSON, call: ToolCall) -> JSON:
    """Ask only what the client says it can answer."""
    requests: JSON = {}
    if call.can("sampling"):
        requests["sample"] = _sample("Say hello")
    if call.can("elicitation"):
        requests["ask"] = _form("What is your name?", name=_TEXT)
    return _ask(requests, "capability-gated")


async def prompt(arguments: JSON, call: ToolCall) -> JSON:
    """A prompt that needs a context from the user first."""
    context = _field((call.inputs or {}).get("user_context"), "context")
    if context is None:
        return _ask({"user_context": _form("What context should the prompt use?", context=_TEXT)})
    content = {"type": "text", "text": f"Use the following context: {context}"}
    return {"messages": [{"role": "user", "content": content}]}


TOOLS = {
    f"test_input_required_result_{tool.__name__}": tool
    for tool in (
        elicitation,
        sampling,
        list_roots,
        request_state,
        multiple_inputs,
        multi_round,
        tampered_state,
        capabilities,
    )
}
