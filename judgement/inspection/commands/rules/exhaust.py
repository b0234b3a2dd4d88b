"""The machine used up or taken down: endless sources, sizes, processes ended, shutdowns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from ..guards import is_guard, is_recorder, names_guard
from ..model import UNKNOWN, Call, Hit, Label, block, review
from ..sources import ENDLESS_DEVICES
from ..targets import Place, normal, place
from .written import on_machine


def _down(call: Call) -> Iterator[Hit]:
    if not call.has("c", "-k", "--help", "--show", "-w", "--wtmp-only"):
        yield block("exhaust", "takes the machine down")


def _init(call: Call) -> Iterator[Hit]:
    if call.operands[:1] and call.operands[0] in {"0", "6", "1", "s", "S"}:
        yield block("exhaust", "takes the machine down")


_ALL_PROCESSES = frozenset({"-1", "1", "0", "--1"})
_SOFT = frozenset({"-0", "-HUP", "-SIGHUP", "-USR1", "-SIGUSR1", "-USR2", "-WINCH", "-CONT", "-18"})
_VITAL_PROCESSES = frozenset("systemd init sshd launchd dbus-daemon containerd dockerd kubelet NetworkManager".split())


def _kill(call: Call) -> Iterator[Hit]:
    if any(text in {"-l", "-L", "--list", "--table"} or text in _SOFT for text in call.argv):
        return
    given = [text for text in call.argv if text not in {"--", "-s", "-n"}]
    if len(given) > 1 and any(text in {"-1", "1", "--1"} for text in given[1:]):
        yield block("exhaust", "ends every process")
    elif "$$" in given or "$PPID" in given:
        yield block("cover_tracks", "ends the shell before it keeps its history")
    labels = frozenset(label for arg in call.args for label in arg.data.labels)
    if Label.GUARD in labels:
        yield block("disable_security", "ends a program that guards the machine")
    elif any(Label.PROCESSES in arg.data.labels and Label.REMOTE not in arg.data.labels for arg in call.args) or any(
        text.startswith(("/proc/", "[0-9]")) for text in given
    ):
        yield block("exhaust", "ends every process")


def _kill_by_name(call: Call) -> Iterator[Hit]:
    operands = [text.strip("^$()") for text in call.operands]
    gentle = call.has("0", "-HUP", "-USR1", "--list-name") or call.argv[:1] in (["-l"], ["-lf"])
    if (
        call.name == "killall5"
        or any(name in {".", ".*", "*", "", ".+", "[a-z]", "-1"} for name in operands)
        or (call.name == "killall" and "-1" in call.argv[1:])
        or any(Label.PROCESSES in arg.data.labels for arg in call.args)
    ):
        yield block("exhaust", "ends every process")
    elif call.has("", "-v", "--inverse") or (call.name == "skill" and not operands):
        yield block("exhaust", "ends every process but some")
    elif call.option("-u", "-U", "--user", "--euid", "-G", "-t", "-s", "-g") is not None and len(operands) <= 1:
        yield block("exhaust", "ends every process of a user or a session")
    elif any(is_guard(name) or ("|" in name and names_guard(name)) for name in operands) and not gentle:
        recorder = any(is_recorder(name) for name in operands)
        yield block("cover_tracks" if recorder else "disable_security", "ends a program that guards the machine")
    elif any(name in _VITAL_PROCESSES for name in operands) and not gentle and "-1" not in call.argv:
        yield block("exhaust", "ends what the machine is run or reached by")


def _fuser(call: Call) -> Iterator[Hit]:
    kills = call.has("k", "--kill")
    if kills and any(place(path, call.folder) in {Place.MACHINE, Place.HOME, Place.DATA} for path in call.operands):
        yield block("exhaust", "ends every process that uses a part of the system")


# Endless sources and great sizes.

_ENDLESS_READERS = frozenset("tail sort tac grep egrep shuf python3 perl awk md5sum sha256sum vim less wc xxd".split())
_GREAT = 50 * 10**9
_UNITS = {"K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15, "E": 10**18}


def size_bytes(text: str) -> int:
    """A size as programs take it: `10G`, `1TiB`, `900000`; 0 where it isn't one."""
    text = text.strip().upper().removesuffix("B").removesuffix("I")
    unit = _UNITS.get(text[-1:], 1)
    digits = text.rstrip("KMGTPE")
    return int(digits) * unit if digits.isdigit() and len(digits) < 16 else 0  # noqa: PLR2004 (no disk is greater)


def _bounded(call: Call) -> bool:
    return "timeout" in call.wrappers or "gtimeout" in call.wrappers


