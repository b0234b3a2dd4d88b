"""Reading of credentials: keys, password stores, tokens, other processes' environments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from ...addresses import is_metadata
from ..model import HOME, Call, Hit, Label, block, review
from ..prefixes import PREFIXES
from ..secrets import hunts_credentials, is_secret, is_secret_folder
from ..targets import normal

_FAMILY = "credentials"
_LOOKS_ONLY = frozenset(
    """
        ls ll stat test [ [[ chmod chown chgrp ssh sftp ssh-add ssh-keygen ssh-keyscan ssh-copy-id touch mkdir
        cd file echo printf git export = unset rm mv shred which type man help alias du df realpath readlink
        dirname basename tee kubectl helm docker podman ansible ansible-playbook terraform gh mktemp logger
        pytest mount umount restorecon chattr lsattr setfacl getfacl inotifywait watch autossh mosh vim vi nvim
        nano emacs code visudo setopt set ln gpg-agent ssh-agent nginx certbot systemctl npm yarn pnpm pip tox
        make openssl find fd locate keytool install mkfs psql mysql mongosh uvicorn gunicorn sudoedit aws gcloud
        az stow chezmoi restic borg rsnapshot declare local
    """.split()
)
_PACKERS = frozenset(
    """
        tar zip cp rsync scp 7z 7za rar cpio dd cat mv find grep rg egrep ag sftp aws gsutil rclone install
    """.split()
)
_SEARCHERS = frozenset(["grep", "rg", "egrep", "ag", "ack", "zgrep", "fgrep", "awk", "sed"])
_ENV_READERS = frozenset(["cat", "less", "more", "head", "tail", "bat", "base64", "strings", "xxd", "od", "nl", "tac"])


def _named(call: Call) -> list[str]:
    """A call's operands, with PowerShell's lists taken apart."""
    if call.name in {"get-content", "gc", "copy-item"}:
        return [path for text in call.operands for path in text.split(",")]
    return call.operands


def _reads_secret(call: Call) -> Iterator[Hit]:
    """Any program that is given a secret file and does more than look at its name."""
    for path in call.inputs:
        if is_secret(path, call.folder):
            yield block(_FAMILY, "reads credentials")
    looks = call.name in _LOOKS_ONLY and not (call.name == "type" and any("\\" in text for text in call.operands))
    encrypts = call.name == "sops" and call.has("e", "--encrypt")
    if looks or encrypts or call.name in PREFIXES or not call.name:
        return
    operands = _named(call)
    if call.name in _SEARCHERS and not call.has("e", "-f", "--regexp"):
        operands = operands[1:]
    if call.name in {"cp", "scp", "rsync"} and len(operands) > 1:
        operands = operands[:-1]
    used = {data.text for data in call.options("-i", "-F", "-e", "--key", "--cert", "-E", "--cacert", "--private-key")}
    values = [text.partition("=")[2] for text in call.argv if text.startswith(("if=", "--file=")) and "=" in text]
    for path in [*operands, *values]:
        if ("://" in path and not path.startswith("file://")) or (
            path in used and call.name in {"scp", "rsync", "curl", "wget", "sftp"}
        ):
            continue
        if is_secret(path, call.folder) or (call.name in _PACKERS and is_secret_folder(path, call.folder)):
            yield block(_FAMILY, "reads credentials")
        elif call.name in _ENV_READERS and normal(path).rpartition("/")[2] in {
            ".env",
            ".env.production",
            ".env.local",
            ".env.prod",
        }:
            yield review(_FAMILY, "reads a file that often holds credentials")


def _openssl(call: Call) -> Iterator[Hit]:
    verb = (call.operands or [""])[0]
    if verb in {"rsa", "ec", "pkey", "pkcs8", "enc", "base64", "pkcs12"}:
        for data in call.options("-in"):
            if is_secret(data.text, call.folder) or data.text.endswith(".ssh/id_rsa"):
                yield block(_FAMILY, "reads credentials")


def _tools(_call: Call) -> Iterator[Hit]:
    yield block(_FAMILY, "a tool that takes credentials")


def _grep(call: Call) -> Iterator[Hit]:
    pattern = " ".join(text for text in call.operands if text[:1] not in {"/", "~"}).upper()
    roots = call.operands[1:] or call.operands
    hunts = any(
        mark in pattern
        for mark in (
            "PRIVATE KEY",
            "AWS_SECRET",
            "AKIA",
            "SECRET_ACCESS_KEY",
            "PASSWORD",
            "PASSWD",
            "SECRET",
            "API_KEY",
            "BEGIN RSA",
            "TOKEN",
            "GHP_",
            "SK_LIVE",
            "XOX",
            "GLPAT",
        )
    )
    if (
        hunts
        and (call.has("rR", "--recursive", "-e") or call.name in {"rg", "ag"})
        and any(
            normal(path).rstrip("*") in {"/", "/home", "/root", "/etc", "/var", "/home/~", "/home/", "/opt"}
            for path in roots
        )
    ):
        yield block(_FAMILY, "searches the machine for credentials")


def _key_hunt(call: Call) -> Iterator[Hit]:
    """Names of keys and stores, looked for in everybody's folders."""
    roots = {normal(path, call.folder) for path in call.operands[:3] if path.startswith("/")}
    named = [data.text for data in call.options("-name", "-iname")]
    if roots & {"/", "/home", "/root", "/Users", HOME} and any(is_secret(f"/x/.ssh/{name}") for name in named):
        yield review(_FAMILY, "looks for keys on the whole machine")


def _metadata(call: Call) -> Iterator[Hit]:
    named = [data.text.rpartition(":")[2] for data in call.options("--resolve", "--connect-to")]
    for text in [*call.argv, *named]:
        if "." in text or ":" in text:
            bare = (text.partition("://")[2] or text).partition("/")[0]
            if is_metadata(bare):
                yield block(_FAMILY, "asks the cloud's metadata service, which gives out credentials")
                return


def _ssh_keygen(call: Call) -> Iterator[Hit]:
    if call.has("e") and call.has("y"):
        yield review(_FAMILY, "reads a private key")


def _hunts(call: Call) -> Iterator[Hit]:
    """A search for what credentials are called, in what a store or a history holds."""
    if call.stdin.labels & {Label.PRIVATE, Label.DUMP} and hunts_credentials(call):
        yield review(_FAMILY, "looks for credentials in what is kept")


def _agent_socket(call: Call) -> Iterator[Hit]:
    if call.name == "=" and any(text.startswith("SSH_AUTH_SOCK=/tmp/ssh-") for text in call.argv):
        yield block(_FAMILY, "takes over somebody's key agent")


_TAKERS = """
    mimikatz laZagne lazagne lazagne.py john hashcat unshadow secretsdump.py secretsdump impacket-secretsdump hydra
    mimipenguin mimipenguin.sh linpeas linpeas.sh pypykatz gitleaks-steal chntpw keychaindump crackmapexec nxc
    procdump responder swaks-steal truffleshark samdump2 pwdump bkhive
""".split()
RULES: Mapping[str, Callable[[Call], Iterable[Hit]]] = {
    **dict.fromkeys(_TAKERS, _tools),
    "openssl": _openssl,
    **dict.fromkeys(("grep", "rg", "egrep", "ag", "fgrep", "zgrep"), lambda call: [*_grep(call), *_hunts(call)]),
    **dict.fromkeys(("jq", "yq", "awk", "sed"), _hunts),
    "find": _key_hunt,
    "curl": _metadata,
    "wget": _metadata,
    "http": _metadata,
    "nc": _metadata,
    "fetch": _metadata,
    "iwr": _metadata,
    "irm": _metadata,
    "invoke-restmethod": _metadata,
    "invoke-webrequest": _metadata,
    "ssh-keygen": _ssh_keygen,
}
ALWAYS: tuple[Callable[[Call], Iterable[Hit]], ...] = (_reads_secret, _agent_socket)
