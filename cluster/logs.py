"""What a process of the tree logs: without secrets."""

from __future__ import annotations

import logging

from aura_ia_mcp.judgement.redact import redact_text

_FORM = logging.Formatter()


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
    """Put the filter on all handlers of this process' root logger; call it after `logging.basicConfig`."""
    for handler in logging.getLogger().handlers:
        if not any(isinstance(filter_, Redacting) for filter_ in handler.filters):
            handler.addFilter(Redacting())
