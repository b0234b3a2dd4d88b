"""The machine's running, its records and its guards: exhaustion, covered tracks, disabled security."""

# ruff: noqa: ARG001 (one signature for all of a table)

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from .model import UNKNOWN, Call, Hit, Label, block, review
from .targets import is_history, is_log, normal

_GUARDS = [
    "auditd",
    "rsyslog",
    "syslog",
    "syslog-ng",
    "systemd-journald",
    "journald",
    "apparmor",
    "selinux",
    "firewalld",
    "ufw",
    "iptables",
    "ip6tables",
    "nftables",
    "fail2ban",
    "clamav",
    "clamav-daemon",
    "clamd",
    "freshclam",
    "falco",
    "ossec",
    "wazuh",
    "wazuh-agent",
    "crowdsec",
    "sysmon",
    "osquery",
    "osqueryd",
    "crowdstrike",
    "falcon-sensor",
    "mdatp",
    "auditbeat",
    "filebeat",
    "aide",
    "tripwire",
    "rkhunter",
    "snort",
    "suricata",
    "usbguard",
    "sentinelone",
    "cbdaemon",
    "ds_agent",
    "datadog-agent",
    "node_exporter",
    "windefend",
    "mpssvc",
    "splunk",
    "splunkd",
    "samhain",
    "sssd-kcm",
    "esets",
    "systemd-journald.socket",
    "csfalcon",
    "xagt",
    "sophos",
    "sav-protect",
    "chkrootkit",
    "maldet",
    "unattended-upgrades",
]
_STOPS = frozenset({"stop", "disable", "mask", "kill"})
_DOWN = frozenset({"poweroff", "reboot", "halt", "kexec", "suspend", "hibernate", "rescue", "emergency", "soft-reboot"})


def _is_guard(name: str) -> bool:
    return name.lower().removesuffix(".service").removesuffix(".socket") in _GUARDS


def _services(call: Call) -> Iterator[Hit]:
    operands = [text for text in call.operands if text != UNKNOWN]
    verb = operands[0] if operands else ""
    if (verb in _DOWN and call.name == "systemctl") or (
        verb in {"isolate", "default", "set-default"}
        and any("rescue" in o or "emergency" in o or "poweroff" in o or "reboot" in o or "halt" in o for o in operands)
    ):
        yield block("exhaust", "takes the machine down")
    elif any(word in _STOPS for word in operands) and any(_is_guard(name) for name in operands):
        logs = any("syslog" in name or "journal" in name for name in operands)
        yield block("cover_tracks" if logs else "disable_security", "stops a service that guards the machine")
    elif verb in _STOPS and any(
        name.split(".")[0]
        in {"sshd", "ssh", "networking", "network", "networkmanager", "NetworkManager", "systemd-networkd", "dbus"}
        for name in operands
    ):
        yield review("exhaust", "stops what the machine is reached by")


def _down(call: Call) -> Iterator[Hit]:
    if not call.has("c", "-k", "--help", "--show", "-w", "--wtmp-only"):
        yield block("exhaust", "takes the machine down")


def _init(call: Call) -> Iterator[Hit]:
    if call.operands[:1] and call.operands[0] in {"0", "6", "1", "s", "S"}:
        yield block("exhaust", "takes the machine down")


def _kill(call: Call) -> Iterator[Hit]:
    targets = [text for text in call.argv[1:] if text in {"-1", "1", "0", "--1"}] if len(call.args) > 1 else []
    listing = call.has("lL", "--list")
    soft = any(text in {"-0", "-HUP", "-SIGHUP", "-USR1", "-SIGUSR1", "-USR2", "-WINCH"} for text in call.argv)
    if not listing and not soft and any(text in {"-1", "1"} for text in targets):
        yield block("exhaust", "ends every process")
    for arg in call.args:
        if Label.PROCESSES in arg.data.labels and not arg.data.labels & {Label.REMOTE} and not _narrowed(arg.data.text):
            yield block("exhaust", "ends every process")
            return


def _narrowed(text: str) -> bool:
    return UNKNOWN not in text


