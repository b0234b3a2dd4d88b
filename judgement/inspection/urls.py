"""Server-side request forgery: addresses that lead back into the machine, its network or its cloud's metadata."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..finding import Finding, Severity
from .addresses import METADATA_NAMES, Judged, address_of, host_of, judge_address

MAX_TEXT = 16 * 1024
Resolve = Callable[[str], Sequence[str]]

_SAFE_SCHEMES = frozenset({"http", "https", "ws", "wss", "mailto", "git", "ssh"})
_DANGEROUS = frozenset(
    [
        "file",
        "gopher",
        "dict",
        "ldap",
        "ldaps",
        "ldapi",
        "jar",
        "netdoc",
        "tftp",
        "sftp",
        "phar",
        "expect",
        "php",
        "data",
        "javascript",
        "vbscript",
        "ogg",
        "zlib",
        "glob",
        "compress.zlib",
        "smb",
        "cifs",
        "nfs",
        "afp",
        "rmi",
        "jndi",
        "dns",
        "telnet",
        "rtsp",
        "imap",
        "imaps",
        "pop3",
        "smtp",
        "local_file",
        "view-source",
        "about",
    ]
)
# Schemes of services that programs connect to; one that isn't known here names a thing within some program
_SERVICE_WORDS = """
amqp amqps bolt bzr cassandra coap consul couchbase dav davs docker elasticsearch etcd finger fish ftp ftps gs hdfs hg
irc ircs jdbc kafka mariadb memcache memcached mongodb mqtt mqtts mssql mysql nats neo4j news nntp odbc oracle postgres
postgresql rdp redis rediss rsync rtmp rtmps rtsps s3 s3a scp sip sips snmp socks socks4 socks5 sqlserver stun svn tcp
tls turn udp unix vnc webdav webdavs whois x11 xmpp zookeeper
"""
_SERVICES = frozenset(_SERVICE_WORDS.split())
_LOCAL_NAMES = frozenset(
    [
        "localhost",
        "localhost.localdomain",
        "localhost6",
        "ip6-localhost",
        "ip6-loopback",
        "loopback",
        "broadcasthost",
        "kubernetes.default.svc",
        "kubernetes",
        "kubernetes.default",
        "host.docker.internal",
        "gateway.docker.internal",
        "host.containers.internal",
        "docker.internal",
    ]
)
_LOCAL_ENDINGS = (
    ".localhost",
    ".localdomain",
    ".local",
    ".internal",
    ".intranet",
    ".lan",
    ".corp",
    ".home.arpa",
    ".home",
    ".svc",
    ".cluster.local",
    ".private",
)
_WILDCARD_NAMES = (
    "nip.io",
    "sslip.io",
    "xip.io",
    "localtest.me",
    "lvh.me",
    "vcap.me",
    "lacolhost.com",
    "yoogle.com",
    "127-0-0-1.org.uk",
    "traefik.me",
    "local.gd",
    "fbi.com",
    "1u.ms",
    "rbndr.us",
    "readme.localtest.me",
    "bc.googleusercontent.com.xip.io",
    "backname.io",
    "fuf.me",
    "localhost.run",
    "burpcollaborator.net",
)

_WORDS = {
    "metadata": "the cloud's metadata service",
    "loopback": "this machine itself",
    "private": "a private network",
    "link_local": "a link-local address",
    "reserved": "an address that is no public host's",
    "local_name": "a name that means this machine or its network",
    "wildcard_name": "a public name that resolves to any address, private ones too",
    "scheme": "a scheme that reads files or speaks to other services",
    "userinfo": "a user name that looks like a host",
    "disguised": "an address written so that checks overlook it",
    "malformed": "an address that programs read differently",
    "resolves_private": "a name that resolves to a private address",
    "too_large": "longer than an address can be",
}
_REMEDY = "Use a public https address that the policy allows."


def inspect_url(text: str, resolve: Resolve | None = None) -> list[Finding]:
    """Judge one address for server-side request forgery.

    Args:
        text: a URL, or a host with or without a port.
        resolve: gives a name's addresses (the caller may ask the network); None leaves names unresolved.

    Returns:
        Findings with rules `url.<name>`: metadata, loopback, private, link_local, reserved, local_name, wildcard_name,
        scheme, userinfo, disguised, malformed, resolves_private, too_large.
    """
    if len(text) > MAX_TEXT:
        return [_finding("too_large", Severity.REVIEW, text)]
    found: dict[str, Severity] = {}
    for rule, severity in _judge(text, resolve):
        found[rule] = max(severity, found.get(rule, Severity.INFO))
    return [_finding(rule, severity, text) for rule, severity in found.items()]


def _finding(rule: str, severity: Severity, text: str) -> Finding:
    return Finding(
        f"url.{rule}",
        severity,
        0,
        len(text),
        0.95 if severity is Severity.BLOCK else 0.7,
        f"Leads to {_WORDS[rule]}",
        _REMEDY,
    )


def _judge_scheme(scheme: str) -> Judged:
    nested = scheme.partition("+")[0].removeprefix("url:")
    if nested in _DANGEROUS or scheme in _DANGEROUS:
        yield "scheme", Severity.BLOCK
    elif scheme and scheme not in _SAFE_SCHEMES and scheme not in {"ftp", "ftps", "s3", "gs"}:
        yield "scheme", Severity.REVIEW


def _judge(text: str, resolve: Resolve | None) -> Judged:
    cleaned = text.strip().strip("\"'<>")
    plain = "".join(char for char in cleaned if char not in "\t\r\n\0")
    if plain != cleaned:
        yield "malformed", Severity.BLOCK
    scheme, rest = _scheme(plain)
    if _is_identifier(scheme, rest):
        return
    yield from _judge_scheme(scheme)
    if scheme == "mailto":
        return
    authority = rest.replace("\\", "/").lstrip("/")
    if "\\" in rest.split("?")[0]:
        yield "malformed", Severity.BLOCK
    for mark in "/?#":
        authority = authority.partition(mark)[0]
    user, at, host = authority.rpartition("@")
    if at:
        if "." in user.split(":")[0] or "@" in user or "localhost" in user or "%" in user:
            yield "userinfo", Severity.BLOCK
        if "\\" in rest.split("@")[0]:
            yield from _host_findings(host_of(user)[0], resolve)
    name, disguised = host_of(host)
    if disguised:
        yield "disguised", Severity.BLOCK
    yield from _host_findings(name, resolve)


def _is_identifier(scheme: str, rest: str) -> bool:
    """Whether it names a thing within some program, as MCP's resources are (`aura://docs/policy`), and no host."""
    if not scheme or set(scheme.split("+")) & (_SAFE_SCHEMES | _DANGEROUS | _SERVICES):
        return False
    word = rest.removeprefix("//").partition("/")[0]
    name = word.lower()
    is_word = word.isascii() and bool(word) and all(char.isalnum() or char in "-_" for char in word)
    is_host = name in METADATA_NAMES or name in _LOCAL_NAMES or address_of(name)[0] is not None
    return rest.startswith("//") and is_word and not is_host


