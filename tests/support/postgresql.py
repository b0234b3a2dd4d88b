"""A PostgreSQL of the tests' own: one server a session, on a port of 127.0.0.1, in a folder that goes with it."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pg8000.dbapi
import pytest

from .system import free_ports

PASSWORD = "p@ss/word:1"
USER = "aura"
_READY_S = 30.0
_STOP_S = 20.0
_OPTIONS = ("fsync=off", "full_page_writes=off", "shared_buffers=16MB", "max_connections=50", "autovacuum=off")


def programs() -> Path | None:
    """The folder of `initdb` and `postgres`; Debian keeps them out of PATH."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    return installed[-1].parent if installed else None


class PostgreSQL:
    """A running server; `restart` loses every connection."""

    def __init__(self, folder: Path, where: Path) -> None:
        self._folder, self._where = folder, where
        self.port = free_ports(1)[0]
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0

    def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            RuntimeError: it doesn't; says what it printed.
        """
        options = [part for option in _OPTIONS for part in ("-c", option)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *("setpriv", "--pdeathsig", "INT"),  # it never outlives the tests
                    *(str(self._where / "postgres"), "-D", str(self._folder / "data"), "-p", str(self.port)),
                    *("-c", "listen_addresses=127.0.0.1", "-k", str(self._folder), *options),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **_owner(),
            )
        end = time.monotonic() + _READY_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise RuntimeError(f"PostgreSQL doesn't start:\n{(self._folder / 'log').read_text()[-3000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End it at once, and with it every connection; what was committed is there at the next start; idempotent."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGQUIT)
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def restart(self) -> None:
        """Stop and start: connections are lost, what was committed isn't."""
        self.stop()
        self.start()

    def new_database(self) -> str:
        """The URL, password included, of an empty database."""
        self._databases += 1
        name = f"test_{self._databases}"
        with self._connected() as connection:
            connection.cursor().execute(f"CREATE DATABASE {name}")
        password = PASSWORD.replace("@", "%40").replace("/", "%2F").replace(":", "%3A")
        return f"postgresql://{USER}:{password}@127.0.0.1:{self.port}/{name}"

    def _answers(self) -> bool:
        try:
            with self._connected():
                return True
        except pg8000.dbapi.Error:
            return False

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        connection = pg8000.dbapi.connect(
            USER,
            host="127.0.0.1",
            port=self.port,
            password=PASSWORD,
            database="postgres",
            timeout=10,
            ssl_context=False,
        )
        connection.autocommit = True
        try:
            yield connection
        finally:
            with suppress(pg8000.dbapi.Error):
                connection.close()


@contextmanager
def server() -> Iterator[PostgreSQL]:
    """A server, stopped and removed at the end; skips the test, loudly, where PostgreSQL isn't installed."""
    where = programs()
    if where is None:
        pytest.skip("POSTGRESQL IS NOT TESTED: initdb isn't installed (apt-get install postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="aura-pg-"))
    password = folder / "password"
    try:
        password.write_text(PASSWORD)
        for path in (folder, password):
            os.chown(path, _owner().get("user", -1), _owner().get("group", -1))
        subprocess.run(
            [
                *(str(where / "initdb"), "-D", str(folder / "data"), "-U", USER, "-E", "UTF8", "--locale=C.UTF-8"),
                *("-A", "scram-sha-256", f"--pwfile={password}", "--no-sync", "--no-instructions"),
            ],
            check=True,
            capture_output=True,
            timeout=60,
            cwd=folder,
            **_owner(),
        )
        running = PostgreSQL(folder, where)
        running.start()
        try:
            yield running
        finally:
            running.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _owner() -> dict[str, Any]:
    """Whom to run it as, for `subprocess`: it refuses to run as root."""
    if os.getuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise RuntimeError("PostgreSQL doesn't run as root, and there is neither a user postgres nor nobody")
