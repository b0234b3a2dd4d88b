"""Guards switched off: firewalls, mandatory access control, audits, virus scanners, certificate checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from ..guards import is_guard, is_recorder, names_guard
from ..model import HOME, UNKNOWN, Call, Hit, Label, block, review
from .written import written_paths

_STOPS = frozenset({"stop", "disable", "mask", "kill"})
_DOWN = frozenset({"poweroff", "reboot", "halt", "kexec", "suspend", "hibernate", "rescue", "emergency", "soft-reboot"})


def _services(call: Call) -> Iterator[Hit]:
    operands = [text for text in call.operands if text != UNKNOWN]
    verb = operands[0] if operands else ""
    if (verb in _DOWN and call.name == "systemctl") or (
        verb in {"start", "isolate", "default", "set-default"}
        and any("rescue" in o or "emergency" in o or "poweroff" in o or "reboot" in o or "halt" in o for o in operands)
    ):
        yield block("exhaust", "takes the machine down")
    elif verb in _STOPS and any(Label.GUARD in arg.data.labels for arg in call.args):
        yield block("disable_security", "stops services that guard the machine")
    elif any(word in _STOPS for word in operands) and any(is_guard(name) for name in operands):
        logs = any(is_recorder(name) for name in operands)
        yield block("cover_tracks" if logs else "disable_security", "stops a service that guards the machine")
    elif verb in _STOPS and any(
        name.split(".")[0]
        in {"sshd", "ssh", "networking", "network", "networkmanager", "NetworkManager", "systemd-networkd", "dbus"}
        for name in operands
    ):
        yield review("exhaust", "stops what the machine is reached by")


def _iptables(call: Call) -> Iterator[Hit]:
    flushes = call.has("FX", "--flush", "--delete-chain") and not call.has("LS", "--list")
    opens = any(text in {"-P", "--policy"} for text in call.argv) and "ACCEPT" in call.argv
    if flushes or opens or _for_all(call, "ACCEPT", "INPUT"):
        yield block("disable_security", "opens the firewall")
    elif _for_all(call, "DROP", "OUTPUT", "INPUT"):
        yield review("exhaust", "cuts the machine off")


def _for_all(call: Call, verdict: str, *chains: str) -> bool:
    """Whether a rule gives this verdict over everything, from wherever it comes."""
    if call.option("-j", "--jump") != verdict or call.option("-A", "-I", "--append", "--insert") not in chains:
        return False
    return not call.has("", "-p", "-s", "-i", "-o", "-m", "-d", "--source", "--in-interface", "--dport", "--match")


def _bridges(call: Call) -> Iterator[Hit]:
    if call.has("FX", "--flush"):
        yield block("disable_security", "opens the firewall")


def _ufw(call: Call) -> Iterator[Hit]:
    words = [text.lower() for text in call.operands]
    if {"disable", "reset"} & set(words) or words in (
        ["allow", "from", "any"],
        ["allow", "from", "any", "to", "any"],
        ["default", "allow", "incoming"],
        ["default", "allow"],
    ):
        yield block("disable_security", "opens the firewall")


def _boot_arguments(call: Call) -> Iterator[Hit]:
    held = (call.option("--args") or "").lower()
    if any(
        mark in held for mark in ("selinux=0", "apparmor=0", "mitigations=off", "audit=0", "nokaslr", "enforcing=0")
    ):
        yield block("disable_security", "starts the kernel without its guards")


def _pod_security(call: Call) -> Iterator[Hit]:
    said = "".join(call.operands)
    if "label" in call.operands[:1] and "pod-security.kubernetes.io/enforce=privileged" in said:
        yield block("disable_security", "lets pods have the host's powers")


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


_VITAL_PACKAGES = frozenset(
    """
        libc6 libc-bin glibc musl alpine-base coreutils bash sudo systemd systemd-sysv dpkg rpm apt dnf pacman
        base-files base filesystem util-linux init sysvinit linux kernel kernel-core linux-image-generic
        openssh-server login passwd
    """.split()
)


def _packages(call: Call) -> Iterator[Hit]:
    words = call.operands
    if any(
        w in {"remove", "purge", "erase", "uninstall", "autoremove", "del", "disable", "-R", "-Rns"} for w in words
    ) or call.has("eR"):
        if call.has("s", "--dry-run", "--simulate"):
            return
        if any(is_guard(name) for name in words):
            yield block("disable_security", "removes a program that guards the machine")
        if any(name in _VITAL_PACKAGES or name == "*" for name in words):
            yield block("destroy_files", "removes programs that the machine needs")


def _sysctl(call: Call) -> Iterator[Hit]:
    risky = tuple(
        """
        kernel.yama.ptrace_scope=0 kernel.randomize_va_space=0 kernel.kptr_restrict=0 kernel.dmesg_restrict=0
        fs.protected_ kernel.unprivileged_bpf_disabled=0 kernel.modules_disabled=0 kernel.sysrq=1
        net.ipv4.tcp_syncookies=0 kernel.core_pattern=
    """.split()
    )
    for text in call.argv:
        squeezed = text.replace(" ", "")
        if squeezed.startswith(risky) and (not squeezed.startswith("fs.protected_") or squeezed.endswith("=0")):
            yield block(
                "escape" if "core_pattern" in text else "disable_security", "switches a guard of the kernel off"
            )


def _trust(_call: Call) -> Iterator[Hit]:
    yield review("disable_security", "changes whom the system trusts")


def _git_config(call: Call) -> Iterator[Hit]:
    words = [text.lower() for text in call.operands]
    if "config" in words and "http.sslverify" in words and ("false" in words or "0" in words):
        yield block("disable_security", "switches certificate checks off")


def _npm_config(call: Call) -> Iterator[Hit]:
    text = " ".join(call.operands).replace("=", " ").lower()
    if "strict-ssl false" in text and ("set" in text or "config" in text):
        yield block("disable_security", "switches certificate checks off")


def _filter_loaded(call: Call) -> Iterator[Hit]:
    """A whole filter loaded anew: seen are only those that let everything through."""
    text = call.stdin.text.lower()
    squeezed = " ".join(text.split())
    emptied = call.name.endswith("-restore") and "/dev/null" in [*call.inputs, *call.operands]
    if emptied or (
        call.name == "nft" and any(mark in squeezed for mark in ("flush ruleset", "flush table", "policy accept"))
    ):
        yield block("disable_security", "opens the firewall")
    elif call.name.endswith("-restore") and (not call.stdin.known or "accept [" in squeezed) and not call.inputs:
        yield review("disable_security", "loads a firewall that isn't known")


def _unloaded(call: Call) -> Iterator[Hit]:
    removes = call.name == "rmmod" or call.has("r", "--remove")
    named = any(names_guard(text) for text in call.operands)
    if removes and (named or any(Label.GUARD in arg.data.labels or UNKNOWN in arg.text for arg in call.args)):
        yield block("disable_security", "takes a guard out of the kernel")


_CLIENT_SETTINGS = tuple(
    """
    /etc/wgetrc /etc/curlrc .curlrc .wgetrc /etc/pip.conf .npmrc .yarnrc .yarnrc.yml /etc/gitconfig .gitconfig
    /etc/yum.conf /etc/dnf/dnf.conf /etc/ssh/ssh_config .condarc /etc/ldap/ldap.conf /etc/openldap/ldap.conf pip.conf
    /etc/apt/sources.list .ssh/config /etc/docker/daemon.json registries.conf nginx.conf
