"""What an operator asks of the database itself."""

from __future__ import annotations

from aura_ia_mcp.configs.paths import Paths
from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.stores.faults import RecordError
from aura_ia_mcp.stores.soundness import examine

from .faults import OperatorError


def check_database(settings: Settings) -> str | None:
    """The name of the database, if it can be read; None if it isn't there yet. Its content stays as it is.

    Raises:
        OperatorError: it can't be read, or is corrupt; the message says what to do.
    """
    try:
        return examine(settings, Paths.of(settings))
    except RecordError as error:
        raise OperatorError(str(error)) from error
