"""Ways out of a container or a sandbox: the host's root, its namespaces, its container engine, its kernel."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from ..model import Call, Hit, block, review
from ..secrets import is_secret_folder
from ..targets import Place, is_device, normal, place

_FAMILY = "escape"
_SOCKETS = ("docker.sock", "containerd.sock", "crio.sock", "podman.sock", "cri-dockerd.sock")
_HOST_FOLDERS = frozenset(
    """
        / /etc /root /proc /sys /dev /boot /var /var/run /run /var/lib/docker /var/lib/kubelet /usr /home /lib
    """.split()
)


def _source(mount: str) -> str:
    if "source=" in mount or "src=" in mount:
        for part in mount.split(","):
            name, _, held = part.partition("=")
            if name in {"source", "src"}:
                return held
        return ""
    return mount.split(":", maxsplit=1)[0]


def _mounts(call: Call) -> Iterator[Hit]:
    for data in [*call.options("-v", "--volume", "--mount"), *call.bundled("v")]:
        source = _source(data.text)
        if any(socket in source for socket in _SOCKETS):
            yield block(_FAMILY, "gives a container the container engine itself")
        elif source.startswith("/") and normal(source) in _HOST_FOLDERS:
            writable = not data.text.endswith((":ro", ",ro", ",readonly"))
            grave = normal(source) in frozenset(
                """
                / /root /var/lib/kubelet /var/lib/docker /proc /dev /boot /usr /lib
            """.split()
            )
            yield (block if writable or grave else review)(_FAMILY, "gives a container a system folder of the host")
        elif is_secret_folder(source):
            yield review(_FAMILY, "gives a container a folder of credentials")


def _run(call: Call) -> Iterator[Hit]:
    words = call.operands
    if not {"run", "exec", "create", "debug"} & set(words[:3]):
        return
    yield from _mounts(call)
    for position, text in enumerate(call.argv):
        name, _, held = text.partition("=")
        held = held or (call.argv[position + 1] if position + 1 < len(call.argv) else "")
        if name == "--privileged" and held != "false":
            yield block(_FAMILY, "runs a container with the host's powers")
        elif name == "--cap-add" and held.upper().removeprefix("CAP_") in frozenset(
            """
            SYS_ADMIN ALL SYS_PTRACE SYS_MODULE DAC_READ_SEARCH SYS_RAWIO DAC_OVERRIDE BPF
        """.split()
        ):
            yield block(_FAMILY, "gives a container powers over the host")
        elif name in {"--pid", "--ipc", "--uts", "--userns", "--cgroupns"} and held == "host" and name == "--pid":
            yield block(_FAMILY, "lets a container see the host's processes")
        elif name == "--security-opt" and "unconfined" in held:
            yield block(_FAMILY, "takes a container's confinement away")
        elif name == "--device" and is_device(held.split(":")[0]):
            yield block(_FAMILY, "gives a container a disk of the host")


def _engine_address(call: Call) -> Iterator[Hit]:
    if any(text.startswith("tcp://") and ":2375" in text for text in [d.text for d in call.options("-H", "--host")]):
        yield block(_FAMILY, "speaks to another machine's container engine without protection")


def _curl(call: Call) -> Iterator[Hit]:
    for data in call.options("--unix-socket", "--abstract-unix-socket"):
        if any(socket in data.text for socket in _SOCKETS):
            yield block(_FAMILY, "speaks to the container engine directly")
    if any(":2375/" in text or ":10250/run" in text or ":10250/exec" in text for text in call.argv):
        yield block(_FAMILY, "speaks to a container engine directly")


def _socat(call: Call) -> Iterator[Hit]:
    if any(socket in text for text in call.operands for socket in _SOCKETS):
        yield block(_FAMILY, "opens the container engine to others")


def _nsenter(call: Call) -> Iterator[Hit]:
    target = call.option("-t", "--target")
    if (
        target == "1"
        or call.has("", "-a", "--all")
        or any(text.startswith(("--mount=/proc/1", "-m/proc/1")) for text in call.argv)
    ):
        yield block(_FAMILY, "enters the host's namespaces")
    elif target is not None and any(call.has(letter) for letter in "mpiuUC"):
        yield review(_FAMILY, "enters another process's namespaces")


_SHALLOW = 3
"""Folders deep that a host's root is mounted."""


def _chroot(call: Call) -> Iterator[Hit]:
    root = call.operands[0] if call.operands else ""
    clean = normal(root, call.folder)
    if clean == "/":
        yield review(_FAMILY, "changes into the host's root")
    if (
        clean.startswith(("/host", "/proc/", "/rootfs", "/mnt", "/hostfs", "/h"))
        and clean.count("/") <= _SHALLOW
        and not clean.startswith("/home")
    ):
        yield block(_FAMILY, "changes into the host's root")


