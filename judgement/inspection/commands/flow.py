"""What programs write for what they read: echo, decoders and filters are followed, the rest gives unknown text."""

from __future__ import annotations

from collections.abc import Mapping

from .filters import WRITERS, literal
from .guards import names_guard
from .listings import homes, maybe
from .model import UNKNOWN, Call, Data, Label
from .prefixes import git_words
from .secrets import hunts_credentials
from .sources import Files, read_labels

_PASS = frozenset(
    """
        grep egrep fgrep rg sed gsed awk gawk mawk cut sort uniq tr head tail tee gzip gunzip zcat xz unxz bzip2
        bunzip2 zstd unzstd base64 base32 openssl xxd od hexdump jq yq strings fold split pv cat rev iconv
        column paste nl tac perl ruby dd sponge gpg lz4 compress uncompress python3 python node php cpio tar zip
        out-string convertto-json convertto-csv select-object where-object sort-object format-table format-list
        out-file select buffer mbuffer less more sh bash xargs timeout ssh envsubst uudecode rot13 bat lzma
        unlzma brotli comm join
    """.split()
)
_DECODERS = frozenset(
    """
        gunzip zcat unxz bunzip2 unzstd uncompress uudecode gzip xz bzip2 zstd bzcat xzcat openssl gpg unlzma
        brotli
    """.split()
)
FETCHERS = frozenset(
    """
        curl wget fetch aria2c http https xh httpie lynx w3m links nc ncat netcat telnet lwp-request GET ftp
        tftp lftp sftp axel ncftpget
    """.split()
)
_PRIVATE_PRINTERS = frozenset(["printenv", "export", "declare", "typeset", "history"])
_HOST_FACTS = frozenset(
    ["whoami", "id", "hostname", "uname", "ifconfig", "ip", "w", "who", "last", "lsb_release", "sw_vers", "hostnamectl"]
)
_DUMPERS = frozenset(["mysqldump", "pg_dump", "pg_dumpall", "mongodump", "mongoexport", "mariadb-dump", "redis-dump"])
_KNOWN_OUTPUT = {"pwd": ".", "mktemp": "/tmp/made", "nproc": "4", "date": "2020"}  # noqa: S108 (an output, not a path used)


def output(call: Call, files: Files) -> Data:
    """What the call writes, with the labels of what it read.

    Args:
        call: wrappers taken off; its stdin is what the stage before wrote.
        files: contents known from the same text.
    """
    spelled = literal(call) if call.name in {"jq", "yq", "gojq", "jaq"} else None
    if spelled is not None:
        return spelled
    if call.name in WRITERS:
        return WRITERS[call.name](call, files)
    if call.name in _KNOWN_OUTPUT:
        return Data(_KNOWN_OUTPUT[call.name])
    listed = homes(call) if call.name in {"cut", "awk", "gawk"} else maybe(call, files)
    if listed is not None:
        return listed
    if call.name in _ENGINES and any("LogPath" in text for text in call.argv):
        return Data("/var/lib/docker/containers/x/x-json.log")
    labels = _source_labels(call)
    return Data(UNKNOWN, frozenset(_passed(call, files, labels) if call.name in _PASS else labels))


def _passed(call: Call, files: Files, labels: set[Label]) -> set[Label]:
    """The labels of what a filter writes: those of what it reads, less what it lets not through."""
    labels = labels | call.stdin.labels | read_labels(call, files)
    if name_filters(call):
        labels -= {Label.PROCESSES, Label.INSTANCES}
    if call.name in _PATTERNED and call.has("o", "--only-matching") and hunts_credentials(call):
        labels |= {Label.SECRET}
    if call.name in _PATTERNED and any(names_guard(text) for text in call.operands[:1]):
        labels |= {Label.GUARD}
    if _bounds(call):
        labels -= {Label.ENDLESS}
    if call.name in _PATTERNED and any(_ending(text) for text in call.operands[:1]):
        labels -= {Label.WIDE}
    known = call.stdin.known and call.stdin.text.strip() and not call.operands[1:2]
    return labels | {Label.OPAQUE} if known or call.name in _DECODERS else labels


def _ending(pattern: str) -> bool:
    """Whether a pattern lets through only files of one kind, by the end of their names."""
    return "\\." in pattern and pattern.endswith("$")


_PATTERNED = frozenset({"grep", "egrep", "fgrep", "rg", "awk", "gawk", "sed"})


def _bounds(call: Call) -> bool:
    """Whether a program stops by itself although its source never ends."""
    if call.name in {"head", "strings", "split", "tail"}:
        return True
    return call.has("", "-N", "-m", "-n", "-l", "-S") and call.name in {"od", "xxd", "hexdump", "grep", "pv", "sed"}


def name_filters(call: Call) -> bool:
    """Whether a filter lets only some lines through."""
    if call.name == "grep" and call.operands and not any(char.isalpha() for char in call.operands[0]):
        return False
    grep = call.name in {"grep", "egrep", "fgrep", "rg"} and not call.has("v", "--invert-match")
    return (
        grep
        or (call.name in {"awk", "gawk", "sed"} and any("/" in text for text in call.operands[:1]))
        or call.name in {"head", "tail"}
    )


