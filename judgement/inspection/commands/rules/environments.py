"""Environments, memory and histories of programs, where credentials are found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from ..model import Call, Hit, Label, block, review
from ..secrets import hunts_credentials
from ..targets import is_history

_FAMILY = "credentials"


def _hunted(call: Call) -> Iterator[Hit]:
    """What an environment, a history or an account's file is sifted for."""
    private = Label.PRIVATE in call.stdin.labels or any(is_history(path) for path in call.operands[1:])
    if private and hunts_credentials(call) and not call.has("vq", "--invert-match", "--quiet"):
        yield review(_FAMILY, "looks for credentials in an environment or a history")


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


RULES: Mapping[str, Callable[[Call], Iterable[Hit]]] = {
    **dict.fromkeys((*_ENGINES, "kubectl", "oc"), _environment),
    **dict.fromkeys(("jq", "gojq", "yq"), _filtered),
    **dict.fromkeys(("env", "printenv"), _within),
    **dict.fromkeys(("grep", "rg", "egrep", "ag", "fgrep", "zgrep"), _hunted),
    "gcore": _memory,
    "ps": _ps,
}
ALWAYS: tuple[Callable[[Call], Iterable[Hit]], ...] = ()