def _mount(call: Call) -> Iterator[Hit]:
    words = call.operands
    if call.has("", "--bind", "--rbind", "-B") or "bind" in (call.option("-o", "--options") or ""):
        words = [word for word in words if "bind" not in word.split(",")]
        if words and place(words[0], call.folder) is Place.MACHINE:
            yield block(_FAMILY, "mounts a system folder somewhere else")
    kind = call.option("-t", "--types") or ""
    sources = [word for word in words if is_device(word)]
    if sources and not any(word.startswith(("/dev/sr", "/dev/loop", "/dev/cdrom")) for word in words):
        options = call.option("-o", "--options") or ""
        where = words[-1]
        hidden = (
            where.startswith("/tmp")  # noqa: S108
            or where.rstrip("/") in {"/mnt", "/host", "/h"}
            or where.startswith(("/host", "/mnt/h"))
        )
        if "remount" not in options and not where.startswith(("/media/", "/run/media/")):
            yield (
                block
                if hidden
                and frozenset(
                    """
                    /dev/sda1 /dev/vda1 /dev/sda /dev/vda /dev/nvme0n1p1 /dev/xvda1 /dev/sda2
                    /dev/nvme0n1p2 /dev/mapper/root
                """.split()
                )
                & set(sources)
                else review
            )(_FAMILY, "mounts a disk of the host")
    elif kind.startswith("cgroup") and words:
        yield block(_FAMILY, "mounts the host's control groups")
    elif (
        call.has("o")
        and "remount" in (call.option("-o") or "")
        and "rw" in (call.option("-o") or "").split(",")
        and words[-1:]
        and words[-1].removeprefix("/host") in {"", "/", "/proc/sys", "/sys", "/proc"}
    ):
        yield review(_FAMILY, "makes a protected part of the system writable")


def _modules(call: Call) -> Iterator[Hit]:
    for path in call.operands:
        if path.endswith((".ko", ".ko.xz")) or call.name == "insmod" or path.startswith((".", "/")):
            yield block(_FAMILY, "loads foreign code into the kernel")
            return


def _kubectl(call: Call) -> Iterator[Hit]:
    words = call.operands
    spoken = " ".join(data.text for data in call.options("--overrides", "-p", "--patch")).replace(" ", "").lower()
    if any(
        mark in spoken
        for mark in (
            '"privileged":true',
            '"hostpid":true',
            '"hostnetwork":true',
            '"hostpath"',
            '"hostipc":true',
            '"allowprivilegeescalation":true',
        )
    ):
        yield block(_FAMILY, "runs a container with the host's powers")
    if words[:1] == ["debug"] and any(word.startswith("node/") for word in words):
        yield block(_FAMILY, "opens a shell on a cluster's node")
    _text = call.stdin.text.replace(" ", "").lower() if "apply" in words or "create" in words else ""
    if _text and any(
        mark in _text
        for mark in (
            "privileged:true",
            "hostpid:true",
            "hostnetwork:true\nhostpid",
            "path:/\n",
            '"privileged":true',
            '"hostpid":true',
            "path:/var/run/docker.sock",
        )
    ):
        yield block(_FAMILY, "runs a container with the host's powers")


def _lxc(call: Call) -> Iterator[Hit]:
    text = " ".join(call.argv)
    if (
        "security.privileged=true" in text
        or "security.privileged true" in text
        or ("device add" in text and "source=/" in text and "disk" in text and ("source=/ " in text + " "))
    ):
        yield block(_FAMILY, "gives a container the host's root")


def _host_root(call: Call) -> Iterator[Hit]:
    if call.name in {"ls", "stat", "test", "[", "[[", "readlink", "file"} and "/proc/1/root/" not in " ".join(
        call.operands
    ):
        return
    if any(
        text.startswith(("/proc/1/root", "/proc/self/root/../")) or "/proc/1/root" in text
        for text in [*call.operands, *call.inputs]
    ):
        yield block(_FAMILY, "goes to the host's root by another process")


def _release(call: Call) -> Iterator[Hit]:
    if any("release_agent" in made.path for made in call.outputs):
        yield block(_FAMILY, "makes the host's kernel run a program")


def _bwrap(call: Call) -> Iterator[Hit]:
    for position, text in enumerate(call.argv[:-2]):
        if text in {"--bind", "--dev-bind"} and call.argv[position + 1] == "/":
            yield review(_FAMILY, "gives a sandbox the whole machine")


def _nodes(call: Call) -> Iterator[Hit]:
    if "b" in call.operands[1:2]:
        yield block(_FAMILY, "makes a way to a disk of the host")


def _nspawn(call: Call) -> Iterator[Hit]:
    if call.option("-D", "--directory") == "/" or call.option("--bind") == "/":
        yield block(_FAMILY, "gives a container the host's root")


def _tools(_call: Call) -> Iterator[Hit]:
    yield block(_FAMILY, "a tool that breaks out of containers")


_ENGINES = ("docker", "podman", "nerdctl", "ctr", "crictl", "docker-compose")
RULES: Mapping[str, Callable[[Call], Iterable[Hit]]] = {
    **dict.fromkeys(_ENGINES, _run),
    **dict.fromkeys(("deepce.sh", "cdk-escape", "amicontained", "botb", "peirates"), _tools),
    "dockerd": _engine_address,
    "curl": _curl,
    "socat": _socat,
    "nsenter": _nsenter,
    "chroot": _chroot,
    "mount": _mount,
    "insmod": _modules,
    "modprobe": _modules,
    "kubectl": _kubectl,
    "oc": _kubectl,
    "lxc": _lxc,
    "incus": _lxc,
    "bwrap": _bwrap,
    "mknod": _nodes,
    "systemd-nspawn": _nspawn,
}
ALWAYS: tuple[Callable[[Call], Iterable[Hit]], ...] = (_host_root,)
WRITING: tuple[Callable[[Call], Iterable[Hit]], ...] = (_release,)
