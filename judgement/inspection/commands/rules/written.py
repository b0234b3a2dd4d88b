"""The paths that a call writes, with the text that goes there."""

from __future__ import annotations

from collections.abc import Iterator

from ..model import HOME, UNKNOWN, Call
from ..targets import normal

HIDDEN_FOLDERS = ("/tmp/", "/var/tmp/", "/dev/shm/")  # noqa: S108 (patterns)
"""Where everybody may write, and nobody looks."""


_HOSTS = ("/host", "/hostfs", "/rootfs", "/mnt/host", "/proc/1/root")
"""Where a container finds the root of the machine that it runs on."""


def on_machine(path: str) -> str:
    """The path on the machine itself, where it is given as a container sees it."""
    return next((path.removeprefix(host) for host in _HOSTS if path.startswith(host + "/")), path)


def written_paths(call: Call) -> Iterator[tuple[str, str]]:
    """Each path that a call writes, with the text that goes there as far as it is known."""
    for made in call.outputs:
        yield normal(made.path, call.folder), made.data.text
    operands = call.operands
    if call.name in {"tee", "sponge"}:
        yield from ((normal(path, call.folder), call.stdin.text) for path in operands)
    elif call.name in {"cp", "mv", "ln", "install", "rsync", "scp", "ditto"} and len(operands) > 1:
        ending = operands[-1].endswith("/") or call.option("-t", "--target-directory") is not None
        yield normal(operands[-1], call.folder) + ("/x" if ending else ""), UNKNOWN
    elif call.name in {"sed", "gsed", "perl", "ruby", "awk", "gawk"} and any(
        t[:2] == "-i" or t.startswith("--in-place") or (t[:1] == "-" and t[1:2] != "-" and "i" in t) for t in call.argv
    ):
        program = " ".join(call.argv)
        yield from ((normal(path, call.folder), program) for path in operands if "/" in path or path.startswith("."))
    elif call.name in {"curl", "wget"}:
        named = call.option("-o", "-O", "--output", "--output-document")
        if named and named.startswith(("/", "~", HOME)):
            yield normal(named, call.folder), UNKNOWN
    elif call.name in {"add-content", "set-content", "out-file"} and operands:
        yield normal(operands[0], call.folder), " ".join([*operands[1:], call.stdin.text])
    elif call.name == "dd":
        yield from ((normal(t[3:], call.folder), UNKNOWN) for t in call.argv if t.startswith("of="))