def _source_labels(call: Call) -> set[Label]:
    name, operands = call.name, call.operands
    labels: set[Label] = set()
    if name in FETCHERS or (name in {"dig", "host", "nslookup"} and operands):
        labels.add(Label.REMOTE)
    if _from_elsewhere(call):
        labels.add(Label.REMOTE)
    if name in {"crontab", "ldapsearch", "getent"} and (name != "crontab" or call.has("l")):
        labels.add(Label.PRIVATE)
    if name in _PRIVATE_PRINTERS and (name in {"history", "export"} or not operands):
        labels.add(Label.PRIVATE)
    if (name == "env" and not operands) or (name == "set" and not call.args):
        labels.add(Label.PRIVATE)
    if name in _HOST_FACTS:
        labels.add(Label.HOST)
    if name in _DUMPERS:
        labels |= {Label.DUMP, Label.EVERYTHING} if _dumps_all(call) else {Label.DUMP}
    if name == "git" and _whole_history(call):
        labels.add(Label.DUMP)
    if name in _SNIFFERS:
        labels.add(Label.PRIVATE)
    return labels | _listed(call) | _of_machines(call)


_SUBSCRIBERS = frozenset({"mosquitto_sub", "kcat", "kafkacat", "nats", "ipfs", "ftpget", "ncftpget", "finger", "whois"})


def _from_elsewhere(call: Call) -> bool:
    """Whether a client writes out what another machine or a store holds."""
    name, words = call.name, call.operands
    if name in {"aws", "gsutil", "gcloud", "rclone", "mc", "s3cmd", "s5cmd", "az"}:
        reads = {"cat", "cp", "get", "download", "copyto"} & set(words[:3])
        return bool(reads) and ("cat" in reads or words[-1] in {"-", "/dev/stdout"} or "/dev/stdout" in call.argv)
    if name == "ssh":
        return len(words) > 1 and any(
            word.rpartition("/")[2] in {"cat", "head", "tail"} for word in words[1].split()[:1]
        )
    if name == "socat":
        return words[-1:] in (["-"], ["stdio"], ["stdout"])
    return name in _SUBSCRIBERS and "pub" not in words[:1]


def _of_machines(call: Call) -> set[Label]:
    """The labels of what shows or writes out images, containers, machines and clusters."""
    name, operands = call.name, call.operands
    labels: set[Label] = set()
    if name in _ENGINES and operands[:1] in (["save"], ["export"]):
        labels.add(Label.DUMP)
    if name in {*_ENGINES, "crictl", "ctr"} and "inspect" in operands[:2] and not call.has("f", "--format"):
        labels.add(Label.PRIVATE)
    if name in {*_ENGINES, "docker-compose"} and "config" in operands[:2]:
        labels.add(Label.PRIVATE)
    if name in {"kubectl", "oc"} and "get" in operands[:2] and call.has("A", "--all-namespaces") and call.has("o"):
        labels.add(Label.PRIVATE)
    if name in _STATES and operands[:1] in _STATES[name]:
        labels.add(Label.PRIVATE)
    if name == "virsh" and operands[:1] == ["dumpxml"]:
        labels.add(Label.PRIVATE)
    return labels


_STATES: Mapping[str, tuple[list[str], ...]] = {
    **dict.fromkeys(("terraform", "tofu"), (["state"], ["show"])),
    "helm": (["get"],),
    "pulumi": (["stack"],),
    **dict.fromkeys(("slapcat", "ldbsearch"), ([], ["1"], ["0"])),
}
"""Programs and sub-commands that write out a state in which credentials stand."""
_ENGINES = frozenset({"docker", "podman", "nerdctl"})
_SNIFFERS = frozenset(
    """
        tcpdump tshark dumpcap ngrep xclip xsel pbpaste wl-paste scrot grim maim screencapture arecord parec rec dconf
    """.split()
)


def _whole_history(call: Call) -> bool:
    """Whether git writes all that a repository ever held."""
    words = git_words(call)
    if words[:1] == ["grep"]:
        return any("rev-list" in text or UNKNOWN in text for text in words[2:])
    if words[:1] == ["log"]:
        return call.has("pu", "--patch") and call.has("", "--all")
    return words[:1] in (["fast-export"], ["archive"]) or (words[:2] == ["bundle", "create"] and call.has("", "--all"))


def _dumps_all(call: Call) -> bool:
    return call.name == "pg_dumpall" or call.has("A", "--all-databases")


def _listed(call: Call) -> set[Label]:
    """The labels of what lists all of a kind, or prints credentials."""
    name, operands = call.name, call.operands
    verb = " ".join(operands[:2])
    labels: set[Label] = set()
    if name in {"redis-cli", "valkey-cli"} and (call.has("", "--scan") or verb.lower() == "keys *"):
        labels.add(Label.INSTANCES)
    if (
        name == "git"
        and verb.startswith(("branch", "tag", "for-each-ref", "ls-remote"))
        and not call.has("", "--merged", "--no-merged")
    ):
        labels.add(Label.INSTANCES)
    if name == "lsof" and call.has("t") and not call.has("i", "-i") and all(path == "/" for path in operands):
        labels.add(Label.PROCESSES)
    if name == "ps" or (name == "ls" and operands[:1] in (["/proc"], ["/proc/"])):
        labels.add(Label.PROCESSES)
    if (
        verb in {"ps", "container ls", "volume ls", "image ls", "images", "get ns", "get namespaces", "network ls"}
        and name != "ps"
    ):
        labels.update(set() if call.has("f", "--filter", "-l", "--selector") else {Label.INSTANCES})
    if name in {"kubectl", "oc"} and operands[:1] == ["get"] and call.option("-o", "--output") == "name":
        labels.update(set() if call.has("l", "--selector", "--field-selector") else {Label.INSTANCES})
    if name in {"consul", "etcdctl", "vault"} and verb in {"kv export", "snapshot save", "operator raft"}:
        labels.add(Label.DUMP)
    if name in {"gpg", "gpg2"} and call.has("", "--export-secret-keys", "--export-secret-subkeys"):
        labels.add(Label.SECRET)
    if name == "security" and verb.startswith(("dump-keychain", "find-generic", "find-internet")):
        labels.add(Label.SECRET)
    return labels
