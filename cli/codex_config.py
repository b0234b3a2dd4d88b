"""Merges servers into Codex's `config.toml` and leaves everything else in it as it is, byte for byte where possible.

Pure: text in, text out. `codex_file` reads and writes.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

STDIO_KEYS = ("command", "args", "env", "env_vars", "cwd")
"""Keys of a stdio server; Codex refuses them beside `url`."""
HIDDEN_TOOLS = ("execute_command", "request_approval")
"""The guide's list of tools that Codex shall not see; the server hides them as well."""


class MergeError(Exception):
    """The file can't be merged into; the message says where and what to do."""


@dataclass(frozen=True, slots=True)
class Server:
    """One entry of `[mcp_servers]`.

    Attributes:
        name: as Codex shows it, `aura_gateway`.
        url: its Streamable HTTP endpoint.
        startup_timeout_sec: seconds to connect.
        tool_timeout_sec: seconds for one call.
        disabled_tools: names that Codex leaves out.
        bearer_token_env_var: variable with the bearer token, where the gateway wants one.
    """

    name: str
    url: str
    startup_timeout_sec: int = 30
    tool_timeout_sec: int = 120
    disabled_tools: tuple[str, ...] = ()
    bearer_token_env_var: str = ""

    def keys(self) -> dict[str, Any]:
        """The entry's members."""
        members: dict[str, Any] = {
            "url": self.url,
            "startup_timeout_sec": self.startup_timeout_sec,
            "tool_timeout_sec": self.tool_timeout_sec,
        }
        if self.disabled_tools:
            members["disabled_tools"] = list(self.disabled_tools)
        if self.bearer_token_env_var:
            members["bearer_token_env_var"] = self.bearer_token_env_var
        return members


def merge(text: str, servers: Sequence[Server]) -> str:
    """The configuration with these servers in it; merging twice changes nothing more.

    A server that isn't there is added at the end. Of one that is there the URL is set, members that are missing are
    added, and values that the user chose (time-outs, hidden tools, approval modes) stand.

    Raises:
        MergeError: the text isn't valid TOML (with the line), or its `mcp_servers` can't be extended.
    """
    before = parse(text)
    known = before.get("mcp_servers", {})
    if not isinstance(known, dict) or not all(isinstance(entry, dict) for entry in known.values()):
        raise MergeError("`mcp_servers` is not a table of tables; correct it by hand first.")
    merged = text
    for server in servers:
        merged = _update(merged, server) if server.name in known else _add(merged, server)
    _check(before, merged, servers)
    return merged


def parse(text: str) -> dict[str, Any]:
    """Read TOML.

    Raises:
        MergeError: it isn't valid; names the line.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MergeError(f"it is not valid TOML: {error}. Correct that line first; nothing was changed.") from None


def snippet(servers: Sequence[Server]) -> str:
    """The servers as a piece of TOML to paste."""
    return "\n".join(_entry(server) for server in servers)


def unified_diff(before: str, after: str, name: str) -> str:
    """What changes, in the usual form; empty when nothing does."""
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), f"{name} (now)", f"{name} (then)", lineterm=""
    )
    return "\n".join(lines)


def _entry(server: Server) -> str:
    members = "".join(f"{name} = {tomlkit.item(value).as_string()}\n" for name, value in server.keys().items())
    return f"[mcp_servers.{server.name}]\n{members}"


def _add(text: str, server: Server) -> str:
    """Append the entry as text, so that not a byte before it moves; failing that, insert it where the others are."""
    newline = "\r\n" if "\r\n" in text else "\n"
    gap = "" if not text else newline if text.endswith("\n") else newline * 2
    appended = text + gap + _entry(server).replace("\n", newline)
    try:
        tomllib.loads(appended)
    except tomllib.TOMLDecodeError:  # `mcp_servers` is an inline table or made of dotted keys
        return _insert(text, server)
    return appended


def _insert(text: str, server: Server) -> str:
    document = _document(text)
    servers: Any = document["mcp_servers"]
    entry = tomlkit.inline_table()
    for name, value in server.keys().items():
        entry[name] = value
    servers[server.name] = entry
    return tomlkit.dumps(document)


def _update(text: str, server: Server) -> str:
    document = _document(text)
    servers: Any = document["mcp_servers"]
    entry: Any = servers[server.name]
    changed = False
    for name in STDIO_KEYS:
        if name in entry:
            del entry[name]
            changed = True
    for name, value in server.keys().items():
        if name not in entry or (name == "url" and entry[name] != value):
            entry[name] = value
            changed = True
    return tomlkit.dumps(document) if changed else text


def _document(text: str) -> Any:
    try:
        return tomlkit.parse(text)
    except TOMLKitError as error:
        raise MergeError(f"it can't be edited in place: {error}. Add the servers by hand.") from None


def unmerge(text: str, before: str) -> str:
    """The configuration with our servers (`aura_…`) as they were in `before`, and later edits of others kept.

    Raises:
        MergeError: as `merge`.
    """
    now, then = parse(text).get("mcp_servers", {}), parse(before).get("mcp_servers", {})
    ours = [name for name in now if name.startswith("aura_") and now[name] != then.get(name)]
    document, old = _document(text), _document(before)
    servers: Any = document.get("mcp_servers", {})
    for name in ours:
        if name in then:
            servers[name] = old["mcp_servers"][name]
        else:
            del servers[name]
    restored = tomlkit.dumps(document)
    after = parse(restored).get("mcp_servers", {})
    rest = {name: entry for name, entry in now.items() if name not in ours}
    if {**rest, **{name: then[name] for name in ours if name in then}} != after:
        raise MergeError("its form is too unusual to be edited safely; take the servers out by hand.")
    return restored


def _check(before: dict[str, Any], merged: str, servers: Sequence[Server]) -> None:
    """Hold the promise: apart from these servers the configuration means what it meant."""
    try:
        after = tomllib.loads(merged)
        entries = {server.name: after["mcp_servers"].pop(server.name) for server in servers}
        rest = {**before, "mcp_servers": dict(before.get("mcp_servers", {}))}
        for name in entries:
            rest["mcp_servers"].pop(name, None)
        kept = rest == after and all(entries[server.name].get("url") == server.url for server in servers)
    except (tomllib.TOMLDecodeError, KeyError):
        kept = False
    if not kept:
        raise MergeError("its form is too unusual to be edited safely; add the servers by hand (see the lines above).")
