"""A backup put back, in place of what is there: whole, or not at all.

No file is deleted: what was there is set aside with the time in its name. An interruption at any moment leaves the old
state, or a mark by which the next start refuses to go on with half of the new one.
"""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from sqlalchemy.engine import Connection

from aura_ia_mcp.configs.paths import Paths
from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.stores import dump
from aura_ia_mcp.stores.archive import ArchiveError, Reader, reading
from aura_ia_mcp.stores.database import Database, RecordError

from . import folders
from .backup import record, rule_files
from .faults import OperatorError
from .spec import absolute

_VIEWS = "audit_views.json"  # how far the views have come
_DERIVED = ("security_audit.jsonl*", "codex_tool_spans.jsonl*")


def restore(settings: Settings, file: Path, *, force: bool = False) -> dict[str, Any]:
    """Put a backup back.

    Args:
        settings: say where to; the database may be of the other sort than the one that was backed up.
        file: the backup.
        force: what is there already may be set aside; rows of a PostgreSQL database are replaced.

    Returns:
        {file, made_at, program, schema, rows, audit_files, set_aside}.

    Raises:
        OperatorError: a system runs here, something is there already, or the backup isn't whole: nothing is changed;
            or the message says how far it came.
    """
    settings = absolute(settings)
    paths = Paths.of(settings)
    try:
        with reading(file) as archive:
            dump.check_schema(archive.manifest.get("schema"))
            folders.make(paths)
            with FileLock(paths.lock, timeout=0, mode=0o600):
                if not force and _is_in_use(settings, paths, archive):
                    _refuse(settings, paths, archive)
                aside = _put_back(settings, paths, archive)
                manifest = archive.manifest
    except Timeout:
        raise OperatorError(f"{folders.holder(paths)}; stop it first") from None
    except (ArchiveError, RecordError) as error:
        raise OperatorError(str(error)) from error
    except OSError as error:
        raise OperatorError(f"{error.filename or file}: {error.strerror}; make room or look at its mode") from error
    said = {name: manifest.get(name) for name in ("made_at", "program", "schema", "rows")}
    try:
        record(paths, "backup_restored", {"file": file.name, "made_at": said["made_at"], "set_aside": aside})
    except OperatorError as error:
        raise OperatorError(f"{file} is restored, but no record tells of it: {error}") from error
    audit_files = sum(name.startswith("audit/") for name in manifest["members"])
    return {"file": str(file), **said, "audit_files": audit_files, "set_aside": aside}


def _is_in_use(settings: Settings, paths: Paths, archive: Reader) -> bool:
    """Whether something is there that a restore would undo: records, keys, rows, or rules that differ."""
    if any(path.is_dir() and any(path.iterdir()) for path in (paths.audit, paths.audit_key.parent)):
        return True
    if settings.database.url is not None or paths.database.exists() or paths.former_tokens.exists():
        with closing(Database.of(settings, paths)) as database:
            if not dump.is_empty(database):
                return True
    return bool(_differing(rule_files(settings), archive))


def _differing(rules: dict[str, Path], archive: Reader) -> set[Path]:
    """The rule files that are there and aren't those of the backup."""
    return {
        rules[name]
        for name, content in archive.members()
        if name in rules and rules[name].is_file() and rules[name].read_bytes() != content.read()
    }


def _refuse(settings: Settings, paths: Paths, archive: Reader) -> None:
    rules = rule_files(settings)
    targets = dict.fromkeys(_target(name, paths, rules) for name in archive.manifest["members"])
    differing = _differing(rules, archive)
    replaced = _replaced(settings, paths, filter(None, targets))
    there = [f"{path} (which differs)" if path in differing else str(path) for path in replaced]
    if settings.database.url is not None:
        with closing(Database.of(settings, paths)) as database:
            there.append(f"the rows of {database.name} (for good)")
    raise OperatorError(f"these would be replaced: {', '.join(there)}; say --force to set them aside")


