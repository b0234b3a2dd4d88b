"""What must survive (L0): tokens, records, idempotency keys, shared buckets."""

from __future__ import annotations

from .form import JSON, Message, message


@message("state.authenticate", idempotent=True)
class Authenticate(Message):
    """Who holds the bearer token with this SHA-256 (hexadecimal)? Reply {"principal": {...}|None, "expires_at"}."""

    digest: str


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
