"""What a path means: the machine, a home, a log, a device, a secret, or just somebody's working folder."""

from __future__ import annotations

import posixpath
from enum import Enum
from functools import lru_cache

from .globs import any_of, matcher
from .model import HOME, UNKNOWN


class Place(Enum):
    """What would be lost or changed at a path."""

    MACHINE = "the root or a system folder"
    HOME = "a whole home folder or what can't be had again in it"
    DATA = "a service's or a team's data"
    LOGS = "logs"
    DEVICE = "a device"
    NEAR_SYSTEM = "a part of the system"
    UNRESOLVED = "a path that may come to a system folder"
    HERE = "everything in the present folder, wherever that is"
    ORDINARY = "ordinary files"


_SYSTEM_ROOTS = frozenset(
    """
        bin boot dev etc home lib lib32 lib64 libx32 media mnt opt proc root run sbin srv sys usr var private
        Applications Library System Users Volumes nix snap host hostfs rootfs
    """.split()
)
_HOSTS = frozenset({"host", "hostfs", "rootfs"})
"""Where a container finds the root of the machine that it runs on."""

_DATA_ROOTS = frozenset(
    """
        data backup backups database databases db storage vol volumes export exports archive
    """.split()
)
_WHOLE = frozenset({"bin", "boot", "lib", "lib32", "lib64", "sbin", "proc", "sys"})
_USR_OWN = frozenset({"bin", "lib", "lib32", "lib64", "libexec", "sbin", "share", "include", "local", "src"})
_SERVICES = frozenset(
    """
        postgresql postgres pgsql mysql mariadb mongodb mongo redis docker containerd etcd kubelet rancher
        elasticsearch cassandra clickhouse influxdb grafana prometheus consul vault dpkg rpm pacman libvirt
        jenkins gitlab git ldap lxc lxd zookeeper kafka couchdb neo4j minio ceph samba systemd
    """.split()
)
_HOME_VITAL = frozenset(
    """
        .ssh .gnupg .config .local .aws .kube .azure .mozilla .thunderbird .password-store .docker .gcloud
        Documents Desktop Pictures Photos Videos Music Library Mail Maildir .bashrc .profile .zshrc
        .bash_profile backups
    """.split()
)
_VITAL_FILES = frozenset(
    """
        /etc/passwd /etc/shadow /etc/group /etc/gshadow /etc/fstab /etc/sudoers /etc/hosts /etc/resolv.conf
        /etc/crypttab /etc/ssh/sshd_config /etc/ld.so.conf /etc/nsswitch.conf /etc/crontab /etc/profile
        /etc/environment /etc/pam.conf /etc/machine-id /etc/hostname /etc/inittab /etc/login.defs /etc/ssl/certs
    """.split()
)
_DEVICES = (
    "/dev/sd*",
    "/dev/hd[a-z]*",
    "/dev/vd*",
    "/dev/xvd[a-z]*",
    "/dev/nvme*",
    "/dev/mmcblk*",
    "/dev/mapper/*",
    "/dev/dm-*",
    "/dev/md[0-9]*",
    "/dev/disk*",
    "/dev/disk/*",
    "/dev/rdisk*",
    "/dev/loop*",
    "/dev/mtd*",
    "/dev/vg*",
    "/dev/*vg*/*",
    "/dev/root",
    "/dev/mem",
    "/dev/kmem",
    "/dev/port",
    "/dev/ram*",
    "/dev/zvol/*",
    "/dev/sr0",
    "/dev/r[hsw]d[0-9]*",
    "/dev/ada[0-9]*",
    "/dev/da[0-9]*",
    "/dev/nvd[0-9]*",
    "/dev/wd[0-9]*",
    "/dev/nbd*",
    "/dev/rbd*",
    "/dev/dasd*",
    "/dev/pmem*",
    "/dev/bcache*",
    "/dev/drbd*",
    "/dev/zd[0-9]*",
    "/dev/dsk/*",
    "/dev/rdsk/*",
    "/dev/sg[0-9]*",
    "\\\\.\\physicaldrive*",
)
_is_device = any_of(_DEVICES)
_TEMP = tuple(
    """
    /tmp/ /var/tmp/ /dev/shm/ /run/user/ /var/cache/ /var/lib/apt/lists /private/tmp/ /var/folders/
""".split()
)
_EVERYTHING = ("*", ".", ".*", "*.*", "{*,.*}", "**")


