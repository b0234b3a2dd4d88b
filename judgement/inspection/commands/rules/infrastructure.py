"""Infrastructure: clusters, deployments, containers, storage, machines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from ..model import UNKNOWN, Call, Hit, Label, block, review
from ..prefixes import past_options
from ..targets import Place, place
from .verbs import is_dry

_FAMILY = "infrastructure"
_GRAVE_KINDS = frozenset(
    """
        ns namespace namespaces pv pvc persistentvolume persistentvolumes persistentvolumeclaim
        persistentvolumeclaims node nodes no crd crds customresourcedefinition customresourcedefinitions
        clusterrole clusterrolebinding secret secrets statefulset statefulsets sts deploy deployment deployments
        cluster clusters project projects storageclass sc daemonset daemonsets ds svc service services ingress
        machine machines all
    """.split()
)


def _kubectl(call: Call) -> Iterator[Hit]:
    words = [
        arg.text
        for arg in call.args[
            past_options(call.args, "-n --namespace --context --kubeconfig --cluster -s --server --user --as") :
        ]
    ]
    words = [text for text in words if not text.startswith("-")]
    if not words or is_dry(call):
        return
    verb = words[0]
    if verb == "delete":
        kinds = {part.partition("/")[0].partition(".")[0] for word in words[1:] for part in word.split(",")}
        instances = any(Label.INSTANCES in arg.data.labels for arg in call.args)
        sweeping = call.has("A", "--all", "--all-namespaces") or instances
        if kinds & _GRAVE_KINDS or sweeping:
            yield block(_FAMILY, "deletes what a cluster needs")
        elif not _replaced(call, kinds):
            yield review(_FAMILY, "deletes something of a cluster")
    elif verb == "apply" and call.has("", "--prune"):
        yield review(_FAMILY, "deletes from a cluster what a manifest doesn't name")
    elif verb == "drain":
        yield review(_FAMILY, "empties a node") if not call.has("", "--all") else block(_FAMILY, "empties all nodes")
    elif (
        verb == "scale"
        and "--replicas=0" in call.argv
        and (call.has("", "--all") or any(Label.INSTANCES in arg.data.labels for arg in call.args))
    ):
        yield block(_FAMILY, "stops everything in a cluster")
    elif verb == "replace" and call.has("", "--force"):
        yield review(_FAMILY, "replaces something of a cluster by force")
    elif verb in {"create", "patch", "set"} and any("cluster-admin" in text for text in call.argv):
        yield block("privilege", "gives somebody power over a whole cluster")


_SHORT_LIVED = frozenset({"pod", "pods", "po", "job", "jobs"})
_FEW = 3
"""Names that a person deletes by hand."""


def _replaced(call: Call, kinds: set[str]) -> bool:
    """Whether what is deleted is named, one or a few, and made anew by what started it."""
    space = call.option("-n", "--namespace") or ""
    named = [text for text in call.operands if text != space and text not in {"delete", *_SHORT_LIVED}]
    chosen = call.has("l", "--selector", "--force", "--field-selector", "-f", "--filename")
    known = not any(UNKNOWN in text for text in named)
    return bool(kinds & _SHORT_LIVED and 0 < len(named) <= _FEW and known and not chosen and space != "kube-system")


def _terraform(call: Call) -> Iterator[Hit]:
    words = call.operands
    if call.has("", "-help"):
        return
    if words[:1] == ["destroy"] or (
        words[:1] in (["apply"], ["run-all"], ["stack"])
        and ("-destroy" in call.argv or "--destroy" in call.argv or "destroy" in words)
    ):
        yield block(_FAMILY, "destroys what is deployed")
    elif words[:1] == ["apply"] and any(text.lstrip("-") == "auto-approve" for text in call.argv):
        yield review(_FAMILY, "changes what is deployed without asking")
    elif words[:2] in (["state", "rm"], ["state", "push"]) or words[:1] == ["force-unlock"]:
        yield review(_FAMILY, "changes what is known of what is deployed")


def _pulumi(call: Call) -> Iterator[Hit]:
    words = call.operands
    if (words[:1] == ["destroy"] or words[:2] == ["stack", "rm"]) and not is_dry(call):
        yield block(_FAMILY, "destroys what is deployed")


def _helm(call: Call) -> Iterator[Hit]:
    verb = call.argv[past_options(call.args, "-n --namespace --kube-context --kubeconfig") :][:1]
    if verb and verb[0] in {"uninstall", "delete", "del", "un"} and not is_dry(call):
        yield block(_FAMILY, "removes a deployment")


def _docker(call: Call) -> Iterator[Hit]:
    words = call.operands
    instances = any(Label.INSTANCES in arg.data.labels for arg in call.args)
    verb = " ".join(words[:2])
    if verb in {"system prune", "volume prune"}:
        grave = verb == "volume prune" or call.has("a", "--volumes", "--all")
        yield (block if grave and call.has("f", "--force") else review)(
            _FAMILY, "deletes unused containers, images or volumes"
        )
    elif words[:1] == ["rm"] or verb in {"container rm", "container kill"} or words[:1] == ["kill"]:
        if instances:
            yield block(_FAMILY, "removes all containers")
        elif call.has("v", "--volumes"):
            yield review(_FAMILY, "removes a container with its volumes")
    elif verb in {"volume rm", "volume remove"}:
        yield (block if instances else review)(_FAMILY, "deletes a volume")
    elif words[:1] == ["rmi"] and instances:
        yield review(_FAMILY, "deletes all images")
    elif verb in {"swarm leave", "stack rm", "service rm", "node rm"}:
        yield block(_FAMILY, "takes a swarm apart")
    elif "down" in words and (call.name == "docker-compose" or words[:1] == ["compose"]) and call.has("v", "--volumes"):
        if is_dry(call):
            return
        named = [data.text.lower() for data in call.options("-p", "--project-name", "-f", "--file")]
        for_tests = any(mark in name for name in named for mark in ("scratch", "test", "tmp", "ci", "sandbox", "dev"))
        yield from () if for_tests else [review(_FAMILY, "removes containers with their volumes")]


def _verbs(what: str, *verbs: str) -> Callable[[Call], Iterator[Hit]]:
    """A program that is a hazard with one of these beginnings of its operands."""

    def rule(call: Call) -> Iterator[Hit]:
        text = " ".join(call.operands) + " "
        if any(text.startswith(verb + " ") or f" {verb} " in text for verb in verbs) and not is_dry(call):
            yield block(_FAMILY, what)

    return rule


def _etcd(call: Call) -> Iterator[Hit]:
    said = [*call.operands, *call.argv, *call.stdin.text.split()]
    if "del" in said or "rm" in said:
        sweeping = bool({"--prefix", "--from-key", "--recursive"} & set(said))
        yield (block if sweeping else review)(_FAMILY, "deletes a cluster's configuration")
    elif call.operands[:2] == ["member", "remove"]:
        yield block(_FAMILY, "takes a cluster apart")


def _zfs(call: Call) -> Iterator[Hit]:
    if call.operands[:1] == ["destroy"] and not call.has("n"):
        yield block(_FAMILY, "destroys a file system")
    elif call.operands[:1] == ["rollback"]:
        yield review(_FAMILY, "takes a file system back")


def _btrfs(call: Call) -> Iterator[Hit]:
    if call.operands[:2] == ["subvolume", "delete"]:
        yield block(_FAMILY, "deletes a file system's volume")


_KEEPS = (
    "--keep-daily",
    "--keep-weekly",
    "--keep-monthly",
    "--keep-yearly",
    "--keep-last",
    "--keep-within",
    "-d",
    "-w",
)


def _backups(call: Call) -> Iterator[Hit]:
    """Backups deleted; a rule that keeps some of each age is what backups are cared for with."""
    keeps = any(data.text not in {"", "0"} for data in call.options(*_KEEPS))
    if (
        {"delete", "prune", "forget"} & set(call.operands)
        and not is_dry(call)
        and not (keeps and "delete" not in call.operands)
    ):
        yield block(_FAMILY, "deletes backups")


def _hadoop(call: Call) -> Iterator[Hit]:
    deep = {"-r", "-R", "-rmr", "-skipTrash"} & set(call.argv)
    paths = [path for path in call.operands if path.startswith("/") or ":" in path]
    scratch = paths and all(place(path) is Place.ORDINARY and path.startswith(("/tmp/", "/var/tmp/")) for path in paths)  # noqa: S108
    if {"-rm", "-rmr"} & set(call.argv) and deep and not scratch:
        yield block("destroy_files", "deletes files of a cluster")


def _unknown_removed(call: Call) -> Iterator[Hit]:
    if call.operands[:1] == ["delete"] and UNKNOWN in call.operands:
        yield review(_FAMILY, "deletes something unresolved")


_gh_verbs = _verbs("deletes a repository or a release", "repo delete", "secret delete", "api -X DELETE", "repo archive")


def _deletes_by_api(call: Call) -> bool:
    return call.operands[:1] == ["api"] and (call.option("-X", "--method") or "").upper() == "DELETE"


RULES: Mapping[str, Callable[[Call], Iterable[Hit]]] = {
    **dict.fromkeys(("kubectl", "oc", "k", "kubectl.exe"), _kubectl),
    **dict.fromkeys(("terraform", "tofu", "terragrunt"), _terraform),
    "pulumi": _pulumi,
    "cdk": _pulumi,
    "helm": _helm,
    "helmfile": lambda call: (
        [block(_FAMILY, "removes deployments")] if {"destroy", "delete"} & set(call.operands) else []
    ),
    **dict.fromkeys(("docker", "podman", "nerdctl", "docker-compose"), _docker),
    "gh": lambda call: [
        *_gh_verbs(call),
        *([block(_FAMILY, "deletes something of a forge")] if _deletes_by_api(call) else []),
    ],
    "glab": _verbs("deletes a repository", "repo delete", "project delete"),
    "eksctl": _verbs("deletes a cluster", "delete"),
    "kops": _verbs("deletes a cluster", "delete"),
    "kind": lambda _call: [],
    "rosa": _verbs("deletes a cluster", "delete"),
    "kubeadm": _verbs("takes a cluster's node down", "reset"),
    "rke": _verbs("takes a cluster down", "remove"),
    "velero": _verbs("deletes backups", "backup delete", "delete backup", "schedule delete"),
    "argocd": _verbs("deletes an application", "app delete"),
    "flux": _verbs("takes a cluster's deployment down", "uninstall", "delete"),
    "istioctl": _verbs("takes a service mesh down", "uninstall", "x uninstall"),
    "virsh": _verbs("deletes a machine", "undefine", "destroy", "vol-delete", "pool-delete", "snapshot-delete"),
    "qm": _verbs("deletes a machine", "destroy"),
    "vagrant": _verbs("deletes a machine", "destroy"),
    "vault": _verbs(
        "deletes secrets",
        "kv delete",
        "kv metadata delete",
        "kv destroy",
        "secrets disable",
        "delete",
        "auth disable",
        "operator seal",
        "audit disable",
    ),
    "consul": _verbs("deletes a cluster's configuration", "kv delete", "leave", "force-leave"),
    "nomad": _verbs("stops jobs", "job stop", "system gc", "namespace delete", "volume delete"),
    "etcdctl": _etcd,
    "zfs": _zfs,
    "btrfs": _btrfs,
    **dict.fromkeys(("borg", "restic"), _backups),
    "ceph": _verbs("deletes a storage pool", "osd pool delete", "osd pool rm", "fs rm", "osd purge"),
    "rbd": _verbs("deletes a volume", "rm", "remove", "snap purge"),
    "gluster": _verbs("deletes a volume", "volume delete", "volume stop"),
    **dict.fromkeys(("hdfs", "hadoop"), _hadoop),
    "kafka-topics": lambda call: [block(_FAMILY, "deletes a topic")] if "--delete" in call.argv else [],
    "kafka-topics.sh": lambda call: [block(_FAMILY, "deletes a topic")] if "--delete" in call.argv else [],
    "rabbitmqctl": _verbs("resets a broker", "reset", "force_reset", "delete_vhost", "delete_queue", "purge_queue"),
    "serverless": _verbs("removes what is deployed", "remove"),
    "sls": _verbs("removes what is deployed", "remove"),
    "sam": _verbs("removes what is deployed", "delete"),
    "amplify": _verbs("removes what is deployed", "delete"),
    "minikube": lambda _call: [],
}
ALWAYS: tuple[Callable[[Call], Iterable[Hit]], ...] = ()
