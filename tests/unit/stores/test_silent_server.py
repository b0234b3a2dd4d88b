"""A PostgreSQL server that takes a connection and says no more: the wait ends, and is told as the database's fault."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pg8000
import pytest
from pg8000.exceptions import InterfaceError
from sqlalchemy.dialects.postgresql.pg8000 import PGDialect_pg8000

from aura_ia_mcp.stores import engine
from aura_ia_mcp.stores.database import Database, RecordError
from aura_ia_mcp.stores.postgresql_link import Link

WELCOME = b"R\0\0\0\x08\0\0\0\0" + b"Z\0\0\0\x05I"  # authenticated, ready for a query


@pytest.fixture
def silent_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("sslmode", ["disable", "prefer"])
def test_a_server_that_never_answers_is_named_and_waited_for_no_longer(
    silent_port: int, sslmode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_SOCKET_S", 0.1)
    with pytest.raises(RecordError) as caught:
        Database(f"postgresql://me:hush@127.0.0.1:{silent_port}/aura?sslmode={sslmode}")
    said = str(caught.value)
    assert "doesn't answer; see that it runs and that database.url is right" in said
    assert "aura doctor" in said
    assert f"127.0.0.1:{silent_port}" in said
    assert "hush" not in said


def test_a_connection_that_falls_silent_is_not_used_again() -> None:
    def welcome() -> socket.socket:
        taken, _ = server.accept()
        taken.sendall(WELCOME)
        return taken

    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as threads:
        server.settimeout(5)
        welcomed = threads.submit(welcome)
        link = Link(port=server.getsockname()[1], host="127.0.0.1", user="me", ssl_context=False, timeout=0.2)
        with pytest.raises(InterfaceError) as caught:
            link.cursor().execute("SELECT 1")
        assert isinstance(caught.value.__cause__, TimeoutError)
        assert PGDialect_pg8000(dbapi=pg8000).is_disconnect(caught.value, None, None)  # type: ignore[no-untyped-call]
        link.close()
        welcomed.result().close()


def test_the_socket_waits_for_longer_than_a_statement_may_take() -> None:
    assert engine._SOCKET_S > engine.TIMEOUT_S, "else the server's own reason is never heard"