def _kill_by_name(call: Call) -> Iterator[Hit]:
    operands = call.operands
    if call.name == "killall5" or any(name in {".", ".*", "*", "", "^"} for name in operands):
        yield block("exhaust", "ends every process")
    elif (call.option("-u", "-U", "--user", "--euid") in {"root", "0", "user", "1000"}) and len(operands) <= 1:
        yield block("exhaust", "ends every process of the administrator")
    elif any(_is_guard(name) for name in operands) and not call.has("0", "-HUP"):
        logs = any("syslog" in name or "journal" in name for name in operands)
        yield block("cover_tracks" if logs else "disable_security", "ends a program that guards the machine")
    elif any(name in {"systemd", "init", "sshd"} for name in operands) and not any(
        text in {"-HUP", "-1"} for text in call.argv
    ):
        yield block("exhaust", "ends what the machine is run or reached by")


def _endless_output(call: Call) -> Iterator[Hit]:
    """An endless source written into a file, or a loop without an end that writes."""
    targets = [made.path for made in call.outputs if not made.path.startswith("/dev/")]
    if not targets:
        return
    sources = [*call.operands, *call.inputs]
    if call.name == "yes" or (
        call.name in {"cat", "pv", "dd", ""} and any(s in {"/dev/zero", "/dev/urandom", "/dev/random"} for s in sources)
    ):
        yield block("exhaust", "fills the disk")


def _endless_reader(call: Call) -> Iterator[Hit]:
    if any(path in {"/dev/zero"} for path in [*call.operands, *call.inputs]) and not call.has("cn"):
        yield block("exhaust", "fills the memory")


def _fallocate(call: Call) -> Iterator[Hit]:
    size = (call.option("-l", "--length", "-s", "--size") or "").upper()
    digits = "".join(char for char in size if char.isdigit())
    if "T" in size or "P" in size or ("G" in size and len(digits) > 2):  # noqa: PLR2004
        yield block("exhaust", "fills the disk")


def _stress(call: Call) -> Iterator[Hit]:
    time = call.option("-t", "--timeout")
    if time in {None, "0"} or any(text in {"100%", "95%", "90%", "99%"} for text in call.argv):
        yield block("exhaust", "uses up the machine")


def _sysrq(call: Call) -> Iterator[Hit]:
    paths = [made.path for made in call.outputs] + (call.operands if call.name == "tee" else [])
    for path in map(normal, paths):
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
        elif path == "/sys/power/state":
            yield block("exhaust", "takes the machine down")


# Covered tracks.


def _history(call: Call) -> Iterator[Hit]:
    if call.has("cd") or "clear" in call.operands or "delete" in call.operands:
        yield block("cover_tracks", "wipes the shell's history")


def _fc(call: Call) -> Iterator[Hit]:
    if call.has("pW"):
        yield review("cover_tracks", "sets the shell's history aside")


def _unset(call: Call) -> Iterator[Hit]:
    if any(name in {"HISTFILE", "HISTSIZE", "HISTFILESIZE", "SAVEHIST", "PROMPT_COMMAND"} for name in call.operands):
        yield block("cover_tracks", "switches the shell's history off")


def _set(call: Call) -> Iterator[Hit]:
    if "history" in call.operands and "+o" in call.argv:
        yield block("cover_tracks", "switches the shell's history off")


def _shopt(call: Call) -> Iterator[Hit]:
    if "histappend" in call.operands and call.has("u"):
        yield review("cover_tracks", "alters how the shell keeps its history")


def _assigned(call: Call) -> Iterator[Hit]:
    """`NAME=value` in all its forms."""
    for text in call.argv:
        name, equals, held = text.partition("=")
        if not equals:
            continue
        off = held.strip("'\" ") in {"", "0", "/dev/null"}
        if name in {"HISTFILE", "HISTSIZE", "HISTFILESIZE", "SAVEHIST"} and off:
            yield block("cover_tracks", "switches the shell's history off")
        elif name == "HISTCONTROL" and call.name == "export" and held == "ignorespace:erasedups":
            yield review("cover_tracks", "alters how the shell keeps its history")
        elif name == "LD_PRELOAD" and held and held.startswith(("/tmp", "/dev/shm", "/var/tmp", ".")):  # noqa: S108 (a pattern)
            yield block("persist", "loads foreign code into every program")
        elif (
            name in {"NODE_TLS_REJECT_UNAUTHORIZED", "PYTHONHTTPSVERIFY", "GIT_SSL_NO_VERIFY"}
            and call.name == "export"
            and held in {"0", "1", "true"}
        ):
            yield block("disable_security", "switches certificate checks off")


