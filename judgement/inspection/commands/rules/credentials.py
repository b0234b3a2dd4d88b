"""Reading of credentials: keys, password stores, tokens, other processes' environments."""

# ruff: noqa: ARG001 (one signature for all of a table)

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from ...urls import is_metadata
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
    if looks or call.name in PREFIXES or not call.name:
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


def _kubectl(call: Call) -> Iterator[Hit]:
    words = call.operands
    shown = call.option("-o", "--output") or ""
    kinds = {"secret", "secrets"}
    asked = any(word.partition("/")[0] in kinds for part in words for word in part.split(","))
    public = shown.replace("\\", "").rstrip("}'\"").endswith((".crt", ".type", ".name", ".creationTimestamp"))
    if public:
        return
    if "get" in words and asked and shown and not shown.startswith(("name", "wide", "custom-columns=NAME")):
        yield block(_FAMILY, "reads a cluster's secrets")
    if words[:2] == ["config", "view"] and call.has("", "--raw"):
        yield block(_FAMILY, "reads a cluster's credentials")
    if words[:2] == ["create", "token"]:
        yield review(_FAMILY, "makes a token of a service account")


_CLOUD = (
    ("aws", "secretsmanager get-secret-value"),
    ("aws", "secretsmanager batch-get-secret-value"),
    ("aws", "iam create-access-key"),
    ("aws", "sts get-session-token"),
    ("aws", "configure export-credentials"),
    ("aws", "configure get"),
    ("aws", "ecr get-authorization-token"),
    ("aws", "kms decrypt"),
    ("gcloud", "auth print-access-token"),
    ("gcloud", "auth print-identity-token"),
    ("gcloud", "auth application-default"),
    ("gcloud", "secrets versions"),
    ("gcloud", "iam service-accounts keys"),
    ("az", "account get-access-token"),
    ("az", "keyvault secret show"),
    ("az", "keyvault secret download"),
    ("az", "ad sp create-for-rbac"),
    ("vault", "kv get"),
    ("vault", "read"),
    ("vault", "print token"),
    ("gh", "auth token"),
    ("heroku", "auth:token"),
    ("doctl", "auth token"),
    ("op", "read"),
    ("op", "item get"),
    ("op", "document get"),
    ("bw", "get"),
    ("bw", "export"),
    ("bw", "list"),
    ("pass", "show"),
    ("lpass", "show"),
    ("lpass", "export"),
    ("gopass", "show"),
    ("secret-tool", "lookup"),
    ("secret-tool", "search"),
    ("security", "dump-keychain"),
    ("security", "find-generic-password"),
    ("security", "find-internet-password"),
    ("security", "export"),
    ("git", "credential fill"),
    ("git-credential-store", "get"),
    ("docker-credential-desktop", "list"),
    ("npm", "token"),
    ("keyring", "get"),
    ("getent", "shadow"),
    ("getent", "gshadow"),
    ("kwallet-query", "-r"),
    ("chezmoi", "secret"),
    ("sops", "-d"),
    ("sops", "--decrypt"),
    ("ansible-vault", "view"),
    ("ansible-vault", "decrypt"),
)


def _cloud(call: Call) -> Iterator[Hit]:
    words = " ".join(call.operands)
    options = " ".join(call.argv)
    for program, verb in _CLOUD:
        if (call.name == program and (words + " ").startswith(verb + " ")) or (
            call.name == program and verb[0] == "-" and verb in options.split()
        ):
            grave = program in {"sops", "ansible-vault", "npm"} or verb == "configure get"
            if verb == "configure get" and not any("secret" in w or "key" in w or "token" in w for w in call.operands):
                continue
            yield (review if grave else block)(_FAMILY, "reads credentials from their store")
            return


def _gpg(call: Call) -> Iterator[Hit]:
    if call.has("", "--export-secret-keys", "--export-secret-subkeys", "--export-secret-key"):
        yield block(_FAMILY, "exports private keys")


def _tools(call: Call) -> Iterator[Hit]:
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


_SHOWING = frozenset(
    """
--show-secrets --show-secret --show-sensitive --show-passwords --show-credentials --show-token --expose-token --reveal
""".split()
)
_TOKEN_WORDS = frozenset("get-token show-token print-token print-access-token print-identity-token login:ci".split())
_SPEAKERS = frozenset(
    "echo printf print write-host write-output grep egrep fgrep rg ag ack sed awk git man tldr".split()
)


def _shows_hidden(call: Call) -> Iterator[Hit]:
    """Whatever client is told to show what it keeps hidden, or to hand out its token."""
    said = not _SHOWING.isdisjoint(call.argv) or not _TOKEN_WORDS.isdisjoint(call.operands)
    asked = "auth" in call.operands[:2] and not {"token", "tokens"}.isdisjoint(call.operands[1:3])
    if (said or asked) and call.name not in _SPEAKERS:
        yield review(_FAMILY, "shows what is kept hidden")


