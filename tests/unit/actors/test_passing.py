"""A secret that is split over two messages is marked where it goes on, and the call is flagged."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from aura_ia_mcp.actors.passing import Passing
from aura_ia_mcp.bus.messages import JSON

KEY = "ghp_" + "aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5"


class PlainResults:
    async def clean(self, case: Any, item: JSON) -> JSON:
        return item


@pytest.fixture
def case() -> Any:
    return SimpleNamespace(flags=[], redacted={})


async def said(case: Any, *texts: str, kind: str = "log", name: str = "data") -> list[str]:
    passing = Passing(cast("Any", PlainResults()), case)
    return [(await passing.clean({"type": kind, name: text}))[name] for text in texts]


@pytest.mark.parametrize(("kind", "name"), [("log", "data"), ("progress", "message")])
async def test_what_goes_on_with_a_secret_is_marked(case: Any, kind: str, name: str) -> None:
    first, second = await said(case, f"key {KEY[:12]}", f"{KEY[12:]} was read", kind=kind, name=name)
    assert first == f"key {KEY[:12]}"
    assert KEY[12:] not in second
    assert second.endswith(" was read")
    assert [finding.rule for finding in case.flags] == ["secret.split"]
    assert case.redacted == {"split": 1}


async def test_a_secret_in_three_parts_is_marked_in_the_last(case: Any) -> None:
    *_, last = await said(case, KEY[:8], KEY[8:12], f"{KEY[12:]} end")
    assert KEY[12:] not in last


async def test_messages_that_are_no_secret_together_pass_as_they_are(case: Any) -> None:
    texts = ["reading file 1 of 2", "reading file 2 of 2", "commit 3f2a9c1", "done"]
    assert await said(case, *texts) == texts
    assert not case.flags
