"""What an operator may do to tokens with no system running: make, list, revoke.

The files are the authority here: who may write the state folder is the operator. A running system sees a new or
revoked token within `gateway.auth_cache_s`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from aura_ia_mcp.configs.paths import Paths
from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.judgement.roles import Caller, Role
from aura_ia_mcp.stores.audit import AuditError, AuditWriter
from aura_ia_mcp.stores.database import Database, RecordError
from aura_ia_mcp.stores.keys import KeyFileError, load_or_create
from aura_ia_mcp.stores.tokens import KINDS, TokenError, TokenRecord, TokenStore

from .faults import OperatorError
from .rulefiles import roles_of

__all__ = ["KINDS", "WRITER", "create_token", "list_tokens", "revoke_token"]

WRITER = "cli"
_WAIT_S = 5.0


def create_token(
    settings: Settings, name: str, role_names: Sequence[str], *, ttl_s: float | None, kind: str, tenant: str
) -> tuple[str, dict[str, Any]]:
    """Make a token; if no record of it can be written, there is no token either.

    Args:
        settings: say where state and records lie.
        name: who will hold it.
        role_names: what its holder may do.
        ttl_s: seconds until it expires; None for never.
        kind: agent, human or service.
        tenant: whose data it may see.

    Returns:
        Its text, which is kept nowhere, and what is kept of it.

    Raises:
        OperatorError: an unknown role, a role that this kind may not hold, a name that is taken, an unwritable file.
    """
    _check_roles(role_names, kind, roles_of(settings).by_name)
    with _opened(settings) as (store, audit):
        token, record = store.create(name, role_names, ttl_s=ttl_s, kind=kind, tenant=tenant)
        try:
            audit.append("token_created", {"token": _public(record)})
        except AuditError:
            store.revoke(name)
            raise
    return token, _public(record)


def list_tokens(settings: Settings) -> list[dict[str, Any]]:
    """All tokens, the oldest first: name, kind, tenant, roles, times, and state (valid, expired, revoked).

    Raises:
        OperatorError: the file can't be read.
    """
    paths = Paths.of(settings)
    if settings.database.url is None and not (paths.database.exists() or paths.former_tokens.exists()):
        return []  # and nothing is made by looking
    with _opened(settings, record=False) as (store, _):
        return [_public(record) for record in store.list()]


def revoke_token(settings: Settings, name: str) -> dict[str, Any]:
    """End a token now, whether or not that can be recorded.

    Raises:
        OperatorError: no valid token has this name, or its end could not be recorded.
    """
    with _opened(settings, record=False) as (store, _):
        record = store.revoke(name)
    try:
        with _opened(settings) as (_, audit):
            audit.append("token_revoked", {"token": _public(record)})
    except OperatorError as error:
        raise OperatorError(f"{name!r} is revoked, but no record tells of it: {error}") from error
    return _public(record)


def _check_roles(names: Sequence[str], kind: str, table: Mapping[str, Role | Caller]) -> None:
    for name in names:
        if name not in table:
            raise OperatorError(f"there is no role {name!r}; use {', '.join(table)}")
        if kind not in table[name].kinds:
            kinds = " or ".join(table[name].kinds)
            raise OperatorError(f"the role {name!r} grants nothing to the kind {kind!r}; it is for {kinds}")


def _public(record: TokenRecord) -> dict[str, Any]:
    now = time.time()
    state = "valid" if record.valid_at(now) else "revoked" if record.revoked_at is not None else "expired"
    return {**asdict(record), "roles": list(record.roles), "state": state}


@contextmanager
def _opened(settings: Settings, *, record: bool = True) -> Iterator[tuple[TokenStore, Any]]:
    """The tokens and, unless only reading, this command's own chain of records."""
    paths = Paths.of(settings)
    audit: AuditWriter | None = None
    database: Database | None = None
    try:
        database = Database.of(settings, paths)
        if record:
            key = load_or_create(paths.audit_key)
            audit = AuditWriter(paths.audit, WRITER, key, fsync=True, wait_s=_WAIT_S)
        yield TokenStore(database), audit
    except (TokenError, RecordError, AuditError, KeyFileError) as error:
        raise OperatorError(str(error)) from error
    except OSError as error:
        raise OperatorError(f"{error.filename or paths.state}: {error.strerror}; look at its mode") from error
    finally:
        if audit is not None:
            audit.close()
        if database is not None:
            database.close()
