"""What goes over the network: shells given away, data sent out, programs fetched and run."""

# ruff: noqa: ARG001, ARG005 (one signature for all of a table)

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from ..flow import Files, path_labels
from ..model import UNKNOWN, Call, Data, Hit, Label, block, review
from ..secrets import is_secret

_SHELLS = frozenset(
    """
        sh bash zsh dash ksh ash fish csh tcsh cmd cmd.exe powershell powershell.exe pwsh rbash busybox
    """.split()
)
_NETCATS = frozenset(
    ["nc", "ncat", "netcat", "nc.traditional", "nc.openbsd", "pwncat", "cryptcat", "sbd", "rustcat", "rcat"]
)
_TAINTED = frozenset({Label.SECRET, Label.PRIVATE, Label.DUMP})
_LOCAL = ("localhost", "127.0.0.1", "::1", "[::1]", "0.0.0.0", "host.docker.internal")  # noqa: S104 (a name compared, nothing is bound)


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
        if outs or not call.has("c"):
            yield block("reverse_shell", "a shell that speaks over the network")
    elif call.name == "exec" and not call.args:
        yield block("reverse_shell", "opens the shell's own input and output to the network")
    for made in call.outputs:
        if made.path in outs and (
            made.data.labels & _TAINTED or any(Label.SECRET in path_labels(p, call.folder) for p in call.operands)
        ):
            yield block("exfiltrate", "sends private data over the network")


def _shell_reads_network(call: Call) -> Iterator[Hit]:
    """`… | nc host port | sh` and `mkfifo f; sh < f | nc … > f`."""
    interactive = call.name in _SHELLS and (call.has("i") or any("fifo" in p for p in call.inputs))
    if interactive and Label.REMOTE in call.stdin.labels:
        yield block("reverse_shell", "a shell that takes its commands from the network")


def _shell_to_network(call: Call) -> Iterator[Hit]:
    """An interactive shell's output that goes to the network."""
    if Label.SHELL in call.stdin.labels and call.name in _SENDERS and call.name != "ssh":
        yield block("reverse_shell", "a shell that speaks over the network")


def _ssh(call: Call) -> Iterator[Hit]:
    forwards = call.options("-R")
    if (
        forwards
        and (call.has("N") or call.has("f"))
        and any(data.text.endswith((":22", ":3389", ":5900")) or data.text.isdigit() for data in forwards)
    ):
        yield block("reverse_shell", "opens a way into this machine from outside")
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


# Data sent out.


def _local(call: Call) -> bool:
    texts = [text.split("://")[-1] for text in call.operands if not text.startswith("@")]
    return bool(texts) and all(text.startswith(_LOCAL) or text.isdigit() for text in texts)


def _curl_data(call: Call, files: Files) -> Iterator[Data]:
    """All that curl or wget sends: bodies, forms, uploads, addresses, headers."""
    sent = call.options(
        "-d",
        "--data",
        "--data-binary",
        "--data-raw",
        "--data-urlencode",
        "--data-ascii",
        "-F",
        "--form",
        "--form-string",
        "-T",
        "--upload-file",
        "--post-data",
        "--post-file",
        "--body-data",
        "--body-file",
        "--json",
    )
    for data in sent:
        yield data
        text = data.text.strip("\"'")
        at = text.find("@")
        name = text[at + 1 :].split(";")[0] if at >= 0 else text
        if "<" in text and at < 0:
            name = text.partition("<")[2]
        if name == "-" or (text == "." and call.option("-T")):
            yield call.stdin
        elif not text.startswith(("{", "[")):
            labels = path_labels(name, call.folder)
            held = files.content(name)
            yield Data(UNKNOWN, frozenset(labels) | (held.labels if held else frozenset()))
    for arg in call.args:
        yield Data("", arg.data.labels - {Label.SECRET} if _authorizes(arg.text) else arg.data.labels)


def _authorizes(text: str) -> bool:
    """A header or user that signs a request with a token is what tokens are for."""
    return text.lower().startswith(
        ("authorization:", "x-api-key", "private-token", "x-auth", "api-key", "x-vault", "bearer", "token ", "-h")
    ) or (text.endswith(UNKNOWN) and ":" in text.split("@", maxsplit=1)[0] and "//" not in text)


def sends_content(call: Call, files: Files) -> Iterator[Hit]:
    """Every program that sends something away: what it sends is looked at.

    Args:
        call: wrappers taken off.
        files: contents known from the same text.
    """
    sender = _SENDERS.get(call.name)
    if sender is None or _local(call):
        return
    labels = {label for data in sender(call, files) for label in data.labels}
    if Label.SECRET in labels or Label.PRIVATE in labels:
        yield block("exfiltrate", "sends credentials or private data away")
    elif Label.DUMP in labels and call.name not in frozenset(
        """
        ssh scp rsync aws gsutil rclone sftp mc restic
    """.split()
    ):
        yield block("exfiltrate", "sends a whole database away")
    elif Label.DUMP in labels and Label.EVERYTHING in labels:
        yield review("exfiltrate", "sends all databases away")
    elif (
        call.name == "aws"
        and call.has("", "--no-sign-request")
        and call.operands[-1].startswith("s3://")
        and (call.operands[:2] in (["s3", "cp"], ["s3", "sync"], ["s3", "mv"]))
    ):
        yield review("exfiltrate", "sends files to a store that asks for no name")
    elif Label.HOST in labels and call.name in {"dig", "nslookup", "host", "ping", "drill"}:
        yield block("exfiltrate", "tells about the machine in a name that is looked up")


