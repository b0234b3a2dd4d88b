"""Programs, packages and scripts that are fetched from the network and run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from ..model import Call, Hit, Label, block, review
from ..sources import Files


def _fetched_packages(call: Call) -> Iterator[Hit]:
    words = call.operands
    runs = call.name in {"npx", "bunx", "pipx", "uvx", "deno", "bun", "go", "uv"}
    if any("http://" in word and "://localhost" not in word and "://127." not in word for word in words) and (
        runs or "install" in words or "add" in words
    ):
        yield review("download_execute", "runs or installs what is fetched without protection")
    bare = [word.partition("://")[2].rpartition("@")[2][:1] for word in [*words, *call.argv] if "://" in word]
    if runs and any(first.isdigit() for first in bare) and "127." not in " ".join(words):
        yield review("download_execute", "runs what a bare address gives")
    if call.name == "go" and (_bare_module(words) or any("insecure" in t.lower() for t in call.argv)):
        yield review("download_execute", "runs or installs what is fetched without protection")
    if words[:1] == ["run"] and any(word.startswith("https://") for word in words[1:2]):
        yield review("download_execute", "runs what comes from the network")
    if call.has("", "--trusted-host") and any("://" in word for word in words):
        yield review("download_execute", "installs a package fetched without protection")
    if any(Label.REMOTE in data.labels for data in (arg.data for arg in call.args)):
        yield review("download_execute", "installs what comes from the network")
    if not any(word in {"install", "add", "-i", "i"} for word in [*words, *call.argv]):
        return
    if any(
        word.startswith("http://")
        for word in [*words, *[d.text for d in call.options("--index-url", "-i", "--extra-index-url")]]
    ):
        yield review("download_execute", "installs a package fetched without protection")


def _bare_module(words: list[str]) -> bool:
    """Whether a module is named by a bare address."""
    return any("@" in word and word.partition("/")[0].replace(".", "").replace(":", "").isdigit() for word in words)


_REGISTRIES = ("https://deno.land/", "https://jsr.io/", "https://esm.sh/", "https://localhost")


def _deno(call: Call) -> Iterator[Hit]:
    yield from _fetched_packages(call)
    foreign = [word for word in call.operands if word.startswith("https://") and not word.startswith(_REGISTRIES)]
    if foreign and call.has("A", "--allow-all", "--allow-run", "--allow-env", "--allow-read"):
        yield review("download_execute", "runs what comes from the network with all powers")


_EXECUTORS = frozenset("awk gawk mawk make gmake bpftrace gdb jq sed ansible-playbook crontab at batch".split())


def _told_by_fetched(call: Call, files: Files) -> Iterator[Hit]:
    """What a program runs that is no interpreter: its input, or a file that it is given."""
    told = [*call.operands, *(data.text for data in call.options("-f", "--file", "-x", "--makefile"))]
    held = [files.content(path) for path in told]
    from_input = {"-", "/dev/stdin"} & set(told) or call.name in {"at", "batch"}
    labels = set(call.stdin.labels) if from_input else set()
    labels.update(label for data in held if data is not None for label in data.labels)
    if Label.REMOTE in labels and (from_input or call.name not in {"jq", "sed", "awk", "gawk", "mawk"}):
        yield block("download_execute", "runs what comes from the network")


def _address_run(call: Call) -> Iterator[Hit]:
    """A program's own address instead of a file: what is there is run."""
    ran = [text for text in call.operands if text.startswith(("http://", "https://", "ftp://", "\\\\"))]
    if any("://localhost" not in text and "://127." not in text for text in ran):
        yield review("download_execute", "runs what comes from the network")


def _image_fetched(call: Call) -> Iterator[Hit]:
    verb = call.operands[:1]
    named = any(Label.REMOTE in arg.data.labels for arg in call.args)
    if (verb in (["load"], ["import"]) and Label.REMOTE in call.stdin.labels) or (verb == ["run"] and named):
        yield review("download_execute", "runs what comes from the network")


