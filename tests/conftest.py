"""Fixtures and rules for all tests."""

import signal

pytest_plugins = ["tests.support.databases", "tests.support.fixtures", "tests.support.strict"]


def pytest_sessionstart() -> None:
    """Take Ctrl-C again where a shell started the tests in the background with it ignored: children inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
