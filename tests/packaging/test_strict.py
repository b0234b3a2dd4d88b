"""AURA_TEST_STRICT turns every kind of skip into a failure."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULE = """
import pytest

@pytest.mark.skip(reason="by mark")
def test_a(): ...

def test_b():
    pytest.skip("inside")

@pytest.mark.xfail(reason="known")
def test_c():
    assert False

def test_d(): ...
"""


def run(folder: Path, strict: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.support.strict", "-p", "no:cacheprovider", str(folder)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "AURA_TEST_STRICT": strict},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout.strip().splitlines()[-1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "test_some.py").write_text(MODULE)
    (tmp_path / "test_whole.py").write_text("import pytest\npytest.skip('whole', allow_module_level=True)\n")
    return tmp_path


def test_a_skip_fails_when_strict(folder: Path) -> None:
    whole = run(folder, "1")
    assert "1 error" in whole
    (folder / "test_whole.py").unlink()
    some = run(folder, "1")
    assert "1 failed" in some
    assert "1 error" in some
    assert "1 passed" in some
    assert "1 xfailed" in some


def test_a_skip_is_a_skip_otherwise(folder: Path) -> None:
    some = run(folder, "0")
    assert "3 skipped" in some
    assert "1 passed" in some
    assert "failed," not in some.replace("xfailed", "")
