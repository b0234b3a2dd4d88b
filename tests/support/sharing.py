"""How several processes share the tests: `pytest -n 2`, as `make test` runs them."""

from __future__ import annotations

import pytest
from xdist.remote import Producer  # type: ignore[import-untyped]
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]


class Sharing(LoadScopeScheduling):  # type: ignore[misc]
    """What starts whole systems goes to one process, one after the other; files of `tests/unit` to whoever is idle."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.partition("::")[0] if nodeid.startswith("tests/unit/") else "systems"


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Sharing:
    """Share them so, whatever `--dist` says."""
    return Sharing(config, log)
