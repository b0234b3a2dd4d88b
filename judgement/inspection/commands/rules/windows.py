"""PowerShell and cmd: their commonest hazards, as far as they read like commands with arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import re2

from ..model import HOME, Call, Hit, Label, block, review
from ..targets import is_history

_SYSTEM = ("c:", "c:\\", "c:/", "c:\\*", "c:/*", "d:", "d:\\", "\\", "/")
_SYSTEM_STARTS = tuple(
    """
    c:windows c:users c:program c:programdata $env: %systemroot% %userprofile% %windir% %systemdrive% env: hklm:
    hkcu: c:system32 c:boot
""".split()
)
_BUILD_WORDS = ("bin", "obj", "build", "dist", "temp", "tmp", "node_modules", "cache", "target", "out")


def _is_drive(text: str) -> bool:
    return text[1:] == ":"


def _grave(path: str) -> bool:
    lowered = path.lower().strip("\"'")
    flat = lowered.replace("\\", "").replace("/", "")
    last = lowered.replace("/", "\\").rstrip("\\*").rpartition("\\")[2]
    if lowered in _SYSTEM or _is_drive(flat) or path.startswith((HOME + "/*", "/*")) or path in {HOME, HOME + "/"}:
        return True
    if flat.startswith(("c:*", "d:*")):
        return True
    return flat.startswith(_SYSTEM_STARTS) and last not in _BUILD_WORDS


def _remove(call: Call) -> Iterator[Hit]:
    lowered = [text.lower() for text in call.argv]
    if "-whatif" in lowered:
        return
    piped = call.stdin.text.split()[:20] if call.stdin.known else []
    paths = [
        text
        for text in [*call.argv, *piped]
        if not text.lower().startswith(("/s", "/q", "/f", "-r", "-f", "-path", "-literal"))
    ]
    if any(is_history(path) for path in paths):
        yield block("cover_tracks", "deletes a history")
    deep = any(text in {"/s", "-r", "-rec"} or text.startswith("-recurse") for text in lowered)
    if any(_grave(path) for path in paths) and (deep or call.name in {"del", "erase", "remove-item", "ri"}):
        yield block("destroy_files", "deletes a system folder or a home")


def _ends(call: Call) -> Iterator[Hit]:
    """Stop-Process and taskkill over all there is."""
    every = Label.PROCESSES in call.stdin.labels or "*" in call.argv
    if every and not any(text.lower() == "-whatif" for text in call.argv):
        yield block("exhaust", "ends every process")


def _format(call: Call) -> Iterator[Hit]:
    if any(map(_is_drive, call.operands)) or any(text.lower() == "-driveletter" for text in call.argv):
        yield block("destroy_device", "formats a drive")


def _disk(call: Call) -> Iterator[Hit]:
    if not any(text.lower() == "-whatif" for text in call.argv):
        yield block("destroy_device", "wipes a disk")


def _diskpart(call: Call) -> Iterator[Hit]:
    if call.has("s", "/s") or "/s" in call.argv or "clean" in call.stdin.text:
        yield block("destroy_device", "wipes a disk")


def _iex(call: Call) -> Iterator[Hit]:
    spoken = " ".join(call.argv).lower()
    fetched = any(Label.REMOTE in arg.data.labels for arg in call.args) or Label.REMOTE in call.stdin.labels
    if fetched or any(
        mark in spoken for mark in ("downloadstring", "net.webclient", "iwr", "irm", "invoke-webrequest", "http")
    ):
        yield block("download_execute", "runs what comes from the network")
    else:
        yield review("opaque", "runs a text that isn't known")


def _web_client(call: Call) -> Iterator[Hit]:
    spoken = " ".join(call.argv).lower()
    if "net.webclient" in spoken:
        yield review("download_execute", "fetches something from the network")
    if "sockets.tcpclient" in spoken:
        yield block("reverse_shell", "a shell's own connection to the network")


def _remote_script(call: Call) -> Iterator[Hit]:
    spoken = " ".join(call.argv).lower()
    if (
        "http:" in spoken
        or "https:" in spoken
        or "scrobj" in spoken
        or "javascript:" in spoken
        or "vbscript:" in spoken
    ):
        yield block("download_execute", "runs what comes from the network")


def _certutil(call: Call) -> Iterator[Hit]:
    if any(text.lower().lstrip("-/") in {"urlcache", "verifyctl"} for text in call.argv):
        yield block("download_execute", "fetches a program by a detour")


def _preference(call: Call) -> Iterator[Hit]:
    spoken = " ".join(call.argv).lower()
    if "disable" in spoken or "exclusion" in spoken:
        yield block("disable_security", "switches the virus scanner off")


def _netsh(call: Call) -> Iterator[Hit]:
    spoken = " ".join(call.argv).lower()
    if "firewall" in spoken and ("off" in spoken.split() or "disable" in spoken.split()):
        yield block("disable_security", "switches the firewall off")
    elif "wlan" in spoken and "key=clear" in spoken:
        yield block("credentials", "shows stored passwords")
    elif "portproxy" in spoken and "add" in spoken:
        yield block("reverse_shell", "opens a way into this machine from outside")


def _reg(call: Call) -> Iterator[Hit]:
    words = [text.lower() for text in call.argv]
    spoken = "".join(words).replace("\\", "")
    if words[:1] == ["save"] and any(mark in spoken for mark in ("sam", "system", "security")):
        yield block("credentials", "copies the accounts' secrets")
    elif words[:1] == ["add"] and "currentversionrun" in spoken:
        yield block("persist", "has something start with the machine")
    elif words[:1] == ["add"] and (
        "disableantispyware" in spoken or "enablelua" in spoken or "disablerealtime" in spoken or "defender" in spoken
    ):
        yield block("disable_security", "switches a guard of the machine off")
    elif words[:1] == ["delete"] and any(mark in spoken for mark in ("hklm", "hkey_local_machine", "hkcr")):
        yield block("destroy_files", "deletes a part of the registry")


def _net(call: Call) -> Iterator[Hit]:
    words = [text.lower() for text in call.argv]
    if words[:1] == ["localgroup"] and "/add" in words:
        yield block("privilege", "makes somebody an administrator")
    elif words[:1] in (["user"], ["group"]) and "/add" in words:
        yield block("privilege", "makes an account")
    elif words[:1] == ["stop"] and any(
        mark in " ".join(words) for mark in ("windefend", "mpssvc", "eventlog", "sense")
    ):
        yield block("disable_security", "stops a service that guards the machine")


def _always(family: str, what: str) -> Callable[[Call], Iterator[Hit]]:
    def rule(_call: Call) -> Iterator[Hit]:
        yield block(family, what)

    return rule


def _with(family: str, what: str, *marks: str) -> Callable[[Call], Iterator[Hit]]:
    def rule(call: Call) -> Iterator[Hit]:
        words = {text.lower() for text in call.argv}
        if words & set(marks):
            yield block(family, what)

    return rule


_clear_log = _always("cover_tracks", "clears a log")
_REMOVE = ("remove-item", "ri", "rd", "rmdir", "del", "erase", "rm")
_FETCH = ("regsvr32", "mshta", "rundll32", "cscript", "wscript", "msiexec", "installutil")
_CLOUD_CMDLETS = tuple(
    """
    remove-az remove-ec2 remove-s3 remove-gc remove-ad remove-vm clear-az remove-rds remove-mg