def _journalctl(call: Call) -> Iterator[Hit]:
    for text in call.argv:
        name, _, held = text.partition("=")
        if name.startswith("--vacuum"):
            held = held or (call.option(name) or "")
            if (
                held.rstrip("smhKMB ").isdigit()
                and not held.endswith(("weeks", "d", "G"))
                and not (held.endswith("M") and len(held) > 2)  # noqa: PLR2004
            ):
                yield block("cover_tracks", "empties the journal")


def _dmesg(call: Call) -> Iterator[Hit]:
    if call.has("Cc", "--clear", "--read-clear"):
        yield block("cover_tracks", "clears the kernel's messages")


def _auditctl(call: Call) -> Iterator[Hit]:
    if call.has("D"):
        yield block("cover_tracks", "deletes the audit's rules")
    if call.option("-e") == "0":
        yield block("disable_security", "switches the audit off")


def _touch(call: Call) -> Iterator[Hit]:
    if call.has("r", "--reference") and len(call.operands) > 1:
        _reference, *targets = call.operands
        if any(normal(path).startswith(("/bin", "/usr", "/etc", "/lib", "/var/log")) for path in targets):
            yield block("cover_tracks", "forges a file's times")
    elif (call.has("td", "--date")) and any(
        normal(p).startswith(("/var/log", "/bin", "/usr/bin", "/etc")) for p in call.operands
    ):
        yield block("cover_tracks", "forges a file's times")


def _log_editors(call: Call) -> Iterator[Hit]:
    if any(is_log(made.path) or is_history(made.path) for made in call.outputs):
        yield block("cover_tracks", "rewrites a log")


def _logrotate(call: Call) -> Iterator[Hit]:
    if call.has("f", "--force"):
        yield review("cover_tracks", "turns the logs over by force")


# Disabled security.


def _iptables(call: Call) -> Iterator[Hit]:
    flushes = call.has("FX", "--flush", "--delete-chain") and not call.has("LS", "--list")
    opens = any(text in {"-P", "--policy"} for text in call.argv) and "ACCEPT" in call.argv
    if flushes or opens:
        yield block("disable_security", "opens the firewall")


def _nft(call: Call) -> Iterator[Hit]:
    text = " ".join(call.operands)
    if text.startswith(("flush ruleset", "flush table", "delete table", "flush chain")):
        yield block("disable_security", "opens the firewall")


def _verbs(family: str, what: str, *verbs: str) -> Callable[[Call], Iterator[Hit]]:
    """A program that is a hazard with one of these operands; with none named, always."""

    def rule(call: Call) -> Iterator[Hit]:
        words = {text.lower() for text in call.argv}
        if not verbs or words & set(verbs):
            yield block(family, what)

    return rule


def _packages(call: Call) -> Iterator[Hit]:
    words = call.operands
    if any(
        w in {"remove", "purge", "erase", "uninstall", "autoremove", "del", "-R", "-Rns"} for w in words
    ) or call.has("eR"):
        if call.has("s", "--dry-run", "--simulate"):
            return
        if any(_is_guard(name) for name in words):
            yield block("disable_security", "removes a program that guards the machine")


def _sysctl(call: Call) -> Iterator[Hit]:
    risky = (
        "kernel.yama.ptrace_scope=0",
        "kernel.randomize_va_space=0",
        "kernel.kptr_restrict=0",
        "kernel.dmesg_restrict=0",
        "fs.protected_",
        "kernel.unprivileged_bpf_disabled=0",
        "kernel.modules_disabled=0",
        "kernel.sysrq=1",
        "net.ipv4.tcp_syncookies=0",
        "kernel.core_pattern=",
    )
    for text in call.argv:
        squeezed = text.replace(" ", "")
        if squeezed.startswith(risky) and (not squeezed.startswith("fs.protected_") or squeezed.endswith("=0")):
            yield block(
                "escape" if "core_pattern" in text else "disable_security", "switches a guard of the kernel off"
            )


