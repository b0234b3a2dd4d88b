"""All that must survive, in one file: made while a system runs or not, from SQLite and PostgreSQL alike.

The database is taken first, at one moment; then keys, the operator's token, own rule files, and the audit record, whose
epochs are copied before the segments that they seal: every sealed record is in the backup.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from aura_ia_mcp.configs.paths import Paths
from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.stores import dump, migrations
from aura_ia_mcp.stores.archive import ArchiveError, Writer, writing
from aura_ia_mcp.stores.audit import AuditError, AuditWriter
from aura_ia_mcp.stores.database import Database, RecordError
from aura_ia_mcp.stores.keys import KeyFileError, load_or_create
from aura_ia_mcp.stores.lines import whole

from .faults import OperatorError
from .provisioning import version_info
from .spec import absolute
from .tokens import WRITER

RULES = ("policy_file", "roles_file")
_WAIT_S = 5.0


def backup(settings: Settings, file: Path, *, replace: bool = False) -> dict[str, Any]:
    """Write a backup, of mode 0600: it holds keys and the operator's token.

    Args:
        settings: say what belongs to the system.
        file: where to.
        replace: an older file of this name may go.

    Returns:
        {file, bytes, sha256, made_at, program, schema, database, rows, audit_files}.

    Raises:
        OperatorError: it can't be made, and there is no file then; or no record tells of it, which the message says.
    """
    if file.exists() and not replace:
        raise OperatorError(f"{file} is there already; choose another name, or say --force")
    settings = absolute(settings)
    paths = Paths.of(settings)
    try:
        with closing(Database.of(settings, paths)) as database, writing(file) as archive:
            about = _about(database)
            about["rows"] = dict(_add_rows(archive, database))
            audit = _add_files(archive, settings, paths)
            archive.finish(about)
        with file.open("rb") as made:
            digest = hashlib.file_digest(made, "sha256").hexdigest()
    except (RecordError, ArchiveError) as error:
        raise OperatorError(str(error)) from error
    except OSError as error:
        raise OperatorError(f"{error.filename or file}: {error.strerror}; there is no backup") from error
    done = {"file": str(file), "bytes": file.stat().st_size, "sha256": digest, **about, "audit_files": audit}
    try:
        record(paths, "backup_made", {"file": file.name, "sha256": digest})
    except OperatorError as error:
        raise OperatorError(f"{file} is made, but no record tells of it: {error}") from error
    return done


def record(paths: Paths, kind: str, fields: dict[str, Any]) -> None:
    """Write a record of this command's own chain.

    Raises:
        OperatorError: it can't be written.
    """
    try:
        key = load_or_create(paths.audit_key)
        with closing(AuditWriter(paths.audit, WRITER, key, fsync=True, wait_s=_WAIT_S)) as audit:
            audit.append(kind, fields)
    except (AuditError, KeyFileError) as error:
        raise OperatorError(str(error)) from error


def rule_files(settings: Settings) -> dict[str, Path]:
    """Where own rule files lie or would lie, by their name in a backup."""
    named = {name: getattr(settings.safety, name) for name in RULES}
    usual = {name: settings.safety.rules_folder / f"{name.removesuffix('_file')}.yaml" for name in RULES}
    return {f"rules/{usual[name].name}": named[name] or usual[name] for name in RULES}


def _about(database: Database) -> dict[str, Any]:
    return {
        "program": version_info(),
        "schema": migrations.HEAD,
        "made_at": datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="seconds"),
        "database": database.dialect,
    }


def _add_rows(archive: Writer, database: Database) -> Iterator[tuple[str, int]]:
    """Each table, all of one moment: the rows are put aside first, so that the moment is short."""
    with ExitStack() as stack:
        kept: dict[str, IO[bytes]] = {}
        counts: dict[str, int] = {}
        with database.snapshot() as connection:
            for table in dump.TABLES:
                file = kept[table] = stack.enter_context(tempfile.TemporaryFile())
                counts[table] = 0
                for line in dump.rows(connection, table):
                    file.write(line)
                    counts[table] += 1
        for table, file in kept.items():
            size = file.tell()
            file.seek(0)
            archive.add(f"database/{table}.jsonl", file, size)
            yield table, counts[table]


def _add_files(archive: Writer, settings: Settings, paths: Paths) -> int:
    """Keys, operator's token, rules, audit record; how many files the record has."""
    for path in (paths.operator_token, *sorted(paths.audit_key.parent.glob("*"))):
        if path.is_file() and not path.name.startswith("."):
            _add(archive, f"state/{path.relative_to(paths.state)}", path)
    for name, path in rule_files(settings).items():
        if path.is_file():
            _add(archive, name, path)
    found = [path for path in paths.audit.rglob("*") if path.is_file() and not path.name.startswith(".")]
    # What is sealed before what is written now: a seal whose records are missing would be a loss.
    found.sort(key=lambda path: (path.relative_to(paths.audit).parts[0] != "epochs", str(path)))
    for path in found:
        _add(archive, f"audit/{path.relative_to(paths.audit)}", path)
    return len(found)


def _add(archive: Writer, name: str, path: Path) -> None:
    try:
        with path.open("rb") as file:
            size = whole(file) if path.suffix == ".jsonl" else os.fstat(file.fileno()).st_size
            file.seek(0)
            archive.add(name, file, size)
    except FileNotFoundError as error:
        raise ArchiveError(f"{path} was removed while the backup was made; run it again") from error
