"""Fixtures and rules for all tests."""

import signal

from hypothesis import settings

pytest_plugins = ["tests.support.databases", "tests.support.fixtures", "tests.support.sharing", "tests.support.strict"]

# A pace is measured by `make bench`; a test that is slow on a busy machine holds all the same.
settings.register_profile("no pace", deadline=None)
settings.load_profile("no pace")


def pytest_sessionstart() -> None:
    """Take Ctrl-C again where a shell started the tests in the background with it ignored: children inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