def _trust(call: Call) -> Iterator[Hit]:
    yield review("disable_security", "changes whom the system trusts")


def _git_config(call: Call) -> Iterator[Hit]:
    words = [text.lower() for text in call.operands]
    if "config" in words and "http.sslverify" in words and ("false" in words or "0" in words):
        yield block("disable_security", "switches certificate checks off")


def _npm_config(call: Call) -> Iterator[Hit]:
    text = " ".join(call.operands).replace("=", " ").lower()
    if "strict-ssl false" in text and ("set" in text or "config" in text):
        yield block("disable_security", "switches certificate checks off")


RULES: Mapping[str, Callable[[Call], Iterable[Hit]]] = {
    "systemctl": _services,
    "service": _services,
    "rc-service": _services,
    "chkconfig": _services,
    "launchctl": _services,
    "sc": _services,
    "shutdown": _down,
    "poweroff": _down,
    "reboot": _down,
    "halt": _down,
    "init": _init,
    "telinit": _init,
    "kill": _kill,
    "killall": _kill_by_name,
    "pkill": _kill_by_name,
    "skill": _kill_by_name,
    "killall5": _kill_by_name,
    "tail": _endless_reader,
    "sort": _endless_reader,
    "fallocate": _fallocate,
    "truncate": _fallocate,
    "stress": _stress,
    "stress-ng": _stress,
    "swapoff": _verbs("exhaust", "switches swapping off", "-a", "--all"),
    "history": _history,
    "fc": _fc,
    "unset": _unset,
    "set": _set,
    "shopt": _shopt,
    "=": _assigned,
    "export": _assigned,
    "declare": _assigned,
    "typeset": _assigned,
    "readonly": _assigned,
    "local": _assigned,
    "journalctl": _journalctl,
    "dmesg": _dmesg,
    "auditctl": _auditctl,
    "touch": _touch,
    "utmpdump": _log_editors,
    "logrotate": _logrotate,
    "iptables": _iptables,
    "ip6tables": _iptables,
    "iptables-legacy": _iptables,
    "nft": _nft,
    "ufw": _verbs("disable_security", "opens the firewall", "disable", "reset"),
    "pfctl": _verbs("disable_security", "opens the firewall", "-d", "-f"),
    "firewall-cmd": _verbs("disable_security", "opens the firewall", "--panic-off", "--set-default-zone=trusted"),
    "setenforce": _verbs("disable_security", "switches SELinux off", "0", "permissive"),
    "semanage": _verbs("disable_security", "takes a domain out of SELinux", "permissive"),
    "aa-teardown": _verbs("disable_security", "takes AppArmor down"),
    "aa-disable": _verbs("disable_security", "switches a profile off"),
    "aa-complain": _verbs("disable_security", "switches a profile off"),
    "apparmor_parser": _verbs("disable_security", "removes a profile", "-r", "-R", "--remove"),
    "csrutil": _verbs("disable_security", "switches the system's protection off", "disable"),
    "spctl": _verbs("disable_security", "switches the system's protection off", "--master-disable", "--global-disable"),
    "mokutil": _verbs("disable_security", "switches secure boot off", "--disable-validation"),
    "update-ca-certificates": _trust,
    "update-ca-trust": _trust,
    "trust": lambda call: _trust(call) if "anchor" in call.operands else (),
    "git": _git_config,
    "npm": _npm_config,
    "yarn": _npm_config,
    "pnpm": _npm_config,
    "apt": _packages,
    "apt-get": _packages,
    "dnf": _packages,
    "yum": _packages,
    "apk": _packages,
    "pacman": _packages,
    "rpm": _packages,
    "dpkg": _packages,
    "zypper": _packages,
    "brew": _packages,
    "snap": _packages,
    "sysctl": _sysctl,
}
ALWAYS: tuple[Callable[[Call], Iterable[Hit]], ...] = (_endless_output, _sysrq)