""".split()
)
_UNCHECKED = tuple(
    """
    check_certificate=off check-certificate=off insecure sslverify=false sslverify=0 strict-ssl=false strict-ssl:false
    gpgcheck=0 ssl_verify:false tls_reqcertnever tls_reqcertallow enablestrictssl:false trusted-host=
    stricthostkeycheckingno [trusted=yes] insecure-registries verify_ssl=false ssl_verify_clientoff verify=false
""".split()
)


_UNPROTECTED = ("registry=http://", "index-url=http://", "registry:http://")


def _unchecked_clients(call: Call) -> Iterator[Hit]:
    """A program's settings that stop it from checking whom it speaks to."""
    for path, text in written_paths(call):
        squeezed = "".join(text.lower().split()).replace('"', "")
        if path.endswith(_CLIENT_SETTINGS) and any(mark in squeezed for mark in _UNCHECKED):
            yield review("disable_security", "switches certificate checks off")
        elif (
            path.endswith(_CLIENT_SETTINGS) and any(mark in squeezed for mark in _UNPROTECTED) and "//l" not in squeezed
        ):
            yield review("download_execute", "takes packages from an unprotected address")
        elif path.endswith("pg_hba.conf") and ("trust" in squeezed and squeezed.strip()):
            yield review("disable_security", "lets everybody into a database")
        elif path.startswith("/etc/apt/sources.list.d/") and "[trusted=yes]" in squeezed:
            yield review("disable_security", "installs packages without looking at their signatures")


