"""What the tests of consent share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from .consenting import Consenting, rule


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Callable[..., Awaitable[Consenting]]]:
    all_: list[Consenting] = []

    async def make(effect: str, more: str = "", **approvals: Any) -> Consenting:
        all_.append(Consenting(tmp_path, **approvals))
        return await all_[-1].start(rule(effect, more))

    yield make
    for each in all_:
        await each.graph.close()