@lru_cache(maxsize=2048)
def normal(path: str, folder: str = ".") -> str:
    """The path made absolute where the folder is known, without `.`, `..` and doubled slashes."""
    if not path.startswith("/") and folder.startswith("/"):
        path = f"{folder}/{path}"
    head, doubled, tail = path.partition("//")
    if doubled and head and ("/" + tail).startswith(head + "/"):  # a listing's paths behind the folder that was listed
        path = "/" + tail
    clean = posixpath.normpath(path) if path else "."
    clean = "/" + clean.lstrip("/") if clean.startswith("//") else clean
    return clean.replace("/private/etc", "/etc").replace("/private/var", "/var") if clean[:9] == "/private/" else clean


def is_device(path: str) -> bool:
    """Whether writing there writes to a disk or to memory, not to a file."""
    clean = normal(path.lower() if path.startswith("\\\\") else path)
    if clean == "/dev/loop-control" or clean.startswith("/dev/loop"):
        return False
    if UNKNOWN in clean and clean.startswith("/dev/"):
        return not clean.startswith(("/dev/tcp", "/dev/udp", "/dev/shm", "/dev/fd", "/dev/pts", "/dev/tty"))  # noqa: S108
    return _is_device(clean)


def is_log(path: str, folder: str = ".") -> bool:
    """Whether it is a log of the system or a shell's history."""
    clean = normal(path, folder)
    if clean.endswith((".gz", ".1", ".2", ".3", ".old", ".xz", ".bz2")) and clean[-1] != "*":
        return False
    if clean in {"/var/log", "/var/run/utmp", "/run/utmp", "/var/adm", "/run/log"} or clean.startswith(
        ("/var/log/", "/var/adm/", "/run/log/journal")
    ):
        return not clean.endswith("*.gz")
    if clean.startswith("/var/lib/docker/containers/") and clean.endswith(".log"):
        return True
    return is_history(clean)


_SYSTEM_LOGS = tuple(
    """
    /var/log/auth.log* /var/log/secure* /var/log/syslog* /var/log/messages* /var/log/?tmp* /var/log/lastlog*
    /var/log/faillog* /var/log/tallylog* /var/log/kern.log* /var/log/cron* /var/log/audit* /var/log/journal*
    /var/log/daemon.log* /var/log/maillog* /var/log/mail.log* /var/log/sudo* /var/log/user.log* /var/log/debug*
    /var/log/boot.log* /var/log/dpkg.log* /var/log/yum.log* /var/log/*/access*log* /var/log/*/error*log*
    /var/lib/docker/containers/*/*.log /run/log/journal* /var/run/utmp /run/utmp /var/adm/* /var/account/*
""".split()
)
_is_system_log = any_of(_SYSTEM_LOGS)


def is_system_log(path: str, folder: str = ".") -> bool:
    """Whether it is a log that only the system itself writes."""
    return _is_system_log(normal(path, folder))


def is_history(path: str) -> bool:
    """Whether it is the history of a shell or of a client."""
    name = posixpath.basename(path)
    return name.startswith(".") and name.endswith(
        ("_history", "_hist", "histfile", ".lesshst", ".viminfo", "fish_history")
    )


def place(path: str, folder: str = ".") -> Place:
    """What a recursive deletion of the path (globs in it standing for all they match) would take."""
    if UNKNOWN in path:
        return _unresolved(path, folder)
    clean = normal(path, folder)
    if clean.startswith("/"):
        return _absolute(clean)
    if clean in _EVERYTHING:
        return Place.HERE if folder in {".", ".."} or folder.startswith("../") or UNKNOWN in folder else Place.ORDINARY
    if clean.startswith("..") and all(piece in {"..", *_EVERYTHING} for piece in clean.split("/")):
        return Place.HERE
    if clean == ".git":
        return Place.HERE
    return Place.ORDINARY


def _unresolved(path: str, folder: str) -> Place:
    if path.strip(UNKNOWN + "/*.\"'") == "":
        rooted = path.startswith("/") and not path.startswith("/" + UNKNOWN)
        return Place.MACHINE if rooted else Place.UNRESOLVED
    head = path.split(UNKNOWN, 1)[0]
    if head.startswith(_TEMP):
        return Place.ORDINARY
    emptied = place(path.replace(UNKNOWN, ""), folder) if path.startswith(UNKNOWN) or head.endswith("/") else None
    if emptied in {Place.MACHINE, Place.HOME, Place.DATA, Place.LOGS, Place.DEVICE}:
        return Place.UNRESOLVED
    return Place.ORDINARY