def _endless(call: Call) -> Iterator[Hit]:
    """What never ends, written into a file, kept in memory or made for nothing."""
    if _bounded(call):
        return
    endless = any(Label.ENDLESS in made.data.labels for made in call.outputs)
    targets = [made.path for made in call.outputs]
    if (call.name in {"tee", "split", "sponge", "csplit"} and Label.ENDLESS in call.stdin.labels) or (
        endless and any(not path.startswith("/dev/") or path.startswith("/dev/shm") for path in targets)  # noqa: S108 (a pattern)
    ):
        yield block("exhaust", "fills the disk")
    elif endless and call.name in {"yes", "cat", "dd", "bzip2", "gzip", "xz", "md5sum", "sha256sum"} and targets:
        yield review("exhaust", "is busy without an end and does nothing")
    elif call.name in _ENDLESS_READERS:
        read = [path for path in [*call.operands, *call.inputs] if path in {"/dev/zero", "/dev/urandom", "/dev/random"}]
        counted = call.name != "tail" and call.has("cnmN", "--max-count", "--bytes", "--lines")
        if (read or Label.ENDLESS in call.stdin.labels) and not counted:
            yield block("exhaust", "fills the memory")


def _great_size(call: Call) -> Iterator[Hit]:
    """fallocate, truncate, mkfile, head, openssl rand: a size that no disk has."""
    if call.name in {"truncate", "fallocate"}:
        sizes = call.options("-l", "--length", "-s", "--size")
    elif call.name == "head":
        sizes = call.options("-c", "--bytes") if call.outputs or not call.stdin.known or call.inputs else []
        endless = Label.ENDLESS in call.stdin.labels or not ENDLESS_DEVICES.isdisjoint(call.operands)
        sizes += call.options("-c", "--bytes") if endless else []
    else:
        sizes = [arg.data for arg in call.args]
    if any(size_bytes(data.text) >= _GREAT for data in sizes) or (
        call.name == "fallocate" and any("%" in data.text or UNKNOWN in data.text for data in sizes)
    ):
        yield block("exhaust", "fills the disk")


def _dd(call: Call) -> Iterator[Hit]:
    values = dict(text.partition("=")[::2] for text in call.argv if "=" in text)
    if values.get("if") not in {"/dev/zero", "/dev/urandom", "/dev/random", "/dev/full"}:
        return
    target = values.get("of", "")
    total = size_bytes(values.get("bs", "512")) * size_bytes(values.get("count", "0"))
    if "count" not in values and target and not _bounded(call):
        yield (
            block("exhaust", "fills the disk") if target != "/dev/null" else review("exhaust", "is busy without an end")
        )
    elif total >= _GREAT and target != "/dev/null":
        yield block("exhaust", "fills the disk")


def _fan(call: Call) -> Iterator[Hit]:
    """Xargs and parallel: as many programs at once as there are lines."""
    at_once = call.option("-P", "--max-procs", "-j", "--jobs") or ("1" if call.name == "xargs" else "4")
    many = Label.MANY in call.stdin.labels or Label.ENDLESS in call.stdin.labels
    if many and (at_once == "0" or (at_once.isdigit() and int(at_once[:9]) >= 500)):  # noqa: PLR2004 (more than cores)
        yield block("exhaust", "starts more processes than a machine stands")
    elif Label.ENDLESS in call.stdin.labels:
        yield review("exhaust", "starts processes without an end")


_LOADS = {"siege": 1000, "wrk": 10_000, "wrk2": 10_000, "bombardier": 10_000, "hey": 10_000, "vegeta": 10_000}
"""Load generators, and from how many connections at once they are an attack."""


def _load(call: Call) -> Iterator[Hit]:
    at_once = call.option("-c", "--connections", "--concurrent") or ""
    if at_once.isdigit() and int(at_once[:9]) >= _LOADS[call.name]:
        yield review("exhaust", "floods a network")


def _traffic(call: Call) -> Iterator[Hit]:
    if call.has("f", "--flood", "--faster", "-flood") or (
        call.name == "ab" and (call.option("-n") or "").isdigit() and len(call.option("-n") or "") > 6  # noqa: PLR2004 (millions)
    ):
        yield review("exhaust", "floods a network")


def _network_down(call: Call) -> Iterator[Hit]:
    words = call.operands
    if call.name == "tc" and ({"netem"} <= set(words) and any(word.startswith("100%") for word in words)):
        yield block("exhaust", "cuts the machine off")
    elif (
        call.name in {"ip", "ifconfig", "nmcli", "networksetup"}
        and words[-1:] in (["down"], ["off"])
        and "lo" not in words
    ) or (
        call.name == "ip"
        and {"route", "addr"} & set(words)
        and {"flush", "del"} & set(words)
        and {"default", "all", "flush"} & set(words)
    ):
        yield review("exhaust", "cuts the machine off")


def _swapoff(call: Call) -> Iterator[Hit]:
    if call.has("a", "--all") or call.operands:
        yield block("exhaust", "switches swapping off")


def _watch(call: Call) -> Iterator[Hit]:
    if any(text.rstrip("'\" ").endswith("&") for text in call.argv):
        yield block("exhaust", "starts processes again and again")
    said = " ".join(call.argv)
    anew = any(mark in said for mark in ("$RANDOM", "$(date", "mktemp", ">>", "$$", "uuidgen"))
    if anew and any(mark in said for mark in ("dd ", "head -c", "fallocate", "cp ", "truncate -s", "yes ", "urandom")):
        yield review("exhaust", "fills the disk bit by bit")


