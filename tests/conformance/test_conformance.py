"""MCP's official conformance suite against a running system, both revisions.

Every status of every check is compared with `expected-<revision>.json`: a feature that broke may turn a SUCCESS into an
INFO while the suite still says that nothing failed. After a wanted change, or with a new suite, write them anew, and
read the difference before it is committed:

    AURA_UPDATE_EXPECTED=1 pytest tests/conformance
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tests.support.node import Node
from tests.support.system import System

pytestmark = [pytest.mark.ray, pytest.mark.node, pytest.mark.slow, pytest.mark.timeout(600)]

_HERE = Path(__file__).parent
_RUN_S = 90
_STAMP = re.compile(r"^server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z$")

# How many checks have to succeed at least, whatever the stored lists say.
LEAST = {"2025-11-25": 80, "2026-07-28": 150}

Statuses = dict[str, dict[str, list[str]]]


def _run(node: Node, url: str, revision: str, into: Path) -> subprocess.CompletedProcess[str]:
    arguments = ["server", "--url", url, "--requirements", revision, "-o", str(into)]
    return subprocess.run(
        node.script("conformance") + arguments,
        env=node.env(),
        cwd=into,
        capture_output=True,
        text=True,
        timeout=_RUN_S,
        check=False,
    )


def _statuses(folder: Path) -> Statuses:
    """Scenario -> check id -> its statuses, sorted, for a check may be made several times; notes (INFO) count once."""
    found: Statuses = {}
    for report in folder.rglob("checks.json"):
        named = _STAMP.match(report.parent.name)
        assert named, f"the suite names its folders in another way now: {report.parent.name}"
        checks: dict[str, list[str]] = {}
        for check in json.loads(report.read_text()):
            statuses = checks.setdefault(check["id"], [])
            if check["status"] != "INFO" or "INFO" not in statuses:  # how many notes there are depends on the moment
                statuses.append(check["status"])
        found[named[1]] = {name: sorted(statuses) for name, statuses in sorted(checks.items())}
    return dict(sorted(found.items()))


def _differences(expected: Statuses, found: Statuses) -> list[str]:
    lines = []
    for scenario in sorted(expected.keys() | found.keys()):
        was, now = expected.get(scenario, {}), found.get(scenario, {})
        for check in sorted(was.keys() | now.keys()):
            if was.get(check) != now.get(check):
                lines.append(f"{scenario}: {check}: expected {was.get(check)}, found {now.get(check)}")
    return lines


@pytest.mark.parametrize("revision", sorted(LEAST))
def test_every_check_of_the_official_suite_ends_as_it_is_stored(
    system: System, node: Node, tmp_path: Path, revision: str
) -> None:
    done = _run(node, system.url, revision, tmp_path)
    found = _statuses(tmp_path)
    stored = _HERE / f"expected-{revision}.json"
    if os.environ.get("AURA_UPDATE_EXPECTED"):
        stored.write_text(json.dumps(found, indent=1) + "\n")
    differences = _differences(json.loads(stored.read_text()), found)
    assert not differences, "\n".join([*differences, done.stdout[-3000:]])
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


@pytest.mark.parametrize("revision", sorted(LEAST))
def test_the_stored_statuses_hold_no_failure_of_a_scored_check(revision: str) -> None:
    stored: Statuses = json.loads((_HERE / f"expected-{revision}.json").read_text())
    counts = Counter(s for checks in stored.values() for statuses in checks.values() for s in statuses)
    failed = {scenario for scenario, checks in stored.items() if any("FAILURE" in s for s in checks.values())}
    assert {scenario for scenario in failed if not scenario.startswith("tasks-")} == set()
    assert counts["SUCCESS"] >= LEAST[revision], counts
