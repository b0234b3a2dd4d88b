"""Stores of credentials, asked through their own clients."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from ..model import Call, Hit, block, review

_FAMILY = "credentials"


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


RULES: Mapping[str, Callable[[Call], Iterable[Hit]]] = {
    **dict.fromkeys({program for program, _ in _CLOUD}, _cloud),
    **dict.fromkeys(("kubectl", "oc"), _kubectl),
    **dict.fromkeys(("gpg", "gpg2"), _gpg),
}
ALWAYS: tuple[Callable[[Call], Iterable[Hit]], ...] = (_shows_hidden,)
