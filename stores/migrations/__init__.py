"""The database's schema through time: one script a version, run in order by Alembic (`stores/database.py`)."""

from __future__ import annotations

VERSIONS = ("0001", "0002")
"""All that this program knows, the oldest first; the last is its own."""

HEAD = VERSIONS[-1]
