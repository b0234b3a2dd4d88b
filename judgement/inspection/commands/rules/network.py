"""Shells given to the network, ways in from outside, programs fetched and run."""

# ruff: noqa: ARG001, ARG005 (one signature for all of a table)

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from ..filters import path_labels
from ..model import Call, Hit, Label, block, review
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
        if text[:1] == "-" and text[1:2] != "-" and text.endswith(("e", "c")) and len(text) > 2  # noqa: PLR2004
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
    forwards = call.options("-R")
    if (
        forwards
        and (call.has("N") or call.has("f"))
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


def _tunnels(call: Call) -> Iterator[Hit]:
    yield review("reverse_shell", "opens a way into this machine from outside")


def _xterm(call: Call) -> Iterator[Hit]:
    display = call.option("-display", "--display")
    if display and not display.startswith((":", "localhost", "unix")):
        yield block("reverse_shell", "gives a terminal to another machine")


def _web_terminals(call: Call) -> Iterator[Hit]:
    if any(_is_shell(text) for text in call.argv):
        yield block("reverse_shell", "gives a shell to whoever connects")


# Programs fetched.


def _fetched_packages(call: Call) -> Iterator[Hit]:
    words = call.operands
    runs = {"npx", "bunx", "pipx", "uvx", "deno", "bun", "go"} & {call.name}
    if any("http://" in word and "://localhost" not in word and "://127." not in word for word in words) and (
        runs or "install" in words or "add" in words
    ):
        yield review("download_execute", "runs or installs what is fetched without protection")
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


_REGISTRIES = ("https://deno.land/", "https://jsr.io/", "https://esm.sh/", "https://localhost")


def _deno(call: Call) -> Iterator[Hit]:
    yield from _fetched_packages(call)
    foreign = [word for word in call.operands if word.startswith("https://") and not word.startswith(_REGISTRIES)]
    if foreign and call.has("A", "--allow-all", "--allow-run", "--allow-env", "--allow-read"):
        yield review("download_execute", "runs what comes from the network with all powers")


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


RULES: Mapping[str, Callable[[Call], Iterable[Hit]]] = {
    **dict.fromkeys(NETCATS, _netcat),
    "socat": _socat,
    "ssh": _ssh,
    "autossh": _ssh,
    "xterm": _xterm,
    "ttyd": _web_terminals,
    "telnetd": _web_terminals,
    "in.telnetd": _web_terminals,
    "tcpserver": _web_terminals,
    "ncat-server": _web_terminals,
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
    "ztcp": lambda call: [block("reverse_shell", "a shell's own connection to the network")],
    "msfvenom": lambda call: [block("reverse_shell", "makes a hostile program")],
    "msfconsole": lambda call: [review("reverse_shell", "starts a kit for attacks")],
    **dict.fromkeys(("pip", "pip3"), lambda call: [*_fetched_packages(call), *_package_source(call)]),
    "tar": _unpacked,
    **dict.fromkeys(("npm", "yarn", "pnpm"), lambda call: [*_fetched_packages(call), *_package_source(call)]),
    **dict.fromkeys(
        ("npx", "bunx", "pipx", "uvx", "uv", "bun", "go", "gem", "cargo"),
        _fetched_packages,
    ),
    "rpm": _fetched_packages,
    "deno": _deno,
    "ansible-pull": _foreign_playbook,
}
ALWAYS: tuple[Callable[[Call], Iterable[Hit]], ...] = (
    _shell_on_network,
    _shell_reads_network,
    _shell_to_network,
)