def _power_off(call: Call) -> Iterator[Hit]:
    """Login managers, buses and management controllers that take a machine down."""
    spoken = " ".join(call.argv).lower()
    words = {word.lower() for word in call.operands}
    if call.name in frozenset(
        """
        loginctl ipmitool racadm rtcwake pm-hibernate pm-suspend busctl dbus-send gdbus qdbus
    """.split()
    ) and (
        words
        & frozenset(
            """
            poweroff reboot halt off cycle reset soft terminate-seat kill-user terminate-user
        """.split()
        )
        or any(mark in spoken for mark in ("manager.poweroff", "manager.reboot", "manager.halt", "-m off", "-m disk"))
    ):
        yield block("exhaust", "takes the machine down")


def _kernel_limits(call: Call) -> Iterator[Hit]:
    for text in call.argv:
        name, _, held = text.replace(" ", "").partition("=")
        low = held.isdigit() and int(held[:12]) < 1000  # noqa: PLR2004 (a machine has more processes and files)
        if (
            name in {"kernel.pid_max", "kernel.threads-max", "fs.file-max", "fs.nr_open", "user.max_user_namespaces"}
            and low
        ) or (name == "kernel.panic" and held == "1"):
            yield review("exhaust", "takes from the kernel what the machine needs")


def _stress(call: Call) -> Iterator[Hit]:
    time = call.option("-t", "--timeout")
    if time in {None, "0"} or any(text in {"100%", "95%", "90%", "99%"} for text in call.argv):
        yield block("exhaust", "uses up the machine")


_MINERS = ("xmrig", "minerd", "cpuminer", "ethminer", "nbminer", "lolminer", "phoenixminer", "xmr-stak", "cgminer")


def _miner(call: Call) -> Iterator[Hit]:
    """Programs that work for somebody else, by their names or by the protocol of their pools."""
    images = call.operands[1:] if call.name in {"docker", "podman", "nerdctl"} and "run" in call.operands[:2] else []
    named = any(miner in text.lower() for miner in _MINERS for text in [call.name, *images])
    pools = call.options("-o", "--url", "-P", "--pool", "-a", "--server")
    if named or any(data.text.startswith("stratum") for data in pools):
        yield block("exhaust", "has the machine work for somebody else")


def _shell_without_end(call: Call) -> Iterator[Hit]:
    """A shell that is fed with commands without an end, and a job that pipes into itself."""
    fed = Label.ENDLESS in call.stdin.labels and call.stdin.text not in {"y", "n", ""} and not call.operands
    if (fed and call.name in {"sh", "bash", "zsh", "dash", "ksh"}) or call.name == "%0":
        yield block("exhaust", "starts processes without an end")


def _sysrq(call: Call) -> Iterator[Hit]:
    paths = [made.path for made in call.outputs] + (call.operands if call.name == "tee" else [])
    for path in (on_machine(normal(path)) for path in paths):
        if path.startswith("/proc/sysrq"):
            yield block("exhaust", "orders the kernel down")
        elif path in {
            "/sys/fs/selinux/enforce",
            "/proc/sys/kernel/randomize_va_space",
            "/selinux/enforce",
            "/proc/sys/kernel/yama/ptrace_scope",
            "/proc/sys/kernel/kptr_restrict",
            "/sys/module/apparmor/parameters/enabled",
        }:
            yield block("disable_security", "switches a guard of the kernel off")
        elif path.startswith("/sys/block/") and path.endswith("/delete"):
            yield block("destroy_device", "takes a disk away from under what uses it")
        elif path == "/sys/power/state":
            yield block("exhaust", "takes the machine down")


RULES: Mapping[str, Callable[[Call], Iterable[Hit]]] = {
    **dict.fromkeys(("shutdown", "poweroff", "reboot", "halt"), _down),
    **dict.fromkeys(("init", "telinit"), _init),
    "kill": _kill,
    **dict.fromkeys(("killall", "pkill", "skill", "killall5"), _kill_by_name),
    "fuser": _fuser,
    **dict.fromkeys(("fallocate", "truncate", "mkfile", "head", "openssl", "xfs_mkfile"), _great_size),
    "dd": _dd,
    **dict.fromkeys(("stress", "stress-ng"), _stress),
    **dict.fromkeys(("xargs", "parallel"), _fan),
    **dict.fromkeys(("ping", "hping3", "nping", "ab", "mdk4", "t50"), _traffic),
    **dict.fromkeys(("tc", "ip", "ifconfig", "nmcli", "networksetup"), _network_down),
    "swapoff": _swapoff,
    **dict.fromkeys(_LOADS, _load),
    "watch": _watch,
    **dict.fromkeys(
        ("loginctl", "ipmitool", "racadm", "rtcwake", "pm-hibernate", "busctl", "dbus-send", "gdbus", "qdbus"),
        _power_off,
    ),
    "sysctl": _kernel_limits,
}
ALWAYS: tuple[Callable[[Call], Iterable[Hit]], ...] = (_endless, _miner, _shell_without_end)
WRITING: tuple[Callable[[Call], Iterable[Hit]], ...] = (_sysrq,)
