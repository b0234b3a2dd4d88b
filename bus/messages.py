"""Every message of the system, by kind.

A message is a dataclass that nobody changes. Commands are imperative (`CallTool`), events are in the past
(`CatalogueChanged`), replies are nouns (`ToolResult`). `idempotent` messages may be retried by the caller's bus and are
dropped when they arrive twice; `privileged` ones are run only with a decision token.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, TypeVar, dataclass_transform

from .errors import AuraError

JSON = dict[str, Any]


class Message:
    """Base of all messages: its `kind` on the wire and what delivery may do with it."""

    kind: ClassVar[str]
    idempotent: ClassVar[bool]
    privileged: ClassVar[bool]

    def payload(self) -> JSON:
        """The message's members, as they go into an envelope (not copied)."""
        return {name: getattr(self, name) for name in _NAMES[type(self)]}


_M = TypeVar("_M", bound=type[Message])
_NAMES: dict[type[Message], tuple[str, ...]] = {}
_KNOWN: dict[type[Message], frozenset[str]] = {}
KINDS: dict[str, type[Message]] = {}


@dataclass_transform(frozen_default=True)
def message(kind: str, *, idempotent: bool = False, privileged: bool = False) -> Callable[[_M], _M]:
    """Declare a message type; its class becomes a dataclass, frozen for type checkers (at run time that costs 1 us)."""

    def declare(cls: _M) -> _M:
        if kind in KINDS:
            raise ValueError(f"two messages of kind {kind!r}")
        made = dataclass(cls)
        made.kind, made.idempotent, made.privileged = kind, idempotent, privileged
        _NAMES[made] = tuple(f.name for f in fields(made))  # type: ignore[arg-type]
        _KNOWN[made] = frozenset(_NAMES[made])
        KINDS[kind] = made
        return made  # type: ignore[return-value]

    return declare


def decode(kind: str, payload: JSON) -> Message:
    """The message in an envelope; members this version doesn't know are ignored.

    Raises:
        AuraError: `unknown_message`, or `malformed` when a member is missing.
    """
    cls = KINDS.get(kind)
    if cls is None:
        raise AuraError("unknown_message", f"no message of kind {kind!r}")
    known = _KNOWN[cls]
    if not payload.keys() <= known:
        payload = {name: value for name, value in payload.items() if name in known}
    try:
        return cls(**payload)
    except TypeError as error:
        raise AuraError("malformed", f"{kind}: {error}") from error


# --- answered by every peer itself -----------------------------------------------------------------------------------


@message("bus.ping", idempotent=True)
class Ping(Message):
    """Are you there? The reply is the peer's `stats()`."""


@message("bus.subscribe", idempotent=True)
class Subscribe(Message):
    """Stream a topic's events, the retained one first."""

    topic: str


# --- directory -------------------------------------------------------------------------------------------------------


@message("directory.register", idempotent=True)
class Register(Message):
    """An address answers at `uri`. With `epoch` 0 a new epoch is given; the reply is {"epoch": n}."""

    address: str
    node: str
    uri: str
    epoch: int = 0


@message("directory.resolve", idempotent=True)
class Resolve(Message):
    """Where does an address answer? Reply {"endpoints": [{address, node, uri, epoch}]}."""

    address: str


@message("directory.unregister", idempotent=True)
class Unregister(Message):
    """An address stops answering; ignored unless `epoch` is the current one."""

    address: str
    epoch: int


# --- the way of a call -----------------------------------------------------------------------------------------------
# Any reply of this group may be {"rpc_error": {"code", "message", "data"?}}: then the answer is that JSON-RPC error.


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


@message("ml.embed", idempotent=True, privileged=True)
class Embed(Message):
    """Vectors of meaning for an actor's own use: reply {"vectors": (N, 384) floats of length 1, "model": text}.

    With `needs` the reply has {"needs": [{capability: how much the text, as a task, speaks for needing it (logit)}],
    "needs_version": of the head that gave them} too. The token covers exactly these texts: Safety minted it for
    arguments of the call that the tool's definition names.
    """

    texts: list[str]
    needs: bool = False


@message("ml.read", idempotent=True, privileged=True)
class ReadForInjection(Message):
    """Whether texts mean to instruct a model. Reply {"read": one of each text, "version": of the reader}.

    What is read of a text is {"score": log odds together with grammar and words, "start", "end": the window that they
    are of, "how": the disguise that it was in, "read": windows read, "of": windows there were, "version"}. The token
    covers exactly these texts.
    """

    texts: list[str]


@message("router.route", idempotent=True)
class Route(Message):
    """What a request in plain words asks for.

    Reply {"kind": tool | workflow | model | none, "name", "arguments", "confidence": 0..1, "margin": 0..1, "asks": what
    to ask back or "", "why": [text], "alternatives": [{kind, name, confidence}], "destructive": bool, "language": ISO
    639-1, "meaning": whether the ML worker took part}, and `_meta` with its layers.
    """

    request: str
    context: str = ""


@message("workflow.run", privileged=True)
class RunPlan(Message):
    """Run a plan's steps, each a new governed request under the grant for `parent`; independent ones side by side.

    A step is {"id", "tool", "arguments", "needs": [ids]}. Reply {"status": done | partial | failed, "steps": [{"id",
    "tool", "status": done | failed | refused | skipped, "ms", "result" or "error", "audit_id"}]}, and `_meta`.
    """

    parent: str
    steps: list[JSON]
    server: str = "gateway"


@message("language.compose", idempotent=True)
class Compose(Message):
    """Put results into words: reply {"text", "model"}; `unavailable` while there is no language engine."""

    request: str
    material: list[JSON]


@message("probe", idempotent=True)
class Probe(Message):
    """Can a call be served? Each actor on a call's way answers for itself and asks the next.

    Reply {"ready": bool, "parts": {address: {"status", "latency_ms", "detail"}}}.
    """


