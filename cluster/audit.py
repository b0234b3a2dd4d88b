"""What an operator may do to the record itself, with or without a running system: check it, redact it."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from aura_ia_mcp.configs.paths import Paths
from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.stores import views
from aura_ia_mcp.stores.audit import AuditError, AuditWriter
from aura_ia_mcp.stores.epoch_writer import EpochError, EpochWriter
from aura_ia_mcp.stores.epochs import EntryError
from aura_ia_mcp.stores.keys import KeyFileError, load_or_create
from aura_ia_mcp.stores.known import Known
from aura_ia_mcp.stores.receipts import Receipt, ReceiptError
from aura_ia_mcp.stores.redaction import RedactionError, redact
from aura_ia_mcp.stores.signing import signing_key
from aura_ia_mcp.stores.verify import Progress, verify
from aura_ia_mcp.stores.views import SECURITY, SPANS

from .faults import OperatorError
from .tokens import WRITER

_WAIT_S = 5.0


def verify_audit(
    folder: Path,
    *,
    key: Path | None = None,
    since: float | None = None,
    receipt: str | None = None,
    progress: Progress | None = None,
    own: Paths | None = None,
) -> dict[str, Any]:
    """Check the records under a folder; needs only them and the public key. See `stores.verify.verify`.

    Args:
        folder: `logs/audit`, or a copy of it.
        key: file of the public key.
        since: Unix seconds.
        receipt: as it was given out.
        progress: told of bytes read.
        own: of the system whose record this is, to hold it against what that knows; None for any other folder.

    Returns:
        `stores.verdict.Verdict` as data.

    Raises:
        OperatorError: the files can't be read, or the receipt or the key is none.
    """
    try:
        asked = None if receipt is None else Receipt.parse(receipt)
        known = None if own is None else Known.of(own.epochs_standing, own.audit_signing_key)
        return verify(folder, key=key, since=since, receipt=asked, progress=progress, own=known).as_dict()
    except (ReceiptError, EntryError) as error:
        raise OperatorError(str(error)) from error
    except OSError as error:
        raise OperatorError(f"{error.filename or folder} can't be read: {error.strerror}; look at its mode") from error


def redact_record(settings: Settings, audit_id: str, *, reason: str, by: str) -> dict[str, Any]:
    """Take away a record's text for good, in the views too: {writer, seq, hash, epoch}. See `stores.redaction.redact`.

    Raises:
        OperatorError: there is no such record, or it can't be done.
    """
    paths = Paths.of(settings)
    try:
        key = signing_key(paths.audit_signing_key, paths.audit)
        epochs = EpochWriter(paths.audit, key, settings.audit.segment_bytes, paths.epochs_standing)
        done = redact(paths.audit, epochs, audit_id, reason=reason, by=by)
        for view in (SECURITY, SPANS):
            views.redact(paths.logs / view, audit_id)
    except (RedactionError, EpochError, KeyFileError) as error:
        raise OperatorError(str(error)) from error
    except OSError as error:
        raise OperatorError(f"{error.filename or paths.audit}: {error.strerror}; look at its mode") from error
    _tell(settings, paths, {"record": audit_id, "reason": reason, "by": by, "epoch": done["epoch"]})
    return done


def _tell(settings: Settings, paths: Paths, fields: dict[str, Any]) -> None:
    """Record it, too, for the views; the signed entry says it in any case."""
    with contextlib.suppress(AuditError, KeyFileError):
        key = load_or_create(paths.audit_key)
        chain = settings.audit
        writer = AuditWriter(paths.audit, WRITER, key, chain.fsync, chain.segment_bytes, wait_s=_WAIT_S)
        try:
            writer.append("redacted", fields)
        finally:
            writer.close()