def _hunted(call: Call) -> Iterator[Hit]:
    """What an environment, a history or an account's file is sifted for."""
    if (
        Label.PRIVATE in call.stdin.labels
        and hunts_credentials(call)
        and not call.has("vq", "--invert-match", "--quiet")
    ):
        yield review(_FAMILY, "looks for credentials in an environment or a history")


def _key_hunt(call: Call) -> Iterator[Hit]:
    """Names of keys and stores, looked for in everybody's folders."""
    roots = {normal(path, call.folder) for path in call.operands[:3] if path.startswith("/")}
    named = [data.text for data in call.options("-name", "-iname")]
    if roots & {"/", "/home", "/root", "/Users", HOME} and any(is_secret(f"/x/.ssh/{name}") for name in named):
        yield review(_FAMILY, "looks for keys on the whole machine")


_ENGINES = ("docker", "podman", "nerdctl", "crictl", "ctr", "docker-compose")


def _environment(call: Call) -> Iterator[Hit]:
    """What a container or a deployment was given as its environment, where secrets are handed over."""
    shown = " ".join(data.text for data in call.options("-f", "--format", "-o", "--output", "--template")).lower()
    asks = any(mark in shown for mark in (".env", ".envs", "..env", "].env"))
    inspects = call.name in _ENGINES and "inspect" in call.operands[:2]
    gets = call.name in {"kubectl", "oc"} and "get" in call.operands[:3]
    if (asks and (inspects or gets)) or (
        "set" in call.operands[:1] and "env" in call.operands and call.has("", "--list")
    ):
        yield review(_FAMILY, "shows the environment that a program was given")


def _filtered(call: Call) -> Iterator[Hit]:
    if Label.PRIVATE in call.stdin.labels and any(".env" in text.lower() for text in call.operands[:1]):
        yield review(_FAMILY, "shows the environment that a program was given")


def _within(call: Call) -> Iterator[Hit]:
    if not call.operands and any(wrapper in _RUNNING for wrapper in call.wrappers):
        yield review(_FAMILY, "shows the environment that a program was given")


_RUNNING = frozenset({*_ENGINES, "kubectl", "oc"})


def _memory(call: Call) -> Iterator[Hit]:
    spoken = " ".join(call.argv) + " ".join(arg.data.text for arg in call.args)
    if any(name in spoken for name in ("ssh-agent", "gpg-agent", "keyring", "lsass", "sshd")) or any(
        Label.PROCESSES in a.data.labels for a in call.args
    ):
        yield block(_FAMILY, "copies another program's memory")
    else:
        yield review(_FAMILY, "copies another program's memory")


def _ps(call: Call) -> Iterator[Hit]:
    if (
        call.argv
        and not call.argv[0].startswith("-")
        and "e" in call.argv[0]
        and set(call.argv[0]) <= set("auxewwf")
        and "ww" in call.argv[0]
    ):
        yield block(_FAMILY, "shows all programs' environments")


def _metadata(call: Call) -> Iterator[Hit]:
    for text in call.argv:
        if "." in text or ":" in text:
            bare = (text.partition("://")[2] or text).partition("/")[0]
            if is_metadata(bare):
                yield block(_FAMILY, "asks the cloud's metadata service, which gives out credentials")
                return


def _ssh_keygen(call: Call) -> Iterator[Hit]:
    if call.has("e") and call.has("y"):
        yield review(_FAMILY, "reads a private key")


def _agent_socket(call: Call) -> Iterator[Hit]:
    if call.name == "=" and any(text.startswith("SSH_AUTH_SOCK=/tmp/ssh-") for text in call.argv):
        yield block(_FAMILY, "takes over somebody's key agent")


_TAKERS = """
    mimikatz laZagne lazagne lazagne.py john hashcat unshadow secretsdump.py secretsdump impacket-secretsdump hydra
    mimipenguin mimipenguin.sh linpeas linpeas.sh pypykatz gitleaks-steal chntpw keychaindump crackmapexec nxc
    procdump responder swaks-steal truffleshark samdump2 pwdump bkhive
""".split()
RULES: Mapping[str, Callable[[Call], Iterable[Hit]]] = {
    **dict.fromkeys({program for program, _ in _CLOUD}, _cloud),
    **dict.fromkeys(_TAKERS, _tools),
    "openssl": _openssl,
    **dict.fromkeys(("kubectl", "oc"), lambda call: [*_kubectl(call), *_environment(call)]),
    **dict.fromkeys(_ENGINES, _environment),
    **dict.fromkeys(("jq", "gojq", "yq"), _filtered),
    **dict.fromkeys(("env", "printenv"), _within),
    "gpg": _gpg,
    "gpg2": _gpg,
    **dict.fromkeys(("grep", "rg", "egrep", "ag", "fgrep", "zgrep"), lambda call: [*_grep(call), *_hunted(call)]),
    "find": _key_hunt,
    "gcore": _memory,
    "ps": _ps,
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
ALWAYS: tuple[Callable[[Call], Iterable[Hit]], ...] = (_reads_secret, _agent_socket, _shows_hidden)
