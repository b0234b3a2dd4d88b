"""Data sent out: what each program sends is looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from ..model import UNKNOWN, Call, Data, Hit, Label, block, review
from ..secrets import CONFIDENTIAL, is_secret
from ..sources import Files, path_labels

NETCATS = frozenset(
    ["nc", "ncat", "netcat", "nc.traditional", "nc.openbsd", "pwncat", "cryptcat", "sbd", "rustcat", "rcat"]
)
TAINTED = frozenset({Label.SECRET, Label.PRIVATE, Label.DUMP})
_CURL_FLAGS = frozenset("sSfLkvigGNn46#")
_LOCAL = ("localhost", "127.0.0.1", "::1", "[::1]", "0.0.0.0", "host.docker.internal")  # noqa: S104 (a name compared, nothing is bound)


def _local(call: Call) -> bool:
    texts = [text.split("://")[-1] for text in call.operands if not text.startswith("@")]
    listens = call.name in NETCATS and call.has("l", "--listen")
    return bool(texts) and not listens and all(text.startswith(_LOCAL) or text.isdigit() for text in texts)


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
    for data in [*sent, *_bundled(call)]:
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


def _bundled(call: Call) -> Iterator[Data]:
    """What curl sends by an option that ends a bundle of short ones, such as `-sF`."""
    for text, value in zip(call.argv, call.args[1:], strict=False):
        if call.name == "curl" and text[2:] and text[-1] in "dFT" and set(text[1:-1]) <= _CURL_FLAGS:
            yield value.data


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
    sender = SENDERS.get(call.name)
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
        yield block("exfiltrate", "sends a whole database, image or archive away")
    elif Label.DUMP in labels and Label.EVERYTHING in labels:
        yield review("exfiltrate", "sends all databases away")
    elif (
        call.name == "aws"
        and call.has("", "--no-sign-request")
        and call.operands[-1].startswith("s3://")
        and (call.operands[:2] in (["s3", "cp"], ["s3", "sync"], ["s3", "mv"]))
    ):
        yield review("exfiltrate", "sends files to a store that asks for no name")
    elif call.name == "ping" and any(UNKNOWN in data.text for data in call.options("-p")):
        yield review("exfiltrate", "sends something away in the filling of a ping")
    elif Label.HOST in labels and call.name in {"dig", "nslookup", "host", "ping", "drill"}:
        yield block("exfiltrate", "tells about the machine in a name that is looked up")


def _from_stdin(call: Call, _files: Files) -> Iterator[Data]:
    yield call.stdin
    for path in call.inputs:
        yield Data("", frozenset(path_labels(path, call.folder)))


def _arguments(call: Call, _files: Files) -> Iterator[Data]:
    yield from (arg.data for arg in call.args)


def _copies(call: Call, files: Files) -> Iterator[Data]:
    """scp, rsync and the like: local sources, where the target is elsewhere."""
    used = {data.text for data in call.options("-i", "-F", "-P", "-e", "-o", "-J", "-l")}
    operands = [text for text in call.operands if text not in used]
    if call.name == "aws":
        operands = operands[2:] if operands[:1] == ["s3"] else []
        last = max((at for at, text in enumerate(operands) if text.startswith("s3://")), default=-1)
        operands = operands[: last + 1]
    elif call.name in {"gsutil", "rclone", "mc", "gcloud", "az", "azcopy"}:
        operands = operands[1 + (call.name == "gcloud") :]
    if len(operands) > 1 and any(_of_others(path, operands[-1]) for path in operands[:-1]):
        yield Data("", frozenset({Label.PRIVATE}))
    if len(operands) > 1 and (":" in operands[-1] and not operands[-1].startswith(("/", "."))):
        for path in operands[:-1]:
            labels = path_labels(path, call.folder)
            held = files.content(path)
            yield Data(path, frozenset(labels) | (held.labels if held else frozenset()))
        if operands[0] == "-":
            yield call.stdin


def _of_others(source: str, target: str) -> bool:
    """Whether a store that is named for what a company keeps to itself is copied into somebody else's."""
    held, given = (_names(path) for path in (source, target))
    stores = ":" in source or source.count("/") == 1
    return stores and not _local_path(target) and bool(held & CONFIDENTIAL) and not held & given


def _local_path(path: str) -> bool:
    return path.startswith((".", "/", "~")) or ("://" not in path and ":" not in path and "/" not in path)


def _names(address: str) -> set[str]:
    bucket = address.partition("://")[2] or address
    return set("".join(char if char.isalnum() else " " for char in bucket.lower()).split()) - {"https", "net", "com"}


def _mail(call: Call, files: Files) -> Iterator[Data]:
    yield from _from_stdin(call, files)
    for data in call.options("-a", "-A", "--attach", "--attachment"):
        yield Data("", frozenset(path_labels(data.text, call.folder)))


def _ssh_stdin(call: Call, _files: Files) -> Iterator[Data]:
    yield call.stdin if not call.stdin.known else Data("", call.stdin.labels)


