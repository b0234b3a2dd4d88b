"""Bearer tokens: who holds which. Only SHA-256 digests are kept."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from .database import Database
from .keys import write_private
from .tables import TOKENS

PREFIX = "aura_"
OPERATOR = "operator"
KINDS = ("agent", "human", "service")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class TokenError(Exception):
    """A token can't be made or revoked; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """What is kept of a token.

    Args:
        name: who holds it; unique among the valid ones.
        kind: agent, human or service.
        tenant: whose data it may see.
        roles: what its holder may do.
        created_at: Unix seconds.
        expires_at: Unix seconds, or None.
        revoked_at: Unix seconds, or None.
    """

    name: str
    kind: str
    tenant: str
    roles: tuple[str, ...]
    created_at: float
    expires_at: float | None
    revoked_at: float | None = None

    @property
    def principal_id(self) -> str:
        """The principal's id: `operator` for the command line's own token, else `token:NAME`."""
        return OPERATOR if self.name == OPERATOR else f"token:{self.name}"

    def valid_at(self, now: float) -> bool:
        """Neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def digest(token: str) -> str:
    """SHA-256 (hexadecimal) of a token's text."""
    return hashlib.sha256(token.encode()).hexdigest()


class TokenStore:
    """Tokens in a database; for any number of processes and threads at once.

    Every method blocks while the database works, and raises `RecordError` if it can't be used.

    Args:
        database: whoever opened it closes it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self,
        name: str,
        roles: Sequence[str],
        *,
        ttl_s: float | None = None,
        kind: str = "agent",
        tenant: str = "local",
    ) -> tuple[str, TokenRecord]:
        """Make a token.

        Returns:
            Its text, which can't be had again, and its record.

        Raises:
            TokenError: the name has another form or belongs to a valid token, or the kind isn't known.
        """
        if not _NAME.fullmatch(name):
            raise TokenError(f"{name!r} can't name a token; use up to 64 letters, digits, '.', '_' and '-'")
        if name == OPERATOR:
            raise TokenError(f"{OPERATOR!r} is the command line's own token; choose another name")
        if not roles:
            raise TokenError("a token without a role may do nothing; name at least one role")
        if kind not in KINDS:
            raise TokenError(f"{kind!r} isn't a kind of principal; use one of {', '.join(KINDS)}")
        if ttl_s is not None and ttl_s <= 0:
            raise TokenError(f"a token must live for some time, not {ttl_s} s; give it a time above 0, or none")
        token = PREFIX + secrets.token_urlsafe(32)
        now = time.time()
        record = TokenRecord(name, kind, tenant, tuple(roles), now, None if ttl_s is None else now + ttl_s)
        with self._database.writing(alone=True) as db:
            if db.execute(sa.select(TOKENS.c.id).where(*_valid(name, now))).first() is not None:
                raise TokenError(f"a valid token is already called {name!r}; revoke it first, or choose another name")
            _write(db, token, record)
        return token, record

    def list(self) -> list[TokenRecord]:
        """All tokens, the oldest first; revoked and expired ones too."""
        with self._database.reading() as db:
            return [_record(row) for row in db.execute(_SELECT.order_by(TOKENS.c.id))]

    def revoke(self, name: str) -> TokenRecord:
        """End a token now.

        Raises:
            TokenError: no valid token has this name.
        """
        now = time.time()
        with self._database.writing(alone=True) as db:
            row = db.execute(_SELECT.where(*_valid(name, now))).first()
            if row is None:
                raise TokenError(f"no valid token is called {name!r}; `aura token list` shows them")
            db.execute(sa.update(TOKENS).where(*_valid(name, now)).values(revoked_at=now))
        return replace(_record(row), revoked_at=now)

    def find(self, digest: str, now: float | None = None) -> TokenRecord | None:
        """The valid token with this SHA-256 (hexadecimal), or None."""
        with self._database.reading() as db:
            record = _held_by(db, digest)
        return record if record is not None and record.valid_at(time.time() if now is None else now) else None

    def ensure_operator(self, path: Path) -> TokenRecord:
        """Make sure that the file holds the valid token of the command line, of mode 0600.

        A missing or no longer valid token is replaced by a new one. Concurrent processes agree on one.
        """
        with self._database.writing(alone=True) as db:
            with contextlib.suppress(OSError):
                held = _held_by(db, digest(path.read_text("ascii").strip()))
                if held is not None and held.valid_at(time.time()):
                    path.chmod(0o600)
                    return held
            token = PREFIX + secrets.token_urlsafe(32)
            now = time.time()
            old = (TOKENS.c.name == OPERATOR, TOKENS.c.revoked_at.is_(None))
            db.execute(sa.update(TOKENS).where(*old).values(revoked_at=now))
            record = TokenRecord(OPERATOR, "human", "local", (OPERATOR,), now, None)
            _write(db, token, record)
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
            write_private(draft, f"{token}\n".encode())
            draft.replace(path)
            return record


_SELECT = sa.select(
    TOKENS.c.name,
    TOKENS.c.kind,
    TOKENS.c.tenant,
    TOKENS.c.roles,
    TOKENS.c.created_at,
    TOKENS.c.expires_at,
    TOKENS.c.revoked_at,
)


def _valid(name: str, now: float) -> tuple[sa.ColumnElement[bool], ...]:
    living = sa.or_(TOKENS.c.expires_at.is_(None), TOKENS.c.expires_at > now)
    return TOKENS.c.name == name, TOKENS.c.revoked_at.is_(None), living


def _held_by(db: Connection, sha256: str) -> TokenRecord | None:
    row = db.execute(_SELECT.where(TOKENS.c.digest == sha256)).first()
    return None if row is None else _record(row)


def _write(db: Connection, token: str, record: TokenRecord) -> None:
    db.execute(
        sa.insert(TOKENS).values(
            digest=digest(token),
            name=record.name,
            kind=record.kind,
            tenant=record.tenant,
            roles=json.dumps(record.roles),
            created_at=record.created_at,
            expires_at=record.expires_at,
        )
    )


def _record(row: Any) -> TokenRecord:
    name, kind, tenant, roles, created_at, expires_at, revoked_at = row
    return TokenRecord(name, kind, tenant, tuple(json.loads(roles)), created_at, expires_at, revoked_at)