def _from_stdin(call: Call, files: Files) -> Iterator[Data]:
    yield call.stdin
    for path in call.inputs:
        yield Data("", frozenset(path_labels(path, call.folder)))


def _arguments(call: Call, files: Files) -> Iterator[Data]:
    yield from (arg.data for arg in call.args)


def _copies(call: Call, files: Files) -> Iterator[Data]:
    """scp, rsync and the like: local sources, where the target is elsewhere."""
    used = {data.text for data in call.options("-i", "-F", "-P", "-e", "-o", "-J", "-l")}
    operands = [text for text in call.operands if text not in used]
    if call.name == "aws":
        operands = operands[2:] if operands[:1] == ["s3"] else []
    elif call.name in {"gsutil", "rclone", "mc", "gcloud", "az", "azcopy"}:
        operands = operands[1:]
    if len(operands) > 1 and (":" in operands[-1] and not operands[-1].startswith(("/", "."))):
        for path in operands[:-1]:
            labels = path_labels(path, call.folder)
            held = files.content(path)
            yield Data(path, frozenset(labels) | (held.labels if held else frozenset()))
        if operands[0] == "-":
            yield call.stdin


def _mail(call: Call, files: Files) -> Iterator[Data]:
    yield from _from_stdin(call, files)
    for data in call.options("-a", "-A", "--attach", "--attachment"):
        yield Data("", frozenset(path_labels(data.text, call.folder)))


def _ssh_stdin(call: Call, files: Files) -> Iterator[Data]:
    yield call.stdin if not call.stdin.known else Data("", call.stdin.labels)


def _socat_sent(call: Call, files: Files) -> Iterator[Data]:
    yield from _from_stdin(call, files)
    for text in call.operands:
        kind, _, path = text.partition(":")
        if kind.lower() in {"file", "open", "gopen", "exec", "system"}:
            yield Data("", frozenset(path_labels(path.split(",", maxsplit=1)[0], call.folder)))


def _sftp_sent(call: Call, files: Files) -> Iterator[Data]:
    """What the lines of a batch put away."""
    yield call.stdin
    for line in call.stdin.text.split("\n")[:200]:
        words = line.split()
        if words[:1] and words[0] in {"put", "mput", "reput", "mirror", "send"}:
            for path in words[1:]:
                yield Data("", frozenset(path_labels(path, call.folder)))


def _named(call: Call, files: Files) -> Iterator[Data]:
    for path in call.operands:
        yield Data("", frozenset(path_labels(path, call.folder)))
    yield call.stdin


_Sender = Callable[[Call, Files], Iterator[Data]]
_SENDERS: Mapping[str, _Sender] = {
    **dict.fromkeys(("curl", "wget", "http", "https", "xh"), _curl_data),
    **dict.fromkeys(_NETCATS, _from_stdin),
    "socat": _socat_sent,
    **dict.fromkeys(("sftp", "ftp", "lftp", "tftp"), _sftp_sent),
    **dict.fromkeys(("telnet", "openssl", "ncftpput", "logger"), _from_stdin),
    **dict.fromkeys(("dig", "nslookup", "host", "ping", "drill", "lynx", "w3m"), _arguments),
    **dict.fromkeys(("scp", "rsync", "aws", "gsutil", "rclone", "mc", "azcopy"), _copies),
    **dict.fromkeys(("mail", "mailx", "sendmail", "mutt", "swaks", "msmtp", "s-nail"), _mail),
    "ssh": _ssh_stdin,
    **dict.fromkeys(
        ("croc", "wormhole", "magic-wormhole", "transfer", "ffsend", "gist", "pastebinit", "nopaste", "termbin"), _named
    ),
}


def _stores_secret(call: Call) -> Iterator[Hit]:
    """A secret handed to a program that only sends."""
    if call.name in {"curl", "wget", "scp", "rsync", "rclone"} and any(
        is_secret(text.partition("@")[2] or text, call.folder) for text in call.argv if "://" not in text
    ):
        keys = {
            data.text
            for data in call.options(
                "-i", "--key", "--cert", "-E", "--netrc-file", "-F", "--cacert", "--private-key", "-K"
            )
        }
        if any(
            is_secret(text.partition("@")[2] or text, call.folder) and text not in keys and "key=" not in text
            for text in call.argv
        ):
            yield block("exfiltrate", "hands credentials to a program that sends")


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


RULES: Mapping[str, Callable[[Call], Iterable[Hit]]] = {
    **dict.fromkeys(_NETCATS, _netcat),
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
    "pip": _fetched_packages,
    "pip3": _fetched_packages,
    **dict.fromkeys(
        ("npm", "npx", "bunx", "pipx", "uvx", "uv", "deno", "bun", "go", "gem", "cargo", "yarn", "pnpm"),
        _fetched_packages,
    ),
    "rpm": _fetched_packages,
}
ALWAYS: tuple[Callable[[Call], Iterable[Hit]], ...] = (
    _shell_on_network,
    _shell_reads_network,
    _shell_to_network,
    _stores_secret,
)