def _guards_client(call: Call) -> Iterator[Hit]:
    words = {text.lower().strip("-") for text in call.argv}
    if words & {"stop", "unban", "disable", "off", "shutdown", "unload", "uninstall", "passive", "pause", "delete-all"}:
        yield block("disable_security", "stops a program that guards the machine")


def _harms_guard(call: Call) -> Iterator[Hit]:
    """A guard's program ended, unloaded, removed, made unusable or replaced, by whatever does it."""
    said = {text.lower() for text in call.argv}
    harms = {
        "chmod": any(text in {"000", "0000", "0"} or (text[:2] in {"-x", "a-"} and "x" in text) for text in call.argv),
        "ln": any(path in {"/bin/true", "/usr/bin/true", "/dev/null", "/bin/false"} for path in call.operands[:1]),
        "mv": True,
        "wmic": bool(said & {"uninstall", "delete", "terminate", "stopservice"}),
        "taskkill": True,
        "rm": (call.has("rR", "--recursive") or any("/bin/" in path for path in call.operands))
        and not any(path.startswith(("./", "node_modules")) for path in call.operands),
        "stop-process": True,
        "dpkg": call.has("rP", "--purge", "--remove"),
        "uninstall-package": True,
    }
    targets = call.operands[:1] if call.name == "mv" else call.operands
    if call.name in {"rm", "mv", "chmod"}:
        targets = [path for path in targets if path.startswith(("/", HOME))]
    if harms.get(call.name) and any(names_guard(text) for text in [*targets, *call.inputs]):
        yield block("disable_security", "takes a program away that guards the machine")


_CLIENTS = (
    "fail2ban-client wazuh-control ossec-control clamdscan mdatp falconctl sentinelctl cscli crowdsec-cli osqueryctl "
    "freshclam aa-remove-unknown santactl fdesetup tamper-protection"
).split()
RULES: Mapping[str, Callable[[Call], Iterable[Hit]]] = {
    **dict.fromkeys(("chmod", "ln", "mv", "rm", "wmic", "taskkill", "stop-process", "uninstall-package"), _harms_guard),
    "systemctl": _services,
    "service": _services,
    "rc-service": _services,
    "chkconfig": _services,
    "launchctl": _services,
    "sc": _services,
    **dict.fromkeys(("iptables-restore", "ip6tables-restore"), _filter_loaded),
    **dict.fromkeys(("rmmod", "modprobe"), _unloaded),
    **dict.fromkeys(_CLIENTS, _guards_client),
    "iptables": _iptables,
    "ip6tables": _iptables,
    "iptables-legacy": _iptables,
    "nft": lambda call: [*_nft(call), *_filter_loaded(call)],
    "ufw": _ufw,
    **dict.fromkeys(("ebtables", "arptables"), _bridges),
    "grubby": _boot_arguments,
    **dict.fromkeys(("kubectl", "oc"), _pod_security),
    "update-crypto-policies": _verbs("disable_security", "allows weak ciphers", "legacy"),
    "pam-auth-update": _verbs("disable_security", "takes a check of logins away", "--remove", "--disable"),
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
    "dpkg": lambda call: [*_packages(call), *_harms_guard(call)],
    "zypper": _packages,
    "brew": _packages,
    "snap": _packages,
    "sysctl": _sysctl,
}
ALWAYS: tuple[Callable[[Call], Iterable[Hit]], ...] = ()
WRITING: tuple[Callable[[Call], Iterable[Hit]], ...] = (_unchecked_clients,)
