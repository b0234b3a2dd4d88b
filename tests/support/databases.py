"""Both databases, empty, for tests that hold of either."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from aura_ia_mcp.stores.database import Database

from .postgresql import PostgreSQL, server

Where = Path | str


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """One server for the whole session."""
    with server() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def new_place(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Where]:
    """Gives the place of another empty database each time."""
    if request.param == "postgresql":
        running: PostgreSQL = request.getfixturevalue("postgresql")
        return running.new_database
    numbers = iter(range(100))
    return lambda: tmp_path / f"state-{next(numbers)}" / "state.sqlite"


@pytest.fixture
def place(new_place: Callable[[], Where]) -> Where:
    return new_place()


@pytest.fixture
def database(place: Where) -> Iterator[Database]:
    with closing(Database(place)) as opened:
        yield opened
