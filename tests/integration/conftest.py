"""One system that most tests of this folder share; it is started again where a test ended it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.system import ROOT, System

OPERATOR = "the-operator"
_RATE = "expensive: {per_minute: 60,"
_COMMANDS = {"allow": ["ls", "echo", "python3"]}


@pytest.fixture(scope="package")
def lasting() -> Iterator[System]:
    """The shared one: no models, rates that no test reaches, and a policy of its own that is the shipped one."""
    root = Path(tempfile.mkdtemp(prefix="aura-"))
    made = System(root, (), {"safety": {"rate_limit": 1_000_000}, "ml": {"load": "never"}, "commands": _COMMANDS})
    shipped = (ROOT / "configs" / "policy.yaml").read_text()
    assert _RATE in shipped
    made.policy.write_text(shipped.replace(_RATE, "expensive: {per_minute: 1000000,"))
    made.token(OPERATOR, "operator", kind="human")
    try:
        yield made
    finally:
        made.kill()
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture
def system(lasting: System) -> System:
    """The shared system, running."""
    lasting.ensure()
    return lasting


def switch(system: System, *, on: bool) -> None:
    """Put safe mode on or off."""
    arguments = {"enabled": on, "reason": "a drill"}
    assert system.call("set_safe_mode", arguments, principal=OPERATOR)["structuredContent"]["safe_mode"] is on


def in_safe_mode(system: System) -> bool:
    """Whether what writes is refused."""
    error = system.refusal("execute_command", {"command": "sleep 1"}, principal=OPERATOR)
    return bool(error["code"] == "safe_mode")
