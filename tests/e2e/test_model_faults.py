"""The process with the models is killed while it computes: callers are told, and the same vectors come back.

In the system that these tests share, for it has its models loaded: it is whole again when the test ends.
"""

from __future__ import annotations

import signal
import time

import psutil
import pytest

from tests.integration.load import Load
from tests.support.system import System, until

pytestmark = [pytest.mark.ray, pytest.mark.model, pytest.mark.timeout(240)]

_LOADED_S = 90.0
_AT_ONCE_S = 10.0
_MAY_SAY = {"not_delivered", "outcome_unknown", "unavailable", "stale_epoch"}
_MOST_EACH = 60  # calls of one principal: fewer than the shipped limit
_TEXTS = {"texts": ["hello", "a long walk by the sea"]}


def workers(system: System) -> list[psutil.Process]:
    return [each for each in system.processes() if (each.info["cmdline"] or [""])[0].startswith("ray::MLWorker")]


def vectors(system: System) -> list[list[float]]:
    result = system.call("embed_text", _TEXTS)
    assert not result["isError"], result
    found: list[list[float]] = result["structuredContent"]["vectors"]
    return found


def test_a_killed_ml_worker_is_unavailable_at_once_and_gives_the_same_vectors_again(
    model: None, system: System
) -> None:
    before = vectors(system)
    (victim,) = workers(system)
    with (
        Load(system, "embed_text", _TEXTS, threads=2, most_each=_MOST_EACH) as load,
        Load(system, threads=2, most_each=_MOST_EACH) as other,
    ):
        victim.send_signal(signal.SIGKILL)
        killed_at = time.monotonic()
        until("a caller to be told", lambda: any(each.code == "unavailable" for each in load.errors()), _AT_ONCE_S)
        until("embeddings again", lambda: len(load.served_since(killed_at + 1.0)) > 5, _LOADED_S)
        assert victim.pid not in {each.pid for each in workers(system)}
    assert {answer.code for answer in load.errors()} <= _MAY_SAY
    assert all(answer.error["message"] and answer.error["recovery"] for answer in load.errors())
    assert not other.errors(), "calls that need no model were disturbed"
    after = vectors(system)
    assert [len(vector) for vector in after] == [len(vector) for vector in before]
    for vector, earlier in zip(after, before, strict=True):
        assert vector == pytest.approx(earlier, abs=1e-5)
