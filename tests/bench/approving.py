"""The way of a call that needs an approval: it is held, an operator agrees, and the same call again runs.

Over HTTP against a running system, one at a time, each step on a connection that is kept; every step is recorded, and
every one but the last writes to the database as well.
"""

from __future__ import annotations

import json
import tempfile
import time
from contextlib import closing
from http.client import HTTPConnection
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

from .outcome import JSON, Bound, Run, latencies, say, table
from .served import Served, served

STEPS = ("held", "decided", "run")
_TOOL = "check_pii"
_RULE = f"""
  - id: bench.approve
    match: {{tools: [{_TOOL}]}}
    effect: approve
"""
_WARM = 5
_WAIT_S = 30.0


class Caller:
    """Somebody with a token and a connection of their own."""

    def __init__(self, system: Served, role: str, kind: str) -> None:
        self._line = HTTPConnection("127.0.0.1", system.port, timeout=_WAIT_S)
        token = system.token(f"bench-{role}", role, kind=kind)
        self._headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}

    def post(self, path: str, body: JSON) -> JSON:
        """The answer's body, of whatever status."""
        self._line.request("POST", path, json.dumps(body), self._headers)
        found: JSON = json.load(self._line.getresponse())
        return found

    def close(self) -> None:
        """End the connection."""
        self._line.close()


def measure(run: Run) -> tuple[JSON, list[Bound]]:
    """{held, decided, run, whole}: each {count, p50_ms, p99_ms}."""
    count = run.of(500, 20)
    with tempfile.TemporaryDirectory(prefix="aura-bench-") as name:
        policy = Path(name) / "policy.yaml"
        policy.write_text((files("aura_ia_mcp.configs") / "policy.yaml").read_text("utf-8") + _RULE)
        with (
            served(ml={"load": "never"}, safety={"policy_file": str(policy)}) as system,
            closing(Caller(system, "agent", "agent")) as asker,
            closing(Caller(system, "operator", "human")) as decider,
        ):
            rounds = [round_trip(asker, decider, number) for number in range(_WARM + count)][_WARM:]
    figures: JSON = {step: latencies(each[place] for each in rounds) for place, step in enumerate(STEPS)}
    figures["whole"] = latencies(sum(each) for each in rounds)
    rows = [[step, f"{each['p50_ms']:.2f}", f"{each['p99_ms']:.2f}"] for step, each in figures.items()]
    say(table(("approval", "p50 ms", "p99 ms"), rows))
    return figures, []


def round_trip(asker: Caller, decider: Caller, number: int) -> list[float]:
    """Seconds of each of `STEPS`.

    Raises:
        RuntimeError: one of them had another outcome.
    """
    call: JSON = {"name": _TOOL, "arguments": {"text": f"text {number}"}}
    times = [time.perf_counter()]
    held = asker.post("/mcp/tools/call", call)
    times.append(time.perf_counter())
    approval_id = held.get("error", {}).get("approval_id")
    if approval_id is None:
        raise RuntimeError(f"the call was not held: {held}")
    decided = decider.post(f"/approvals/{approval_id}", {"decision": "approve"})
    times.append(time.perf_counter())
    done = asker.post("/mcp/tools/call", call)
    times.append(time.perf_counter())
    if done.get("isError", True):
        raise RuntimeError(f"the approved call did not run: {done}; the decision was answered with {decided}")
    return [after - before for before, after in pairwise(times)]
