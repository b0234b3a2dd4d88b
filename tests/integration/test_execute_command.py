"""Commands in a whole system: the operator's run, within walls; for an agent there are none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.strict import NO_SANDBOX
from tests.support.system import JSON, System

from .conftest import OPERATOR

pytestmark = [pytest.mark.ray, pytest.mark.timeout(240)]

_PROBE = """
import json, os, socket, sys

def attempt(what):
    try:
        what()
    except OSError as error:
        return type(error).__name__
    return "done"

print(json.dumps({
    "gateway": attempt(lambda: socket.create_connection(("127.0.0.1", int(sys.argv[1])), 3)),
    "write": attempt(lambda: open("written", "w")),
    "temporary": attempt(lambda: open("/tmp/written", "w")),
    "secrets": attempt(lambda: open(".aura/operator.token")),
    "environment": sorted(os.environ),
}))
"""


def ran(system: System, command: str) -> JSON:
    """What a command of the operator's printed; skips where this machine has no walls."""
    result = system.call("execute_command", {"command": command}, principal=OPERATOR)
    error = result.get("_meta", {}).get("aura/error", {})
    if error.get("code") == "unavailable":
        pytest.skip(f"{NO_SANDBOX}: {error['message']}")
    assert not result["isError"], result
    found: JSON = result["structuredContent"]
    return found


def test_the_operator_runs_ls(system: System) -> None:
    found = ran(system, "ls configs")
    assert (found["exit_code"], found["sandbox"]) == (0, "bubblewrap")
    assert "aura.toml" in found["stdout"].split()


def test_network_writes_and_secrets_are_walled_off(system: System) -> None:
    (system.root / "probe.py").write_text(_PROBE)
    found = ran(system, f"python3 probe.py {system.port}")
    assert found["exit_code"] == 0, found
    seen: dict[str, Any] = json.loads(found["stdout"])
    assert seen["temporary"] == "done", "or the others prove nothing"
    assert seen["gateway"] == "ConnectionRefusedError", "the gateway listens there, outside"
    assert seen["write"] == "OSError", "read-only"
    assert seen["secrets"] == "FileNotFoundError"
    assert not [name for name in seen["environment"] if name.startswith(("AURA", "RAY", "PYTHON"))]
    assert not (system.root / "written").exists()


def test_for_an_agent_there_are_no_commands(system: System) -> None:
    assert system.refusal("execute_command", {"command": "ls"})["code"] == "unknown_tool"
    assert "execute_command" not in {tool["name"] for tool in system.tools()}