def _image(text: str) -> str:
    """An image's name, without the container's that it is set for."""
    return text.partition("=")[2] or text


def _bare_image(call: Call) -> Iterator[Hit]:
    """An image from a bare address of the open network."""
    if {"run", "create", "pull", "set"}.isdisjoint(call.operands[:2]):
        return
    hosts = [text.partition("/")[0].partition(":")[0] for text in map(_image, call.operands) if "/" in text]
    hosts += [data.text.partition("/")[0].partition(":")[0] for data in call.options("--image")]
    if any(host.count(".") == 3 and host.replace(".", "").isdigit() and not host.startswith(_NEAR) for host in hosts):  # noqa: PLR2004 (of an IPv4 address)
        yield review("download_execute", "runs an image of a bare address")


_NEAR = ("10.", "192.168.", "172.", "127.")


def _unpacked(call: Call) -> Iterator[Hit]:
    """An archive from the network, laid over the root."""
    if Label.REMOTE in call.stdin.labels and call.option("-C", "--directory") == "/":
        yield review("download_execute", "lays what comes from the network over the system")


def _package_source(call: Call) -> Iterator[Hit]:
    """Where packages come from, set to an address that nothing protects."""
    words = call.operands
    own = ("http://localhost", "http://127.", "http://host.docker.internal")
    named = [word for word in words if word.startswith("http://") and not word.startswith(own)]
    if words[:2] == ["config", "set"] and named and any("registry" in w or "index-url" in w for w in words):
        yield review("download_execute", "takes packages from an unprotected address")


def _foreign_playbook(call: Call) -> Iterator[Hit]:
    source = call.option("-U", "--url") or ""
    if source.startswith(("http://", "git://")) or source.partition("://")[2][:1].isdigit():
        yield review("download_execute", "runs what is fetched without protection")


_INSTALLERS = frozenset({"dpkg", "rpm", "apt", "apt-get", "dnf", "yum", "apk", "installer", "msiexec", "snap"})
_BUILDERS = frozenset({"make", "gmake", "ninja", "npm", "yarn", "pnpm", "pip", "pip3", "cargo", "rake", "just", "task"})


def runs_fetched(call: Call, files: Files) -> Iterator[Hit]:
    """What a call installs, builds or runs of what this text has fetched.

    Args:
        call: wrappers taken off.
        files: contents known from the same text.
    """
    if call.name in _EXECUTORS:
        yield from _told_by_fetched(call, files)
    if call.name in _INSTALLERS:
        yield from _from_network(call.operands, files)
    elif call.name in _BUILDERS or (call.name in {"docker", "podman", "nerdctl"} and call.operands[:1] == ["build"]):
        yield from _from_network([*call.operands, *(data.text for data in call.options("-C", "-f")), "."], files)


def _from_network(paths: Iterable[str], files: Files) -> Iterator[Hit]:
    held = [files.content(path) for path in paths]
    if any(data is not None and Label.REMOTE in data.labels for data in held):
        yield review("download_execute", "installs what was just fetched")


_PACKAGES = ("pip", "pip3", "npm", "yarn", "pnpm")
RULES: Mapping[str, Callable[[Call], Iterable[Hit]]] = {
    **dict.fromkeys(_PACKAGES, lambda call: [*_fetched_packages(call), *_package_source(call)]),
    **dict.fromkeys(("npx", "bunx", "pipx", "uvx", "uv", "bun", "go", "gem", "cargo", "rpm"), _fetched_packages),
    "tar": _unpacked,
    "deno": _deno,
    "ansible-pull": _foreign_playbook,
    **dict.fromkeys(("java", "jbang", "javaws", "cscript", "wscript", "msbuild", "mshta", "installutil"), _address_run),
    **dict.fromkeys(("docker", "podman", "nerdctl"), lambda call: [*_image_fetched(call), *_bare_image(call)]),
    **dict.fromkeys(("kubectl", "oc", "crictl", "ctr"), _bare_image),
}
ALWAYS: tuple[Callable[[Call], Iterable[Hit]], ...] = ()