def _socat_sent(call: Call, files: Files) -> Iterator[Data]:
    yield from _from_stdin(call, files)
    for text in call.operands:
        kind, _, path = text.partition(":")
        if kind.lower() in {"file", "open", "gopen", "exec", "system"}:
            yield Data("", frozenset(path_labels(path.split(",", maxsplit=1)[0], call.folder)))


def _sftp_sent(call: Call, _files: Files) -> Iterator[Data]:
    """What the lines of a batch, or of an option, put away."""
    yield call.stdin
    told = [call.stdin.text, *(data.text for data in call.options("-e", "-c", "--command"))]
    if call.name == "tftp":
        told.append(" ".join(call.argv[call.argv.index("put") :] if "put" in call.argv else ()))
    for line in "\n".join(told).replace(";", "\n").split("\n")[:200]:
        words = line.split()
        if words[:1] and words[0] in {"put", "mput", "reput", "mirror", "send"}:
            for path in words[1:]:
                yield Data("", frozenset(path_labels(path, call.folder)))


def _named(call: Call, _files: Files) -> Iterator[Data]:
    for path in call.operands:
        yield Data("", frozenset(path_labels(path, call.folder)))
    yield call.stdin


def _given(call: Call, files: Files) -> Iterator[Data]:
    """All that a client of a network is given: its words, the files among them, its input."""
    needs_host = {"redis-cli": ("-h", "-u"), "valkey-cli": ("-h", "-u"), "logger": ("-n", "--server")}.get(call.name)
    if needs_host is not None and call.option(*needs_host) is None:
        return
    yield from _from_stdin(call, files)
    yield from _arguments(call, files)
    yield from _named(call, files)


def _body(call: Call, files: Files) -> Iterator[Data]:
    """PowerShell's requests: a file, a text, or what comes down the pipe."""
    written = {text.lower(): value for text, value in zip(call.argv, call.args[1:], strict=False)}
    for name in ("-infile", "-body", "-form"):
        if name in written:
            path = written[name].text
            held = files.content(path)
            yield Data("", frozenset(path_labels(path, call.folder)) | (held.labels if held else frozenset()))
            yield written[name].data
            if path.endswith(".FullName"):
                yield from (
                    Data("", frozenset(path_labels(each, call.folder))) for each in call.stdin.text.split()[:50]
                )
    yield call.stdin


def _pushed(call: Call, files: Files) -> Iterator[Data]:
    """An image that this text made of a running container."""
    for name in call.operands[1:] if call.operands[:1] == ["push"] else ():
        held = files.content(name)
        yield held if held is not None else Data()


def _uploads(call: Call, _files: Files) -> Iterator[Data]:
    """Stores and forges: files named by an option or, for what shares a text, as operands."""
    named = [data.text for data in call.options("-f", "--file", "--source", "-s", "--body-file")]
    if {"gist", "upload", "put", "cp", "copy", "storage", "snippet"} & set(call.operands[:3]):
        for path in [*named, *call.operands[1:]]:
            yield Data("", frozenset(path_labels(path, call.folder)))


def _of_gcloud(call: Call, files: Files) -> Iterator[Data]:
    yield from _uploads(call, files)
    yield from _copies(call, files)


_Sender = Callable[[Call, Files], Iterator[Data]]
SENDERS: Mapping[str, _Sender] = {
    **dict.fromkeys(("curl", "wget", "http", "https", "xh"), _curl_data),
    **dict.fromkeys(NETCATS, _from_stdin),
    "socat": _socat_sent,
    **dict.fromkeys(("sftp", "ftp", "lftp", "tftp", "smbclient"), _sftp_sent),
    **dict.fromkeys(("finger", "whois", "nsupdate", "kafkacat", "kcat", "mosquitto_pub", "amqp-publish"), _given),
    **dict.fromkeys(("redis-cli", "valkey-cli", "mqtt", "nats", "irc", "ii", "stunnel", "snmptrap"), _given),
    **dict.fromkeys(("ftpput", "hping3", "nping", "logger", "onionshare", "onionshare-cli", "curlftpfs"), _given),
    **dict.fromkeys(("telnet", "openssl", "ncftpput"), _from_stdin),
    **dict.fromkeys(("dig", "nslookup", "host", "ping", "drill", "lynx", "w3m"), _arguments),
    **dict.fromkeys(("scp", "rsync", "rcp", "aws", "gsutil", "rclone", "mc", "azcopy"), _copies),
    **dict.fromkeys(("mail", "mailx", "sendmail", "mutt", "swaks", "msmtp", "s-nail"), _mail),
    "gcloud": _of_gcloud,
    "ssh": _ssh_stdin,
    **dict.fromkeys(("docker", "podman", "nerdctl", "buildah"), _pushed),
    **dict.fromkeys(("iwr", "irm", "invoke-webrequest", "invoke-restmethod"), _body),
    **dict.fromkeys(("az", "gh", "glab", "s3cmd", "s5cmd", "b2", "ossutil", "coscmd", "doctl"), _uploads),
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


RULES: Mapping[str, Callable[[Call], Iterable[Hit]]] = {}
ALWAYS: tuple[Callable[[Call], Iterable[Hit]], ...] = (_stores_secret,)
