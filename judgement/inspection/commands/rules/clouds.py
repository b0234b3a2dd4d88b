"""Cloud accounts: what their clients delete, open or give away, and stores of objects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from ..model import Call, Hit, block, review
from ..prefixes import past_options
from .verbs import is_dry

_FAMILY = "infrastructure"
_REMOVES = ("delete", "destroy", "terminate", "remove", "purge", "rb", "deregister", "drop", "deprovision", "down")


_AWS_ENDS = ("delete-", "terminate-", "schedule-key-deletion", "deregister-", "disable-key", "purge-", "stop-logging")
_AWS_GIVES = (
    "attach-",
    "put-user-policy",
    "put-role-policy",
    "create-login",
    "add-user-to-group",
    "update-assume",
    "create-policy-version",
)
_AWS_RECORDS = frozenset({"cloudtrail", "logs"})
_AWS_GUARDS = frozenset({"guardduty", "config", "securityhub"})


def _aws(call: Call) -> Iterator[Hit]:
    words = [arg.text for arg in call.args[past_options(call.args, "--profile --region --output --endpoint-url") :]]
    words = [text for text in words if not text.startswith("-")]
    if not words[1:] or is_dry(call) or words[1] in {"delete-item", "delete-message", "delete-tags"}:
        return
    service, verb = words[0], words[1]
    if service == "s3":
        yield from _s3(call, verb)
    elif verb.startswith(_AWS_ENDS):
        recorded, guards = service in _AWS_RECORDS, service in _AWS_GUARDS
        family = "cover_tracks" if recorded else "disable_security" if guards else _FAMILY
        yield block(family, "deletes what a cloud account holds")
    elif service == "iam" and verb.startswith(_AWS_GIVES):
        spoken = " ".join(call.argv).lower()
        grave = "admin" in spoken or "*" in spoken
        yield (block if grave else review)("privilege", "gives somebody power over a cloud account")
    else:
        yield from _aws_settings(call, verb)


def _s3(call: Call, verb: str) -> Iterator[Hit]:
    if verb == "rb" or (verb == "rm" and call.has("", "--recursive")):
        yield block(_FAMILY, "deletes a bucket or all in it")
    elif verb == "rm":
        yield review(_FAMILY, "deletes an object")


def _aws_settings(call: Call, verb: str) -> Iterator[Hit]:
    if verb == "authorize-security-group-ingress" and any("0.0.0.0/0" in text for text in call.argv):
        yield review("disable_security", "opens a firewall to everybody")
    elif verb == "leave-organization" or (verb == "put-bucket-versioning" and "Suspended" in " ".join(call.argv)):
        yield review(_FAMILY, "gives up what keeps a cloud account's data")
    elif verb in {"update-login-profile", "create-virtual-mfa-device", "deactivate-mfa-device"}:
        yield review("privilege", "changes how somebody logs in to a cloud account")
    elif verb in {"stop-instances", "reboot-instances"}:
        yield review(_FAMILY, "stops machines")


def _cloud(call: Call) -> Iterator[Hit]:
    """gcloud, az, doctl, heroku, fly, …: a word that removes, anywhere among the verbs."""
    if is_dry(call) or call.operands[:1] in (["help"], ["config"]):
        return
    words = [text.lower() for text in call.operands[:6]]
    parts = {part for word in words for part in word.replace(":", " ").split()}
    if parts & set(_REMOVES) or any(word.startswith(("delete-", "destroy-")) for word in parts):
        yield block(_FAMILY, "deletes what a cloud account holds")
    elif "add-iam-policy-binding" in parts or ({"role", "assignment", "create"} <= parts):
        spoken = " ".join(call.argv).lower()
        grave = any(mark in spoken for mark in ("owner", "admin", "editor", "allusers"))
        yield (block if grave else review)("privilege", "gives somebody power over a cloud account")
    elif call.name == "gcloud" and "firewall-rules" in words and "0.0.0.0/0" in " ".join(call.argv):
        yield review("disable_security", "opens a firewall to everybody")
    elif call.name == "heroku" and {"pg", "reset"} <= parts:
        yield block("database", "empties a database")


def _object_stores(call: Call) -> Iterator[Hit]:
    words = call.operands
    verbs = [word for word in words if not word.startswith("-")]
    verb = verbs[0] if verbs else ""
    deep = call.has("rR", "--recursive", "--force") or any(
        word in {"**", "*"} or word.endswith("/**") for word in words
    )
    removes = verb in {"rb", "purge", "delete", "deletefile", "cleanup", "rmdirs", "remove", "del"}
    if (removes or (verb == "rm" and deep)) and not is_dry(call):
        yield block(_FAMILY, "deletes a bucket or all in it")


RULES: Mapping[str, Callable[[Call], Iterable[Hit]]] = {
    "aws": _aws,
    **dict.fromkeys(
        tuple(
            """
            gcloud az doctl heroku flyctl fly ibmcloud oci linode-cli hcloud scw civo openstack nova cf
            railway vercel netlify firebase exo vultr-cli eb
        """.split()
        ),
        _cloud,
    ),
    **dict.fromkeys(("gsutil", "rclone", "mc", "s3cmd", "s5cmd", "azcopy", "b2"), _object_stores),
}
ALWAYS: tuple[Callable[[Call], Iterable[Hit]], ...] = ()
