"""The files and folders that the front page and the map name are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
_PATH = re.compile(
    r"(?<![\w/.:-])([a-z_]+(?:/[\w-]+)*/[\w.-]*\w/?|[A-Z]+\.md|pyproject\.toml|[a-z-]+\.(?:cfg|lock|in))(?![\w/])"
)
_FOLDERS = {path.name for path in ROOT.iterdir() if path.is_dir()}


def named(page: str) -> set[str]:
    """What looks like a path and begins with a folder of ours, or is a file at the top."""
    found = set(_PATH.findall((ROOT / page).read_text("utf-8")))
    return {path for path in found if "/" not in path or path.split("/")[0] in _FOLDERS - {"logs"}}


@pytest.mark.parametrize(("page", "at_least"), [("ARCHITECTURE.md", 15), ("README.md", 3)])
def test_every_path_that_a_page_names_exists(page: str, at_least: int) -> None:
    paths = named(page)
    assert len(paths) >= at_least, "the pattern finds too little"
    missing = [path for path in paths if not (ROOT / path).exists() and not list(ROOT.glob(f"{path}-*"))]
    assert not missing, f"{page} names what isn't there"
