"""With AURA_TEST_STRICT=1 a skipped test is a failed one: CI must not pass by leaving tests out.

One kind is let pass, loudly: a kernel that forbids user namespaces can't build a sandbox, and nothing that is installed
changes that.
"""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

NO_SANDBOX = "THE SANDBOX IS NOT TESTED"


def _strict() -> bool:
    return os.environ.get("AURA_TEST_STRICT", "") not in ("", "0")


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return f"{text}\n(a skip is a failure here: AURA_TEST_STRICT is set)"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail what would be skipped while it runs; expected failures stay what they are."""
    report = yield
    if _strict() and report.skipped and not hasattr(report, "wasxfail") and NO_SANDBOX not in str(report.longrepr):
        report.outcome, report.longrepr = "failed", _reason(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Fail a module that would be skipped whole."""
    report = yield
    if _strict() and report.skipped:
        report.outcome, report.longrepr = "failed", _reason(report)
    return report
