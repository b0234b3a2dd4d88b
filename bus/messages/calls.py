"""The way of a call, from the gateway down to whoever runs it (L7 to L5).

Any reply of `CallTool`, `ReadResource`, `GetPrompt`, `Complete` and `Reenter` may be
{"rpc_error": {"code", "message", "data"?}}: then the answer is that JSON-RPC error.
"""

from __future__ import annotations

from dataclasses import field

from .form import JSON, Message, message


@message("catalogue.list", idempotent=True)
class ListCatalogue(Message):
    """What is there, of one kind: tools, resources, resource_templates or prompts.

    Reply {"entries": [entry in MCP's JSON form], "version": text, "absent": [{source, reason}]}.
    `server` names the virtual server whose filter applies.
    """

    what: str
    server: str = "gateway"


@message("tools.call", privileged=True)
class CallTool(Message):
    """Run a tool. The reply is MCP's CallToolResult (or InputRequiredResult) as JSON.

    `meta` is the client's `_meta`; `key` the client's idempotency key, or ""; `client` what the client can do
    (MCP client capabilities), so that a tool may ask it; `inputs` and `state` continue a call that asked for input.
    """

    tool: str
    arguments: JSON
    server: str = "gateway"
    meta: JSON = field(default_factory=dict)
    key: str = ""
    client: JSON = field(default_factory=dict)
    inputs: JSON | None = None
    state: str | None = None
    era: str = ""


@message("resources.read", idempotent=True, privileged=True)
class ReadResource(Message):
    """Read a resource by URI; the reply is MCP's ReadResourceResult as JSON."""

    uri: str
    server: str = "gateway"


@message("prompts.get", idempotent=True, privileged=True)
class GetPrompt(Message):
    """Fill a prompt; the reply is MCP's GetPromptResult (or InputRequiredResult) as JSON."""

    name: str
    arguments: JSON
    server: str = "gateway"
    client: JSON = field(default_factory=dict)
    inputs: JSON | None = None
    state: str | None = None


@message("completion.complete", idempotent=True, privileged=True)
class Complete(Message):
    """Complete an argument of a prompt or resource template; the reply is MCP's CompleteResult as JSON."""

    ref: JSON
    argument: JSON
    context: JSON = field(default_factory=dict)
    server: str = "gateway"


@message("ingress.reenter", privileged=True)
class Reenter(Message):
    """Begin a new request from inside, under the principal of the call that caused it; the reply is CallTool's.

    The grant is a decision token of audience `gateway` that Safety made for `parent`, the id of that call. It may be
    used for many steps until that call's deadline. The new request lies one deeper and passes every layer anew.
    """

    parent: str
    tool: str
    arguments: JSON
    server: str = "gateway"


@message("probe", idempotent=True)
class Probe(Message):
    """Can a call be served? Each actor on a call's way answers for itself and asks the next.

    Reply {"ready": bool, "parts": {address: {"status", "latency_ms", "detail"}}}.
    """
