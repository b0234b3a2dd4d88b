"""Small JSON files that are replaced as a whole, so that a reader never sees half of one."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def load(path: Path) -> Any:
    """What was saved last, or None if there is nothing usable."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None


def save(path: Path, value: Any) -> None:
    """Replace the file; after a crash either the old or the new content is there.

    Raises:
        OSError: it can't be written; the old content stands.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(json.dumps(value).encode())
    draft.replace(path)
