"""How several processes share the tests: `pytest -n 2`, as `make test` runs them."""

from __future__ import annotations

import pytest
from xdist.remote import Producer  # type: ignore[import-untyped]
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

_SYSTEMS = tuple(f"tests/{folder}/" for folder in ("conformance", "contract", "e2e", "integration"))


class Sharing(LoadScopeScheduling):  # type: ignore[misc]
    """What starts whole systems goes to one process, one after the other; other files to whoever is idle."""

    def _split_scope(self, nodeid: str) -> str:
        return "systems" if nodeid.startswith(_SYSTEMS) else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Sharing:
    """Share them so, whatever `--dist` says."""
    return Sharing(config, log)