def _scheme(text: str) -> tuple[str, str]:
    scheme, colon, rest = text.partition(":")
    lowered = scheme.lower()
    if lowered == "url":
        return _scheme(rest)
    named = colon and lowered[:1].isalpha() and all(char.isalnum() or char in "+.-" for char in lowered)
    leads = rest.startswith(("//", "\\\\", "/", "\\")) or lowered in _DANGEROUS | {"http", "https", "mailto"}
    return (lowered, rest) if named and leads else ("", text)


def _host_findings(name: str, resolve: Resolve | None) -> Judged:
    if not name:
        return
    address, odd = address_of(name)
    if address is not None:
        if odd:
            yield "disguised", Severity.BLOCK
        yield from judge_address(address)
        return
    if name in METADATA_NAMES:
        yield "metadata", Severity.BLOCK
    elif name in _LOCAL_NAMES or name.endswith(_LOCAL_ENDINGS) or "." not in name:
        yield "local_name", Severity.BLOCK
    elif any(name == known or name.endswith("." + known) for known in _WILDCARD_NAMES):
        yield "wildcard_name", Severity.BLOCK
    if resolve is not None:
        for text in resolve(name):
            found, _ = address_of(text)
            if found is None or list(judge_address(found)):
                yield "resolves_private", Severity.BLOCK
                return