def _target(name: str, paths: Paths, rules: dict[str, Path]) -> Path | None:
    """The file or folder that a member of the backup replaces; None for rows of the database.

    Raises:
        ArchiveError: there is no place for it.
    """
    root, _, rest = name.partition("/")
    if root == "state":
        return paths.state / rest.split("/")[0]
    if root == "audit":
        return paths.audit
    if root == "database":
        return None
    if name in rules:
        return rules[name]
    raise ArchiveError(f"the backup holds {name}, which this program doesn't know; use the one that made it")


def _replaced(settings: Settings, paths: Paths, targets: Iterable[Path]) -> list[Path]:
    """What is there and has to go: the targets, the database's file, and what was derived from them."""
    database = [paths.database] if settings.database.url is None else []
    derived = [path for pattern in _DERIVED for path in paths.logs.glob(pattern) if "before-" not in path.name]
    of_old = (paths.former_tokens, paths.state / _VIEWS, paths.epochs_standing)
    return [path for path in dict.fromkeys((*targets, *database, *of_old, *derived)) if path.exists()]


def _put_back(settings: Settings, paths: Paths, archive: Reader) -> list[str]:
    """Stage everything beside its place, then exchange it; what was set aside.

    The mark is there from the first exchange to the last, which is the database's commit where that is PostgreSQL.
    """
    mark = folders.unfinished(paths)
    with _stage(paths.state) as state, _stage(paths.logs) as logs:
        moves = _staged(settings, paths, archive, state, logs)
        try:
            if settings.database.url is None:
                with closing(Database(state / "new.sqlite")) as database, database.writing() as connection:
                    _load(connection, state)
                moves[state / "new.sqlite"] = paths.database
                aside = _exchange(settings, paths, moves, mark)
            else:
                with closing(Database.of(settings, paths)) as database, database.writing(alone=True) as connection:
                    dump.clear(connection)
                    _load(connection, state)
                    aside = _exchange(settings, paths, moves, mark)
        finally:
            for staged in moves:
                if staged.parent not in (state, logs):
                    staged.unlink(missing_ok=True)
    mark.unlink()
    os.sync()
    return aside


@contextmanager
def _stage(folder: Path) -> Iterator[Path]:
    stage = folder / f".restore-{secrets.token_hex(4)}"
    stage.mkdir(mode=0o700)
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _staged(settings: Settings, paths: Paths, archive: Reader, state: Path, logs: Path) -> dict[Path, Path]:
    """Write every member where it can be renamed from; what goes where."""
    rules = rule_files(settings)
    moves: dict[Path, Path] = {}
    for name, content in archive.members():
        target = _target(name, paths, rules)
        if target is None:
            staged = state / name
        elif name in rules:
            staged = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
            moves[staged] = target
        elif target == paths.audit:
            staged = logs / name
            moves[logs / "audit"] = target
        else:
            staged = state / name.removeprefix("state/")
            moves[state / target.name] = target
        staged.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
            shutil.copyfileobj(content, file)
    return moves


def _load(connection: Connection, state: Path) -> None:
    for table in dump.TABLES:
        with (state / "database" / f"{table}.jsonl").open("rb") as lines:
            dump.load(connection, table, lines)


def _exchange(settings: Settings, paths: Paths, moves: dict[Path, Path], mark: Path) -> list[str]:
    """Set aside what is there, and what was derived from it; rename what is staged into its place."""
    os.sync()  # what is staged lasts before anything points to it
    mark.write_text(time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime()))
    stamp = f"before-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{secrets.token_hex(2)}"
    aside: list[str] = []
    for path in _replaced(settings, paths, moves.values()):
        old = path.with_name(f"{path.name}.{stamp}")
        path.replace(old)
        aside.append(str(old))
    for end in ("-wal", "-shm"):  # they belong to the file, under its name
        if (beside := paths.database.with_name(f"{paths.database.name}{end}")).exists():
            beside.replace(paths.database.with_name(f"{paths.database.name}.{stamp}{end}"))
    for staged, target in moves.items():
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        staged.replace(target)
    os.sync()
    return aside
