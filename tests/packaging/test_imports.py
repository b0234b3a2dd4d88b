"""What import-linter can't see: bare names, and what the command line must not load."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("actors", "bus", "cli", "cluster", "configs", "gateway", "judgement", "models", "stores")


def imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
    return found


def test_no_file_imports_a_folder_by_its_bare_name() -> None:
    files = [path for folder in (*FOLDERS, "tests", "src") for path in (ROOT / folder).rglob("*.py")]
    assert len(files) > 50
    wrong = {str(path.relative_to(ROOT)): bare for path in files if (bare := imported(path) & set(FOLDERS))}
    assert wrong == {}


@pytest.mark.parametrize("module", ["serve", "tools", "token", "codex", "config", "doctor", "audit", "stdio"])
def test_no_command_loads_ray_or_torch(module: str) -> None:
    code = f"import sys, aura_ia_mcp.cli.{module}; print(*{{'ray', 'torch', 'transformers'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == ""


def test_help_loads_no_command() -> None:
    code = (
        "import sys; from aura_ia_mcp.cli.app import run; run(['--help']); "
        "print(*{'ray', 'torch', 'pydantic', 'rich', 'aiohttp', 'numpy'} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr.strip() == ""
