"""Shells given to the network, and ways in from outside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from ..model import Call, Hit, Label, block, review
from ..sources import path_labels
from .exfiltrate import NETCATS, SENDERS, TAINTED

_SHELLS = frozenset(
    """
        sh bash zsh dash ksh ash fish csh tcsh cmd cmd.exe powershell powershell.exe pwsh rbash busybox
    """.split()
)


_RELAYS = ("serveo", "localhost.run", "pinggy", "srv.us", "ngrok", "lhr.life", "tunnelto")


def _is_shell(text: str) -> bool:
    words = text.replace(",", " ").split()
    words = words[1:] if words[:1] == ["exec"] else words
    return bool(words) and words[0].rpartition("/")[2].strip("\"'") in _SHELLS


def _netcat(call: Call) -> Iterator[Hit]:
    program = call.option("-e", "-c", "--exec", "--sh-exec", "--lua-exec")
    bundled = [
        n
        for n, text in enumerate(call.argv)
        if text[:1] == "-" and text[1:2] != "-" and text.endswith(("e", "c")) and text[2:]
    ]
    if program is None and bundled and bundled[0] + 1 < len(call.args):
        program = call.argv[bundled[0] + 1]
    if program is not None and (_is_shell(program) or call.has("", "-e", "--exec", "--sh-exec") or bundled):
        yield block("reverse_shell", "gives a program to whoever is at the other end")


def _socat(call: Call) -> Iterator[Hit]:
    kinds = [text.partition(":")[0].split(",")[0].lower() for text in call.operands]
    network = any(
        kind.startswith(("tcp", "udp", "openssl", "ssl", "sctp", "vsock", "socks", "proxy", "ip")) for kind in kinds
    )
    if network and any(kind in {"exec", "system", "shell"} for kind in kinds):
        yield block("reverse_shell", "gives a program to whoever is at the other end")


def _shell_on_network(call: Call) -> Iterator[Hit]:
    """A shell, or anything, with its input or output on a network device of bash."""
    outs = [made.path for made in call.outputs if made.path.startswith(("/dev/tcp/", "/dev/udp/"))]
    ins = [path for path in call.inputs if path.startswith(("/dev/tcp/", "/dev/udp/"))]
    if not outs and not ins:
        return
    if call.name in _SHELLS or any(_is_shell(text) for text in call.argv[:3]):
        if outs or call.name not in _SHELLS or not call.has("c"):
            yield block("reverse_shell", "a shell that speaks over the network")
    elif call.name == "exec" and not call.args:
        yield block("reverse_shell", "opens the shell's own input and output to the network")
    for made in call.outputs:
        if made.path in outs and (
            made.data.labels & TAINTED or any(Label.SECRET in path_labels(p, call.folder) for p in call.operands)
        ):
            yield block("exfiltrate", "sends private data over the network")


def _shell_reads_network(call: Call) -> Iterator[Hit]:
    """`… | nc host port | sh` and `mkfifo f; sh < f | nc … > f`."""
    interactive = call.name in _SHELLS and (call.has("i") or any("fifo" in p for p in call.inputs))
    if interactive and Label.REMOTE in call.stdin.labels:
        yield block("reverse_shell", "a shell that takes its commands from the network")


def _shell_to_network(call: Call) -> Iterator[Hit]:
    """An interactive shell's output that goes to the network."""
    if Label.SHELL in call.stdin.labels and call.name in SENDERS and call.name != "ssh":
        yield block("reverse_shell", "a shell that speaks over the network")


def _ssh(call: Call) -> Iterator[Hit]:
    forwards = [*call.options("-R"), *call.bundled("R")]
    if (
        forwards
        and call.has("NfR")
        and any(data.text.endswith((":22", ":3389", ":5900")) or data.text.isdigit() for data in forwards)
    ):
        yield block("reverse_shell", "opens a way into this machine from outside")
    if forwards and any(relay in text for relay in _RELAYS for text in call.operands):
        yield review("reverse_shell", "opens a way into this machine from outside")
    for data in call.options("-o"):
        held = data.text.replace(" ", "=", 1).partition("=")
        if held[0].lower() in {"proxycommand", "localcommand"} and any(
            mark in held[2] for mark in (";", "sh -c", "/bin/sh", "bash")
        ):
            yield block("reverse_shell", "runs a program through an option of ssh")


def _tunnels(_call: Call) -> Iterator[Hit]:
    yield review("reverse_shell", "opens a way into this machine from outside")


def _xterm(call: Call) -> Iterator[Hit]:
    display = call.option("-display", "--display")
    if display and not display.startswith((":", "localhost", "unix")):
        yield block("reverse_shell", "gives a terminal to another machine")


def _web_terminals(call: Call) -> Iterator[Hit]:
    if any(_is_shell(text) for text in call.argv):
        yield block("reverse_shell", "gives a shell to whoever connects")


RULES: Mapping[str, Callable[[Call], Iterable[Hit]]] = {
    **dict.fromkeys(NETCATS, _netcat),
    "socat": _socat,
    "ssh": _ssh,
    "autossh": _ssh,
    "xterm": _xterm,
    "ttyd": _web_terminals,
    "telnetd": _web_terminals,
    **dict.fromkeys(
        tuple(
            """
            in.telnetd tcpserver ncat-server websocketd systemd-socket-activate wetty stunnel stunnel4 sslh tcpsvd
            udpsvd ucspi-tcp s6-tcpserver webtty tty2web ttyd-proxy butterfly.server.py pagekite xinetd inetd-run
        """.split()
        ),
        _web_terminals,
    ),
    "inetd": _tunnels,
    "dropbear": _tunnels,
    "cloudflared": _tunnels,
    "gost": _tunnels,
    "ligolo": _tunnels,
    "localtunnel": _tunnels,
    "lt": _tunnels,
    "gotty": _web_terminals,
    "shellinaboxd": _tunnels,
    "ngrok": _tunnels,
    "chisel": _tunnels,
    "frpc": _tunnels,
    "bore": _tunnels,
    "tmate": _tunnels,
    "ztcp": lambda _call: [block("reverse_shell", "a shell's own connection to the network")],
    "msfvenom": lambda _call: [block("reverse_shell", "makes a hostile program")],
    "msfconsole": lambda _call: [review("reverse_shell", "starts a kit for attacks")],
}
ALWAYS: tuple[Callable[[Call], Iterable[Hit]], ...] = (
    _shell_on_network,
    _shell_reads_network,
    _shell_to_network,
)