def _absolute(clean: str) -> Place:  # noqa: PLR0911
    pieces = clean.strip("/").split("/")
    first = pieces[0]
    wild = pieces[-1] in _EVERYTHING
    if clean == "/" or (wild and len(pieces) == 1):
        return Place.MACHINE
    if clean.startswith(_TEMP):
        return Place.ORDINARY
    depth = len(pieces) - wild
    if any(mark in first for mark in "*?[") and any(map(matcher(first), _SYSTEM_ROOTS)):
        return Place.MACHINE
    if is_log(clean):
        return Place.LOGS
    if first in _HOSTS and pieces[1:] and pieces[1] in _SYSTEM_ROOTS:
        return _absolute("/" + "/".join(pieces[1:]))
    if first in {"home", "root", "Users"}:
        return _home(pieces, depth)
    if first == "dev":
        return Place.DEVICE
    if first in _WHOLE:
        return Place.MACHINE
    if depth == 1:
        return _top(first)
    return _INSIDE.get(first, _elsewhere)(clean, pieces, depth)


def _top(first: str) -> Place:
    if first in _SYSTEM_ROOTS:
        return Place.MACHINE
    return Place.DATA if first in _DATA_ROOTS else Place.ORDINARY


def _home(pieces: list[str], _depth: int) -> Place:
    inner = pieces[1:] if pieces[0] == "root" else pieces[2:]
    if not inner or (inner[-1] in _EVERYTHING and len(inner) == 1):
        return Place.HOME
    if inner[0] in _HOME_VITAL and (len(inner) == 1 or inner[1] in _EVERYTHING or inner[0] in {".ssh", ".gnupg"}):
        return Place.HOME
    return Place.ORDINARY


def _etc(clean: str, pieces: list[str], _depth: int) -> Place:
    return Place.MACHINE if clean in _VITAL_FILES or pieces[1] in {"ssl", "ssh", "pam.d"} else Place.NEAR_SYSTEM


def _usr(_clean: str, pieces: list[str], depth: int) -> Place:
    if pieces[1] == "local":
        whole = depth == 2 or (depth == 3 and pieces[2] in _USR_OWN)  # noqa: PLR2004
        return Place.MACHINE if whole else Place.ORDINARY
    if (depth == 2 and pieces[1] in _USR_OWN) or pieces[1] in {"bin", "sbin"}:  # noqa: PLR2004
        return Place.MACHINE
    return Place.NEAR_SYSTEM


def _var(_clean: str, pieces: list[str], depth: int) -> Place:
    if _holds_data(pieces):
        return Place.DATA
    if pieces[1] == "lib":
        if depth == 2:  # noqa: PLR2004
            return Place.MACHINE
        return Place.DATA if pieces[2] in _SERVICES else Place.NEAR_SYSTEM if depth == 3 else Place.ORDINARY  # noqa: PLR2004
    if pieces[1] in {"www", "spool", "mail", "backups", "backup", "opt", "db"} and depth <= 3:  # noqa: PLR2004
        return Place.DATA
    return Place.MACHINE if depth == 1 else Place.ORDINARY


def _holds_data(pieces: list[str]) -> bool:
    named = pieces[-1 if pieces[-1] not in _EVERYTHING else -2]
    return named in _DATA_ROOTS or named in {"prod", "production"}


def _elsewhere(_clean: str, pieces: list[str], depth: int) -> Place:
    if _holds_data(pieces):
        return Place.DATA
    if pieces[0] in {"System", "Library", "Volumes"} and depth <= 2:  # noqa: PLR2004
        return Place.MACHINE
    return Place.ORDINARY


_INSIDE = {"etc": _etc, "usr": _usr, "var": _var}


def is_system_file(path: str, folder: str = ".") -> bool:
    """Whether overwriting this one file harms the machine."""
    clean = normal(path, folder)
    if clean in _VITAL_FILES or clean.startswith(("/boot/", "/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/", "/lib/")):
        return True
    return clean.startswith(("/proc/sysrq", "/sys/firmware")) or clean == HOME + "/.ssh/authorized_keys"
