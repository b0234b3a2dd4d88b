"""Two Safety actors share the work, and each caller has one limit, not two."""

from __future__ import annotations

import urllib.error
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from tests.support.system import System, running

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(240)]

_LIMIT = 5
_ATTEMPTS = 12


def outcome(system: System, principal: str) -> str:
    """The writer of the call's record, or the code with which it was refused."""
    try:
        meta = system.call("echo", {"text": "hello"}, principal=principal)["_meta"]
    except urllib.error.HTTPError as refused:
        with refused:
            return str(refused.code)
    if error := meta.get("aura/error"):
        return str(error["code"])
    return str(meta["aura/audit_id"]).partition(":")[0]


def spend(system: System, principal: str) -> Counter[str]:
    return Counter(outcome(system, principal) for _ in range(_ATTEMPTS))


def test_each_caller_spends_one_limit_though_two_replicas_decide() -> None:
    with running(safety={"rate_limit": _LIMIT}, cluster={"replicas": {"safety": 2}}, ml={"load": "never"}) as system:
        names = [f"caller-{number}" for number in range(6)]
        for name in names:
            system.token(name)
        with ThreadPoolExecutor(len(names)) as pool:
            outcomes = dict(zip(names, pool.map(partial(spend, system), names), strict=True))
        writers = set()
        for name in names:
            counted = outcomes[name]
            served = {what: count for what, count in counted.items() if what.startswith("safety")}
            assert sum(served.values()) == _LIMIT, (name, counted)
            assert len(served) == 1, "a caller's limit is kept in one place"
            writers |= set(served)
        assert len(writers) == 2, "both replicas decide"
