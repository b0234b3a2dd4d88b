"""The wheel holds every tracked module and data file, nothing else, and works where it is installed."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("actors", "bus", "cli", "cluster", "configs", "docs", "gateway", "judgement", "models", "stores")
LIMIT_S = 120

pytestmark = pytest.mark.slow


def tracked() -> list[str]:
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30)
    return [path for path in done.stdout.splitlines() if (ROOT / path).exists()]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the tracked files alone, as they are now."""
    source = tmp_path_factory.mktemp("source")
    for path in tracked():
        target = source / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, target, follow_symlinks=False)
    out = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(source)],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return next(out.glob("*.whl"))


def test_the_wheel_holds_what_is_tracked(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    expected = set()
    for path in tracked():
        if path.split("/")[0] in FOLDERS:
            expected.add(f"aura_ia_mcp/{path}")
        elif path.startswith("src/aura_ia_mcp/") and not (ROOT / path).is_symlink():
            expected.add(path.removeprefix("src/"))
    assert packed == expected


def test_every_folder_has_its_link() -> None:
    links = {path.name: path.readlink() for path in (ROOT / "src" / "aura_ia_mcp").iterdir() if path.is_symlink()}
    assert links == {name: Path("..") / ".." / name for name in FOLDERS}


def test_the_wheel_carries_the_license_and_the_command(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        points = next(name for name in names if name.endswith("entry_points.txt"))
        assert "aura = aura_ia_mcp.main:main" in archive.read(points).decode()
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_installed_wheel_runs(wheel: Path, tmp_path: Path) -> None:
    """Beside the test environment's packages, but not its editable copy of the project."""
    home = tmp_path / "venv"
    venv.create(home, with_pip=False, symlinks=True)
    site = next(home.glob("lib/python*/site-packages"))
    pip = [sys.executable, "-m", "pip", "--python", str(home / "bin" / "python")]
    subprocess.run(
        [*pip, "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-index", str(wheel)],
        check=True,
        capture_output=True,
        timeout=LIMIT_S,
    )
    packages = {Path(path) for path in sys.path if path.endswith("site-packages")}
    (site / "beside.pth").write_text("".join(f"{path}\n" for path in packages))
    for command in ([str(home / "bin" / "aura")], [str(home / "bin" / "python"), "-m", "aura_ia_mcp.main"]):
        done = subprocess.run(
            [*command, "--help"], cwd=tmp_path, capture_output=True, text=True, timeout=LIMIT_S, check=False
        )
        assert done.returncode == 0, done.stderr
        assert "aura serve" in done.stdout
    where = subprocess.run(
        [str(home / "bin" / "python"), "-c", "import aura_ia_mcp.cluster.tokens as m; print(m.__file__)"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=True,
    )
    assert where.stdout.startswith(str(site))
    done = subprocess.run(
        [str(home / "bin" / "aura"), "config", "--json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert '"safety.rate_limit"' in done.stdout, done.stderr


def test_the_locks_hold_what_the_project_asks_for() -> None:
    def name(requirement: str) -> str:
        return re.split(r"[^A-Za-z0-9._-]", requirement)[0].lower().replace("_", "-")

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    lines = (ROOT / "requirements.in").read_text().split("\n\n")[0].splitlines()
    listed = [line for line in lines if line and not line.startswith("#")]
    assert sorted(project) == sorted([*listed, "torch==2.13.0"])
    pins = {name(line) for line in (ROOT / "requirements.lock").read_text().splitlines() if "==" in line}
    assert {name(line) for line in listed} <= pins
    assert "torch" not in pins
    assert "torch==2.13.0" in (ROOT / "requirements-torch.lock").read_text().splitlines()


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock", "requirements-models.lock"])
def test_every_pin_of_a_lock_has_a_hash_and_no_host(lock: str) -> None:
    text = (ROOT / lock).read_text()
    pins = re.findall(r"^[A-Za-z0-9][^\n]*==[^\n]*\\\n    --hash=sha256:[0-9a-f]{64}", text, re.MULTILINE)
    assert len(pins) == len(re.findall(r"^[A-Za-z0-9][^\n]*==", text, re.MULTILINE)) > 0
    assert "://" not in text
    assert "--index" not in text