""".split()
)


def _cmdlets(call: Call) -> Iterator[Hit]:
    if call.name.lower().startswith(_CLOUD_CMDLETS) and not any(text.lower() == "-whatif" for text in call.argv):
        yield block("infrastructure", "deletes what an account or a directory holds")


RULES: Mapping[str, Callable[[Call], Iterable[Hit]]] = {
    **dict.fromkeys(_REMOVE, _remove),
    **dict.fromkeys(_FETCH, _remote_script),
    **dict.fromkeys(("stop-process", "spps", "taskkill"), _ends),
    "format": _format,
    "format-volume": _disk,
    "clear-disk": _disk,
    "initialize-disk": _disk,
    "remove-partition": _disk,
    "diskpart": _diskpart,
    "iex": _iex,
    "invoke-expression": _iex,
    "new-object": _web_client,
    "certutil": _certutil,
    "bitsadmin": _with("download_execute", "fetches a program by a detour", "/transfer", "/addfile"),
    "set-mppreference": _preference,
    "add-mppreference": _preference,
    "netsh": _netsh,
    "set-netfirewallprofile": _with("disable_security", "switches the firewall off", "false", "-enabled"),
    "reg": _reg,
    "net": _net,
    "net1": _net,
    "schtasks": _with("persist", "has something run by itself", "/create"),
    "register-scheduledtask": _always("persist", "has something run by itself"),
    "new-service": _always("persist", "has something run by itself"),
    "add-localgroupmember": _always("privilege", "makes somebody an administrator"),
    "new-localuser": _always("privilege", "makes an account"),
    "set-executionpolicy": _with("disable_security", "lets every script run", "unrestricted", "bypass"),
    "wevtutil": _with("cover_tracks", "clears a log", "cl", "clear-log"),
    "clear-eventlog": _clear_log,
    "remove-eventlog": _clear_log,
    "clear-history": _clear_log,
    "vssadmin": _with("destroy_files", "deletes all shadow copies", "delete"),
    "wbadmin": _with("destroy_files", "deletes backups", "delete"),
    "bcdedit": _with("disable_security", "alters how the machine starts", "/set", "/delete"),
    "cipher": _with("destroy_files", "overwrites free space", "/w:c", "/w:c:", "/w:c:\\"),
    "fsutil": _with("cover_tracks", "deletes a volume's journal", "deletejournal"),
    "stop-computer": _always("exhaust", "takes the machine down"),
    "restart-computer": _always("exhaust", "takes the machine down"),
    "mimikatz": _always("credentials", "a tool that takes credentials"),
    "invoke-mimikatz": _always("credentials", "a tool that takes credentials"),
    "cmdkey": _with("credentials", "shows stored credentials", "/list"),
    "takeown": _with("privilege", "takes over files of the system", "/r"),
    "icacls": _with("privilege", "lets everybody write to files", "everyone:f", "everyone:(f)", "everyone:(oi)(ci)f"),
    "psexec": _always("privilege", "runs a program on another machine or as the system"),
    "ntdsutil": _always("credentials", "copies the accounts' secrets"),
    "esentutl": _with("credentials", "copies a locked store", "/y"),
    "wmic": _with("exhaust", "deletes or creates by management commands", "delete", "create", "shadowcopy"),
}
_RIGHTS = re2.compile(
    r"(?i)\b(?:ic|xc|c)acls(?:\.exe)?\s+[\"']?((?:%\w+%|\$env:\w+|[a-z]:)[^\n]*?)[\"']?\s+(?:/[etcp]\s+)*/(?:(?:grant\S*|g|p)\s+"
    r"[\"']?(?:everyone|users|authenticated users|builtin\\\\users|guests|domain users|jeder|tout le monde|todos|"
    r"\*s-1-1-0|\*s-1-5-11|\*s-1-5-32-545)[\"']?:[^\s/]*[fmw]|reset\b)"
)
_SYSTEM_FOLDERS = (
    "c:\\windows",
    "c:\\program",
    "%windir",
    "%systemroot",
    "%systemdrive",
    "$env:",
    "c:\\users",
    "%program",
)


def of_rights(text: str) -> Iterator[Hit]:
    """Rights to a system folder for everybody, however they are bracketed, which no shell's grammar reads."""
    for found in _RIGHTS.finditer(text):
        path = found.group(1).lower().strip("\"' ")
        if path.startswith(_SYSTEM_FOLDERS) or path.rstrip("\\/") in {"c:", "d:"}:
            yield block("privilege", "lets everybody write to a part of the system")


ALWAYS: tuple[Callable[[Call], Iterable[Hit]], ...] = (_cmdlets,)
