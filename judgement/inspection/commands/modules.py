"""Modules of configuration managers, told as the shell commands that they stand for: ansible, salt, puppet."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator, Mapping

import re2

_Values = Mapping[str, str]


def of_ansible(module: str, arguments: str) -> Iterator[str]:
    """The commands that an ad-hoc task stands for.

    Args:
        module: its name, with or without a collection's.
        arguments: `name=value …` as given to `-a`.
    """
    told = _ANSIBLE.get(module.rpartition(".")[2])
    if told is not None:
        yield from _said(told(_values(arguments)))


def of_salt(function: str, arguments: list[str]) -> Iterator[str]:
    """The commands that an execution function of salt stands for, such as `service.stop`."""
    if function == "state.single" and arguments:
        function = _STATES.get(arguments[0], "")
        arguments = [text.partition("=")[2] for text in arguments[1:] if text.startswith("name=")]
    command = _SALT.get(function)
    if command is not None:
        plain = [text for text in arguments if "=" not in text]
        yield " ".join([command, *map(shlex.quote, plain)])


def of_puppet(kind: str, name: str, arguments: list[str]) -> Iterator[str]:
    """The commands that a resource of puppet stands for, such as a service that is to be stopped."""
    values = dict(text.partition("=")[::2] for text in arguments if "=" in text)
    state = {"ensure": "absent" if values.get("ensure") == "purged" else values.get("ensure", "")}
    told = _ANSIBLE.get(kind)
    if told is not None:
        yield from _said(told({**values, "name": name, "path": name, "state": state["ensure"]}))


_MANIFEST = re2.compile(r"(?s)\b(service|package|user|file|cron)\s*\{\s*['\"]?([^'\":]+)['\"]?\s*:([^}]*)")
_ATTRIBUTE = re2.compile(r"(\w+)\s*=>\s*['\"]?([\w./-]+)")


def of_manifest(text: str) -> Iterator[str]:
    """The commands that the resources of a puppet manifest stand for."""
    for found in list(_MANIFEST.finditer(text))[:50]:
        kind, name, body = found.groups()
        yield from of_puppet(kind, name.strip(), [f"{key}={held}" for key, held in _ATTRIBUTE.findall(body)])


def _said(told: list[str]) -> Iterator[str]:
    if told:
        yield " ".join(map(shlex.quote, told))


def _values(arguments: str) -> _Values:
    if arguments.lstrip().startswith("{"):
        try:
            read = json.loads(arguments)
        except (ValueError, RecursionError):
            return {}
        return {name: str(held) for name, held in read.items()} if isinstance(read, dict) else {}
    try:
        pieces = shlex.split(arguments)
    except ValueError:
        pieces = arguments.split()
    return dict(piece.partition("=")[::2] for piece in pieces if "=" in piece)


def _named(values: _Values) -> str:
    return values.get("name") or values.get("path") or values.get("dest") or values.get("pkg") or ""


def _service(values: _Values) -> list[str]:
    if values.get("state") == "stopped":
        return ["systemctl", "stop", _named(values)]
    if values.get("enabled") in {"no", "false", "False", "0"} or values.get("masked") in {"yes", "true", "True", "1"}:
        return ["systemctl", "disable", _named(values)]
    return []


def _package(values: _Values) -> list[str]:
    return ["apt-get", "remove", _named(values)] if values.get("state") in {"absent", "removed"} else []


def _file(values: _Values) -> list[str]:
    if values.get("state") == "absent":
        return ["rm", "-rf", _named(values)]
    return ["chmod", values["mode"], _named(values)] if "mode" in values else []


def _user(values: _Values) -> list[str]:
    if values.get("state") == "absent":
        return ["userdel", _named(values)]
    if values.get("uid") == "0":
        return ["useradd", "-o", "-u", "0", _named(values)]
    if values.get("groups"):
        return ["usermod", "-aG", values["groups"], _named(values)]
    return ["usermod", "-p", values["password"], _named(values)] if "password" in values else []


def _key(values: _Values) -> list[str]:
    return (
        []
        if values.get("state") == "absent"
        else ["cp", "key", f"/home/{values.get('user', 'x')}/.ssh/authorized_keys"]
    )


def _copied(values: _Values) -> list[str]:
    return ["cp", values.get("src", "x"), values.get("dest", "")]


def _lined(values: _Values) -> list[str]:
    return ["sed", "-i", values.get("line", ""), _named(values)]


def _read(values: _Values) -> list[str]:
    return ["cat", values.get("src", "")]


def _scheduled(values: _Values) -> list[str]:
    return ["sh", "-c", values["job"]] if "job" in values else ["sh", "-c", values.get("command", "")]


def _fetched(values: _Values) -> list[str]:
    if values.get("mode", "").lstrip("0")[:1] in {"7", "5"} or "x" in values.get("mode", ""):
        return ["pip", "install", values.get("url", "")] if values.get("url", "")[:6] != "https:" else []
    return ["curl", "-o", values.get("dest", ""), values.get("url", "")]


def _unpacked(values: _Values) -> list[str]:
    return ["pip", "install", values["src"]] if values.get("src", "").startswith("http://") else []


def _database(values: _Values) -> list[str]:
    return ["mysql", "-e", f"DROP DATABASE {_named(values)}"] if values.get("state") == "absent" else []


def _firewall(values: _Values) -> list[str]:
    off = values.get("state") in {"disabled", "reset", "stopped"} or values.get("default") == "allow"
    return ["ufw", "disable"] if off or values.get("policy") == "allow" else []


def _enforcement(values: _Values) -> list[str]:
    return ["setenforce", "0"] if values.get("state") in {"disabled", "permissive"} else []


def _rules(values: _Values) -> list[str]:
    flushes = values.get("flush") in {"yes", "true", "True"} or values.get("policy", "").upper() == "ACCEPT"
    return ["iptables", "-F"] if flushes else []


def _down(_values: _Values) -> list[str]:
    return ["reboot"]


def _mounted(values: _Values) -> list[str]:
    return ["mkfs", values.get("dev", "")] if "dev" in values else []


_ANSIBLE: Mapping[str, Callable[[_Values], list[str]]] = {
    **dict.fromkeys(("service", "systemd", "systemd_service", "sysvinit", "win_service"), _service),
    **dict.fromkeys(("apt", "yum", "dnf", "package", "zypper", "apk", "pacman"), _package),
    "file": _file,
    "user": _user,
    "authorized_key": _key,
    **dict.fromkeys(("copy", "template", "synchronize"), _copied),
    **dict.fromkeys(("lineinfile", "blockinfile", "replace"), _lined),
    **dict.fromkeys(("fetch", "slurp"), _read),
    "cron": _scheduled,
    "get_url": _fetched,
    **dict.fromkeys(("mysql_db", "postgresql_db", "mongodb_db"), _database),
    "ufw": _firewall,
    "firewalld": _firewall,
    "win_defender": _firewall,
    "unarchive": _unpacked,
    "win_firewall": _firewall,
    "selinux": _enforcement,
    "iptables": _rules,
    "reboot": _down,
    "filesystem": _mounted,
}
_STATES: Mapping[str, str] = {
    "service.dead": "service.stop",
    "service.disabled": "service.disable",
    "pkg.removed": "pkg.remove",
    "pkg.purged": "pkg.purge",
    "file.absent": "file.remove",
}
"""States that salt is asked for, and the functions that bring them about."""

_SALT: Mapping[str, str] = {
    "service.stop": "systemctl stop",
    "service.disable": "systemctl disable",
    "service.mask": "systemctl mask",
    "pkg.remove": "apt-get remove",
    "pkg.purge": "apt-get purge",
    "file.remove": "rm -rf",
    "file.read": "cat",
    "cp.push": "cat",
    "selinux.setenforce": "setenforce",
    "firewalld.stop": "systemctl stop firewalld",
    "ufw.disable": "ufw disable",
    "iptables.flush": "iptables -F",
    "nftables.flush": "nft flush ruleset",
    "user.add": "useradd",
    "user.chuid": "usermod -u",
    "group.adduser": "gpasswd -a",
    "ssh.set_auth_key": "ssh-copy-id localhost",
    "cp.get_url": "cp",
    "cmd.script": "source",
    "ps.pkill": "pkill",
    "mysql.db_remove": "dropdb",
    "postgres.db_remove": "dropdb",
    "shadow.set_password": "chpasswd",
}
