"""People and programs listened to: keyboards, screens, microphones, other programs' talk, others' traffic."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from ..model import Call, Hit, block, review
from ..secrets import is_secret

_FAMILY = "credentials"


def _keyboard(call: Call) -> Iterator[Hit]:
    if any(
        path.startswith(("/dev/input/event", "/dev/uinput", "/dev/hidraw")) for path in [*call.operands, *call.inputs]
    ):
        yield block(_FAMILY, "reads what is typed")


def _key_events(call: Call) -> Iterator[Hit]:
    if call.operands[:1] in (["test"], ["test-xi2"]):
        yield block(_FAMILY, "reads what is typed")


def _traced(call: Call) -> Iterator[Hit]:
    talks = any("read" in data.text or "write" in data.text for data in call.options("-e", "--trace"))
    if talks and call.option("-p", "--attach") is not None:
        yield review(_FAMILY, "listens to another program")


def _tool(what: str) -> Callable[[Call], Iterator[Hit]]:
    def rule(_call: Call) -> Iterator[Hit]:
        yield block(_FAMILY, what)

    return rule


def _copied(call: Call) -> Iterator[Hit]:
    """Credentials taken out of a container."""
    words = call.operands
    if "cp" in words[:2] and any(is_secret(text.partition(":")[2]) for text in words if ":" in text):
        yield block(_FAMILY, "copies credentials out of a container")


def _directory(call: Call) -> Iterator[Hit]:
    if any(word.lower() in {"userpassword", "unicodepwd", "sambantpassword"} for word in call.operands):
        yield block(_FAMILY, "reads accounts' passwords from a directory")


RULES: Mapping[str, Callable[[Call], Iterable[Hit]]] = {
    "xinput": _key_events,
    **dict.fromkeys(("strace", "ltrace"), _traced),
    **dict.fromkeys(("logkeys", "xspy", "lkl", "keylogger"), _tool("keeps what is typed")),
    **dict.fromkeys(
        ("bettercap", "arpspoof", "ettercap", "mitmf", "dnsspoof", "sslstrip", "dsniff", "evilginx", "wifiphisher"),
        _tool("puts itself between others' machines"),
    ),
    **dict.fromkeys(("medusa", "ncrack", "patator", "kerbrute", "crowbar"), _tool("guesses passwords")),
    **dict.fromkeys(("docker", "podman", "nerdctl", "kubectl", "oc"), _copied),
    "ldapsearch": _directory,
}
ALWAYS: tuple[Callable[[Call], Iterable[Hit]], ...] = (_keyboard,)
