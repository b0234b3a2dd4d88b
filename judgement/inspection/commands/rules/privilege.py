"""Privilege: what makes somebody an administrator or lets everybody write to the system."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from ..model import Call, Hit, block, review
from ..targets import Place, is_system_file, normal, place

_ADMIN_GROUPS = frozenset(
    """
        sudo wheel admin root docker lxd disk shadow adm-root administrators sudoers kvm-root libvirt-root
    """.split()
)


# Privilege.


_MODE_DIGITS = 5


def _octal(mode: str) -> int | None:
    return int(mode, 8) if mode.isdigit() and len(mode) <= _MODE_DIGITS and set(mode) <= set("01234567") else None


def _chmod(call: Call) -> Iterator[Hit]:
    words = [
        text
        for text in call.argv
        if not text.startswith("--") and not (text[:1] == "-" and set(text[1:]) <= set("Rvfc"))
    ]
    if not words:
        return
    mode, paths = words[0], words[1:]
    number = _octal(mode)
    special = (number is not None and bool(number & 0o6000)) or (
        number is None and "s" in mode and ("+" in mode or "=" in mode)
    )
    world = (number is not None and bool(number & 0o002)) or (number is None and mode_opens(mode))
    setuid = (number is not None and bool(number & 0o4000)) or (
        special and number is None and not mode.startswith(("g", "o"))
    )
    deep = call.has("R", "--recursive")
    for path in paths:
        where = place(path, call.folder)
        if setuid:
            yield block("privilege", "lets everybody run a program as its owner")
        elif world and (
            where in {Place.MACHINE, Place.HOME, Place.DATA, Place.NEAR_SYSTEM, Place.DEVICE, Place.LOGS}
            or "docker.sock" in path
        ):
            family = "escape" if "docker.sock" in path else "privilege"
            yield block(family, "lets everybody write to a part of the system")
        elif is_system_file(path, call.folder) and ((number is not None and not number & 0o444) or _forbids(mode)):
            yield review("destroy_files", "takes away the access to what the system needs")
        elif world and deep:
            yield review("privilege", "lets everybody write to all files of a folder")
        elif deep and where in {Place.MACHINE, Place.HOME}:
            yield block("destroy_files", "takes away the access to the whole system or a home")
        elif (
            number is not None
            and number & 0o004
            and normal(path, call.folder) in {"/etc/shadow", "/etc/sudoers", "/etc/gshadow"}
        ):
            yield block("privilege", "lets everybody read the accounts' secrets")
        elif number is not None and number & 0o044 and "/.ssh/id_" in path and not path.endswith(".pub"):
            yield block("privilege", "lets everybody read a private key")


def _forbids(mode: str) -> bool:
    """Whether a symbolic mode takes reading or running away from all: `-x`, `a-r`, `=`."""
    return mode in {"-x", "-r", "-rx", "a-x", "a-r", "a-rwx", "a-rx", "a=", "=", "ugo-rwx"}


def mode_opens(mode: str) -> bool:
    """Whether a symbolic mode lets others write: `a+w`, `o+rwx`, `+w` does not, `ugo=rwx` does."""
    for clause in mode.split(","):
        for sign in "+=":
            who, found, what = clause.partition(sign)
            if found and "w" in what and ("o" in who or "a" in who):
                return True
    return False


def _chown(call: Call) -> Iterator[Hit]:
    for path in call.operands[1:]:
        where = place(path, call.folder)
        if path.startswith(("/etc/sudoers", "/etc/shadow", "/etc/passwd")) and not call.operands[0].startswith("root"):
            yield block("privilege", "gives somebody the files that say who may do what")
        if (where is Place.MACHINE and (call.has("R", "--recursive") or path.startswith("/etc/"))) or (
            where is Place.HOME and call.has("R") and not normal(path).startswith("/home")
        ):
            yield block("privilege", "gives a part of the system to somebody")
        elif where is Place.NEAR_SYSTEM and normal(path).startswith("/etc/") and call.has("R"):
            yield review("privilege", "gives a part of the system to somebody")


def _accounts(call: Call) -> Iterator[Hit]:
    groups = {
        name
        for data in call.options("-G", "-g", "--groups", "--gid", "-aG", "-a", "-d")
        for name in data.text.split(",")
    }
    named = groups | set(call.operands)
    if call.option("-u", "-ou", "--uid") == "0" or (call.has("o", "--non-unique") and "0" in call.argv):
        yield block("privilege", "makes an account with the administrator's number")
    elif named & _ADMIN_GROUPS:
        yield block("privilege", "makes somebody an administrator")
    elif call.name in {"useradd", "adduser"} and call.operands:
        yield review("privilege", "makes an account")
    elif call.name in {"userdel", "deluser"} and call.operands:
        yield review("privilege", "deletes an account")
    elif call.name == "passwd" and (call.has("du", "--delete", "--unlock", "--stdin") or "root" in call.operands):
        yield block("privilege", "takes an account's password away")
    elif call.name in {"chpasswd", "newusers"}:
        yield block("privilege", "sets accounts' passwords")


def _setcap(call: Call) -> Iterator[Hit]:
    if call.has("r", "-v"):
        return
    text = " ".join(call.operands).lower()
    if "cap_net_bind_service" in text and text.count("cap_") == 1:
        return
    yield block("privilege", "gives a program powers of the administrator")


def _setfacl(call: Call) -> Iterator[Hit]:
    entries = [data.text for data in call.options("-m", "--modify", "-s", "--set")] or call.operands[:1]
    writes = any("w" in part.rpartition(":")[2] for text in entries for part in text.split(","))
    paths = [path for path in call.operands if path not in entries]
    whole = {Place.MACHINE, Place.NEAR_SYSTEM, *({Place.HOME, Place.DATA} if call.has("R", "--recursive") else ())}
    if writes and any(place(path, call.folder) in whole for path in paths):
        yield block("privilege", "lets somebody write to a part of the system")


def _visudo(call: Call) -> Iterator[Hit]:
    if not call.has("cV", "--check"):
        yield block("privilege", "changes who may become administrator")


def _tools(_call: Call) -> Iterator[Hit]:
    yield block("privilege", "a tool that looks for ways to become administrator")


_ACCOUNT_TOOLS = tuple(
    """
    useradd usermod adduser addgroup gpasswd passwd chpasswd userdel deluser newusers groupmod groupmems