@message("ml.models", idempotent=True)
class ReadModels(Message):
    """Which models there are: reply {"models": [{name, kind, device, loaded, ...}], "state", "progress": 0..1}."""


# --- identity --------------------------------------------------------------------------------------------------------


@message("state.authenticate", idempotent=True)
class Authenticate(Message):
    """Who holds the bearer token with this SHA-256 (hexadecimal)? Reply {"principal": {...}|None, "expires_at"}."""

    digest: str


# --- durable records and switches -------------------------------------------------------------------------------------


@message("state.records", idempotent=True)
class ReadRecords(Message):
    """All records of one kind: reply {"records": {key: JSON}}."""

    of: str


@message("state.write", idempotent=True)
class WriteRecord(Message):
    """Keep a record of a kind that the sender owns; `value` None forgets it. Durable when answered."""

    of: str
    key: str
    value: JSON | None


@message("state.begin", idempotent=True)
class BeginKeyed(Message):
    """Safety is about to run a call with an idempotency key; durable when answered.

    Reply {"began": true}; or, when another call with this key was noted, {"began": false, "arguments", "call", "ended":
    what came of it, None if nobody told}. `key` is a digest of tenant, principal and key, `arguments` one of the tool
    and its arguments. A call that is `repeatable` begins also where the same one began and didn't end.
    """

    key: str
    call: str
    arguments: str
    keep_s: float
    repeatable: bool = False


@message("state.end", idempotent=True)
class EndKeyed(Message):
    """What came of a call that was begun: {"answer"}, {"failure"} or {"large": {"bytes", "digest"}}; None forgets it.

    Durable when answered, with {}.
    """

    key: str
    call: str
    ended: JSON | None


@message("state.take", idempotent=True)
class TakeToken(Message):
    """Take a token of a bucket that several replicas of Safety share.

    Reply {"allowed", "before", "after", "retry_after_s"}, as `judgement.bucket.Take`.
    """

    bucket: str
    per_minute: int


# --- approvals -------------------------------------------------------------------------------------------------------
# An approval, wherever it stands in a message or a result, has the form of `judgement.approvals.Approval.as_dict`.


@message("approvals.hold", idempotent=True)
class HoldCall(Message):
    """Safety holds a call until somebody agrees; reply {"approval": the one for this binding}.

    `binding` is {"principal": tenant/id, "tool", "contract", "arguments": keyed digest, "policy": version}. There is at
    most one approval for a binding that is pending, approved and unused, or denied and not over; that is the reply,
    else a new one. `call` is the id of the call; `mode` confirm or approve; `approvers` how many must agree; `shown`
    what a decider sees: principal, server, arguments (redacted), rule, reason, risk with its factors, findings.
    """

    mode: str
    binding: JSON
    call: str
    shown: JSON
    approvers: int = 1


@message("approvals.confirm", idempotent=True)
class ConfirmHeld(Message):
    """The client's own user agreed to a call that was held to be confirmed: reply {"approval"}."""

    approval: str
    binding: JSON
    call: str


@message("approvals.use", idempotent=True)
class UseApproval(Message):
    """Use an approval for one run of its call, in one step that only one of several callers wins: reply {"approval"}.

    `round` counts the continuations of a tool that asks its client back: 0 begins, and each is used once.
    """

    approval: str
    binding: JSON
    call: str
    round: int = 0


@message("event.safe_mode")
class SafeModeChanged(Message):
    """The switch that stops everything that writes: `version` counts its changes, `at` is in Unix seconds."""

    enabled: bool
    reason: str
    by: str
    at: float
    version: int


# --- observation -----------------------------------------------------------------------------------------------------


@message("telemetry.report")
class Report(Message):
    """A part tells how it is: `source` (an address, `gateway/0` or `cluster/0`) and its figures."""

    source: str
    figures: JSON


@message("telemetry.dead_letters", idempotent=True)
class TellDeadLetters(Message):
    """A part tells which messages went nowhere: the labels of the newest, and how many older ones it passes over.

    A label is {"id", "source", "target", "kind", "reason", "at"}. Durable when answered, with {}.
    """

    letters: list[JSON]
    passed_over: int = 0


@message("telemetry.status", idempotent=True)
class ReadStatus(Message):
    """The newest report of every part: reply {"parts": {source: {"age_s": s, ...figures}}}."""


@message("audit.activity", idempotent=True)
class ReadActivity(Message):
    """Requests, errors and denials of the last `window_s` seconds, by tool and by principal.

    Reply {window_s, requests, errors, denials, sessions, by_tool: {name: {requests, errors, denials}}, by_principal}.
    """

    window_s: int


# --- events ----------------------------------------------------------------------------------------------------------


@message("event.catalogue_changed")
class CatalogueChanged(Message):
    """The list of `what` (tools, resources, prompts) is another; `version` is its new fingerprint."""

    what: str
    version: str


@message("event.resource_updated")
class ResourceUpdated(Message):
    """A resource has new content."""

    uri: str


@message("event.rules_changed")
class RulesChanged(Message):
    """The rules in force are others: the texts of both files with their versions, changed together or not at all.

    `fault` says why a newer file isn't in force (file:line:column: what), or is "".
    """

    policy: str
    policy_version: str
    roles: str
    roles_version: str
    fault: str = ""


@message("event.trust_changed")
class TrustChanged(Message):
    """How far principals are trusted whose trust has moved: {"tenant/id": {"value", "base", "at"}}."""

    trust: JSON


@message("roles.observed")
class Observed(Message):
    """Safety saw something that moves a principal's trust: `call_stopped`, `approval_granted` or `approval_refused`."""

    principal: JSON
    what: str
