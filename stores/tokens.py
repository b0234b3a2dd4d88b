"""Bearer tokens: who holds which. Only SHA-256 digests are kept."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .keys import write_private

PREFIX = "aura_"
OPERATOR = "operator"
KINDS = ("agent", "human", "service")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS tokens (
    id INTEGER PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    tenant TEXT NOT NULL,
    roles TEXT NOT NULL,
    created_at REAL NOT NULL,
    expires_at REAL,
    revoked_at REAL
);
CREATE INDEX IF NOT EXISTS tokens_name ON tokens (name);
"""


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
    """Tokens in one SQLite file of mode 0600; safe for several processes and threads at once.

    Args:
        path: the file; made if it isn't there.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, timeout=5.0, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")  # readers never wait for a writer
        self._db.execute("PRAGMA synchronous=FULL")  # a revocation survives power loss
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file; idempotent."""
        with self._lock:
            self._db.close()

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
            raise TokenError(f"a token must live for some time, not {ttl_s} s")
        token = PREFIX + secrets.token_urlsafe(32)
        now = time.time()
        record = TokenRecord(name, kind, tenant, tuple(roles), now, None if ttl_s is None else now + ttl_s)
        with self._lock, self._transaction():
            if self._valid(name, now) is not None:
                raise TokenError(f"a valid token is already called {name!r}; revoke it first, or choose another name")
            self._write(token, record)
        return token, record

    def list(self) -> list[TokenRecord]:
        """All tokens, the oldest first; revoked and expired ones too."""
        with self._lock:
            rows = self._db.execute(f"SELECT {_COLUMNS} FROM tokens ORDER BY id").fetchall()  # noqa: S608
        return [_record(row) for row in rows]

    def revoke(self, name: str) -> TokenRecord:
        """End a token now.

        Raises:
            TokenError: no valid token has this name.
        """
        now = time.time()
        with self._lock, self._transaction():
            row = self._valid(name, now)
            if row is None:
                raise TokenError(f"no valid token is called {name!r}; `aura token list` shows them")
            self._db.execute("UPDATE tokens SET revoked_at = ? WHERE id = ?", (now, row[0]))
        return replace(_record(row[1:]), revoked_at=now)

    def find(self, digest: str, now: float | None = None) -> TokenRecord | None:
        """The valid token with this SHA-256 (hexadecimal), or None."""
        with self._lock:
            row = self._db.execute(f"SELECT {_COLUMNS} FROM tokens WHERE digest = ?", (digest,)).fetchone()  # noqa: S608
        if row is None:
            return None
        record = _record(row)
        return record if record.valid_at(time.time() if now is None else now) else None

    def ensure_operator(self, path: Path) -> TokenRecord:
        """Make sure that the file holds the valid token of the command line, of mode 0600.

        A missing or no longer valid token is replaced by a new one. Concurrent processes agree on one.
        """
        with self._lock, self._transaction():
            with contextlib.suppress(OSError):
                held = digest(path.read_text("ascii").strip())
                row = self._db.execute(f"SELECT {_COLUMNS} FROM tokens WHERE digest = ?", (held,)).fetchone()  # noqa: S608
                if row is not None and _record(row).valid_at(time.time()):
                    path.chmod(0o600)
                    return _record(row)
            token = PREFIX + secrets.token_urlsafe(32)
            self._db.execute(
                "UPDATE tokens SET revoked_at = ? WHERE name = ? AND revoked_at IS NULL", (time.time(), OPERATOR)
            )
            record = TokenRecord(OPERATOR, "human", "local", (OPERATOR,), time.time(), None)
            self._write(token, record)
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
            write_private(draft, f"{token}\n".encode())
            draft.replace(path)
            return record

    def _write(self, token: str, record: TokenRecord) -> None:
        self._db.execute(
            "INSERT INTO tokens (digest, name, kind, tenant, roles, created_at, expires_at) VALUES (?,?,?,?,?,?,?)",
            (
                digest(token),
                record.name,
                record.kind,
                record.tenant,
                json.dumps(record.roles),
                record.created_at,
                record.expires_at,
            ),
        )

    def _valid(self, name: str, now: float) -> Any:
        return self._db.execute(
            f"SELECT id, {_COLUMNS} FROM tokens WHERE name = ? AND revoked_at IS NULL"  # noqa: S608
            " AND (expires_at IS NULL OR expires_at > ?)",
            (name, now),
        ).fetchone()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")


_COLUMNS = "name, kind, tenant, roles, created_at, expires_at, revoked_at"


def _record(row: Any) -> TokenRecord:
    name, kind, tenant, roles, created_at, expires_at, revoked_at = row
    return TokenRecord(name, kind, tenant, tuple(json.loads(roles)), created_at, expires_at, revoked_at)
