"""The promises of the bus, when every frame is a call of a real Ray actor."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.support.system import JSON, ROOT

from .over_ray import ENVIRONMENT, promises

pytestmark = [pytest.mark.ray, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def kept() -> list[JSON]:
    """What became of each promise."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    env |= ENVIRONMENT
    command = [sys.executable, "-m", "tests.contract.over_ray"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def test_every_promise_was_tried(kept: list[JSON]) -> None:
    assert [(line["promise"], line["arguments"]) for line in kept] == [
        (name, repr(given)) for name, given in promises()
    ]
    assert len(kept) > 40


def test_every_promise_is_kept(kept: list[JSON]) -> None:
    broken = [f"{line['promise']}: {line['broken']}" for line in kept if line["broken"]]
    assert not broken, "\n".join(broken)