""".split()
)


def _install(call: Call) -> Iterator[Hit]:
    """Install with a mode that runs as its owner."""
    mode = call.option("-m", "--mode") or ""
    number = _octal(mode)
    if (number is not None and number & 0o6000) or (number is None and "s" in mode):
        yield block("privilege", "lets everybody run a program as its owner")


RULES: Mapping[str, Callable[[Call], Iterable[Hit]]] = {
    **dict.fromkeys(_ACCOUNT_TOOLS, _accounts),
    "chmod": _chmod,
    **dict.fromkeys(("chown", "chgrp"), _chown),
    "install": _install,
    "setcap": _setcap,
    "setfacl": _setfacl,
    "visudo": _visudo,
    "dscl": lambda call: (
        [block("privilege", "makes somebody an administrator")]
        if "admin" in " ".join(call.argv).lower() and {"-append", "-merge", "-create"} & set(call.argv)
        else []
    ),
    "capsh": lambda call: (
        [block("privilege", "becomes administrator")] if {"--uid=0", "--gid=0"} & set(call.argv) else []
    ),
    "dseditgroup": lambda call: (
        [block("privilege", "makes somebody an administrator")] if "admin" in call.operands else []
    ),
    **dict.fromkeys(
        ("linpeas.sh", "linenum.sh", "pspy64", "linux-exploit-suggester.sh", "dirtycow", "pwnkit", "traitor"), _tools
    ),
}
ALWAYS: tuple[Callable[[Call], Iterable[Hit]], ...] = ()
