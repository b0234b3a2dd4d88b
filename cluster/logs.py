"""What a process of the tree logs: in the one form of `stores.logs`, and without secrets."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from pathlib import Path

from aura_ia_mcp.judgement.inspection.redaction import redact_text
from aura_ia_mcp.stores.logs import line

from .bounded_log import BoundedLog

_FORM = logging.Formatter()


def configure(service: str, level: str, folder: Path | None = None) -> None:
    """Let this process log to standard error, and to `folder/SERVICE.log` as well, where nobody else keeps that.

    Args:
        service: who logs, as in `safety-0`.
        level: the least level that is written.
        folder: `logs`; a file there is bounded, and one that can't be written stops nobody.
    """
    root = logging.getLogger()
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if folder is not None:
        with suppress(OSError):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handlers.append(LogFile(BoundedLog(folder / f"{service}.log")))
    for handler in handlers:
        handler.setFormatter(ServiceFormat(service))
        root.addHandler(handler)
    root.setLevel(level)
    keep_secrets_out()


class ServiceFormat(logging.Formatter):
    """Writes a record as an entry of a service's log; lines of traces are indented.

    Args:
        service: who logs.
    """

    def __init__(self, service: str) -> None:
        super().__init__("%(name)s: %(message)s")
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """The entry."""
        return line(record.created, record.levelname, self._service, super().format(record))


class LogFile(logging.Handler):
    """Writes to a bounded file.

    Args:
        log: the file; closed with this.
    """

    def __init__(self, log: BoundedLog) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record; a full disk loses it."""
        try:
            self._log.write(f"{self.format(record)}\n".encode(errors="backslashreplace"))
        except Exception:
            self.handleError(record)

    def close(self) -> None:
        """Close the file."""
        self._log.close()
        super().close()


class Redacting(logging.Filter):
    """Marks the secrets in a record's message, arguments, trace and stack. Lets every record pass.

    Belongs on handlers: a logger's own filter doesn't see what comes from the loggers below it.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Mark them, in place."""
        try:
            text = record.getMessage()
        except Exception as error:
            text = f"{record.msg} {record.args!r} (could not be formatted: {error})"
        record.msg, record.args = redact_text(text)[0], None
        if record.exc_info and not record.exc_text:
            record.exc_text = _FORM.formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = redact_text(record.exc_text)[0]
        if record.stack_info:
            record.stack_info = redact_text(record.stack_info)[0]
        return True


def keep_secrets_out() -> None:
    """Put the filter on all handlers of this process' root logger; call it once they are there."""
    for handler in logging.getLogger().handlers:
        if not any(isinstance(filter_, Redacting) for filter_ in handler.filters):
            handler.addFilter(Redacting())
