"""Which Codex is installed, what that means, and whether it is connected to us."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from aura_ia_mcp.configs.settings import Settings

from .checks import Finding, ok
from .codex_config import MergeError, parse
from .codex_file import ConfigFile

OLDEST = (0, 66, 0)
NO_MCP_SERVER = (0, 154, 0)
NEWEST_TRIED = (0, 169, 0)
_ASK_S = 20.0


def inspect(settings: Settings) -> Iterable[Finding]:
    """Findings about Codex as a client of ours; its absence is no fault."""
    program = shutil.which("codex")
    if program is None:
        yield ok("codex", "not installed here; any MCP client will do")
    else:
        yield judge(version_of(program), program)
    home = Path(os.environ.get("CODEX_HOME") or Path.home() / ".codex")
    file = ConfigFile(home / "config.toml")
    if program is not None or file.path.exists():
        yield _connected(file, settings)
    unread = Path.home() / ".config" / "codex" / "mcp_servers.toml"
    if unread.exists():
        yield Finding(
            "codex (old file)",
            "warning",
            f"{unread} is there, but no version of Codex reads it",
            "Run `aura codex config --write`, which uses Codex's config.toml.",
        )


def version_of(program: str) -> tuple[int, int, int] | None:
    """What `codex --version` says; None if it says nothing of that kind."""
    try:
        done = subprocess.run(
            [program, "--version"],
            capture_output=True,
            text=True,
            timeout=_ASK_S,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", done.stdout)
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def judge(version: tuple[int, int, int] | None, program: str) -> Finding:
    """What a version means for us."""
    if version is None:
        return Finding(
            "codex", "warning", f"{program} doesn't tell its version", "Install it again: npm i -g @openai/codex"
        )
    text = ".".join(str(part) for part in version)
    tried = ".".join(str(part) for part in NEWEST_TRIED)
    if version < OLDEST:
        return Finding(
            "codex",
            "failure",
            f"{text} at {program} is too old for Streamable HTTP servers",
            f"Install a newer one: npm i -g @openai/codex@{tried}",
        )
    if version > NEWEST_TRIED:
        return Finding(
            "codex",
            "warning",
            f"{text} at {program} is newer than the newest that was tried ({tried})",
            f"If a call fails, try npm i -g @openai/codex@{tried} and report it.",
        )
    note = "; it has no `codex mcp-server` any more, which is no fault" if version >= NO_MCP_SERVER else ""
    return ok("codex", f"{text} at {program}{note}")


def _connected(file: ConfigFile, settings: Settings) -> Finding:
    check = "codex (connected)"
    try:
        servers = parse(file.read()).get("mcp_servers", {})
    except MergeError as error:
        return Finding(check, "failure", f"{file.path}: {error}", "Correct that line; Codex can't start with it.")
    ours = {name: entry.get("url", "") for name, entry in servers.items() if name.startswith("aura_")}
    if not ours:
        return Finding(check, "warning", f"{file.path} doesn't name Aura", "Run `aura codex config --write`.")
    known = {server.port for server in settings.gateway.servers}
    strangers = [url for url in ours.values() if 0 not in known and not any(f":{port}/" in url for port in known)]
    if strangers:
        return Finding(
            check,
            "warning",
            f"{file.path} names {strangers[0]}, which is no port of these settings",
            "Start the system, then run `aura codex config --write`.",
        )
    return ok(check, f"{', '.join(ours)} in {file.path}")
