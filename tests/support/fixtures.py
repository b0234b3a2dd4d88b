"""Fixtures that several folders share; `tests/conftest.py` loads them."""

from __future__ import annotations

import urllib.error
from collections.abc import Iterator

import pytest

from . import node as node_packages
from .system import System, running, until

SOURCES = ("tests.conformance.source:ConformanceSource", "tests.e2e.source:WatchedSource")


@pytest.fixture(scope="session")
def node() -> node_packages.Node:
    """Node 22, the foreign clients and Codex."""
    return node_packages.install()


@pytest.fixture(scope="session")
def system() -> Iterator[System]:
    """One whole system for the session, with the default settings and the tests' own tool sources.

    Tests share it, so each acts as a principal of its own (`system.token(...)`): limits are per principal.
    """
    with running(*SOURCES) as started:
        yield started


@pytest.fixture(scope="session")
def model(system: System) -> None:
    """The ML worker has loaded its model."""

    def loaded() -> bool:
        try:
            system.call("embed_text", {"texts": ["ready?"]}, principal="model-watch")
        except urllib.error.HTTPError as refused:
            with refused:
                return False
        return True

    until("the model to be loaded", loaded, 90)
