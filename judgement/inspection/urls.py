"""Server-side request forgery: addresses that lead back into the machine, its network or its cloud's metadata."""

from __future__ import annotations

import ipaddress
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import unquote

from ..finding import Finding, Severity

MAX_TEXT = 16 * 1024
_MAX_DECODINGS = 3
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
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
_METADATA_NAMES = frozenset(
    [
        "metadata.google.internal",
        "metadata.goog",
        "metadata",
        "instance-data",
        "metadata.azure.com",
        "metadata.azure.internal",
        "metadata.tencentyun.com",
        "metadata.packet.net",
        "instance-data.ec2.internal",
    ]
)
_METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "169.254.169.254",
        "169.254.170.2",
        "169.254.170.23",
        "100.100.100.200",
        "192.0.0.192",
        "168.63.129.16",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd20:ce::254",
    )
)
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
_DOTS = str.maketrans({"\u3002": ".", "\uff0e": ".", "\uff61": ".", "\u2024": "."})
_CGNAT = ipaddress.ip_network("100.64.0.0/10")
_NAT64 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))
_DOCUMENTATION = tuple(
    ipaddress.ip_network(text) for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
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


def is_metadata(host: str) -> bool:
    """Whether a host, with or without port, is a cloud's metadata service in any spelling."""
    name = _host(host)[0]
    if name in _METADATA_NAMES and name != "metadata":
        return True
    address, _ = _address(name)
    return address in _METADATA if address is not None else False


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


_Judged = Iterator[tuple[str, Severity]]


def _judge(text: str, resolve: Resolve | None) -> _Judged:  # noqa: C901
    cleaned = text.strip().strip("\"'<>")
    plain = "".join(char for char in cleaned if char not in "\t\r\n\0")
    if plain != cleaned:
        yield "malformed", Severity.BLOCK
    scheme, rest = _scheme(plain)
    if _is_identifier(scheme, rest):
        return
    if scheme:
        nested = scheme.partition("+")[0].removeprefix("url:")
        if nested in _DANGEROUS or scheme in _DANGEROUS:
            yield "scheme", Severity.BLOCK
        elif scheme not in _SAFE_SCHEMES and scheme not in {"ftp", "ftps", "s3", "gs"}:
            yield "scheme", Severity.REVIEW
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
            yield from _host_findings(_host(user)[0], resolve)
    name, disguised = _host(host)
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
    is_host = name in _METADATA_NAMES or name in _LOCAL_NAMES or _address(name)[0] is not None
    return rest.startswith("//") and is_word and not is_host


def _scheme(text: str) -> tuple[str, str]:
    scheme, colon, rest = text.partition(":")
    lowered = scheme.lower()
    if lowered == "url":
        return _scheme(rest)
    if colon and lowered and lowered[0].isalpha() and all(char.isalnum() or char in "+.-" for char in lowered):  # noqa: SIM102
        if rest.startswith(("//", "\\\\", "/", "\\")) or lowered in _DANGEROUS | {"http", "https", "mailto"}:
            return lowered, rest
    return "", text


def _host(authority: str) -> tuple[str, bool]:
    """The host's plain name, lower case, and whether it was disguised by encodings or odd characters."""
    text = authority.rpartition("@")[2]
    decoded = text
    for _ in range(_MAX_DECODINGS):
        if "%" not in decoded or decoded.startswith("["):
            break
        decoded = unquote(decoded)
    folded = unicodedata.normalize("NFKC", decoded.translate(_DOTS))
    folded = "".join(str(unicodedata.digit(char, char)) if not char.isascii() else char for char in folded).lower()
    disguised = decoded != text or (folded.isascii() and not decoded.isascii())
    if folded.startswith("["):
        name = folded[1:].partition("]")[0]
    elif folded.count(":") > 1:
        name = folded
    else:
        name = folded.partition(":")[0]
    return name.rstrip("."), disguised


def _address(name: str) -> tuple[Address | None, bool]:
    """A host as an address in every form that programs take (decimal, octal, hexadecimal, short), and whether it was odd."""  # noqa: E501
    if ":" in name:
        try:
            return ipaddress.ip_address(name.partition("%")[0]), "%" in name
        except ValueError:
            return None, False
    parts = name.split(".")
    if not 1 <= len(parts) <= 4 or not all(parts):  # noqa: PLR2004
        return None, False
    numbers = [_number(part) for part in parts]
    if any(number is None for number in numbers):
        return None, False
    held = [number or 0 for number in numbers]
    last = held[-1] % (1 << (8 * (5 - len(held))))
    if any(number > 255 for number in held[:-1]):  # noqa: PLR2004
        return None, False
    value = last
    for position, number in enumerate(held[:-1]):
        value |= number << (8 * (3 - position))
    plain = len(parts) == 4 and all(str(number) == part for number, part in zip(held, parts, strict=True))  # noqa: PLR2004
    return ipaddress.IPv4Address(value & 0xFFFFFFFF), not plain


def _number(text: str) -> int | None:
    if len(text) > 40 or not text.isascii():  # noqa: PLR2004
        return None
    try:
        if text.startswith("0x"):
            return int(text[2:] or "0", 16)
        return int(text, 8 if len(text) > 1 and text[0] == "0" else 10) if text.isdigit() else None
    except ValueError:
        return int(text) if text.isdigit() else None


def _host_findings(name: str, resolve: Resolve | None) -> _Judged:
    if not name:
        return
    address, odd = _address(name)
    if address is not None:
        if odd:
            yield "disguised", Severity.BLOCK
        yield from _address_findings(address)
        return
    if name in _METADATA_NAMES:
        yield "metadata", Severity.BLOCK
    elif name in _LOCAL_NAMES or name.endswith(_LOCAL_ENDINGS) or "." not in name:
        yield "local_name", Severity.BLOCK
    elif any(name == known or name.endswith("." + known) for known in _WILDCARD_NAMES):
        yield "wildcard_name", Severity.BLOCK
    if resolve is not None:
        for text in resolve(name):
            found, _ = _address(text)
            if found is None or list(_address_findings(found)):
                yield "resolves_private", Severity.BLOCK
                return


def _address_findings(address: Address) -> _Judged:
    inner = _embedded(address)
    if inner is not None:
        yield from _address_findings(inner)
        return
    if address in _METADATA:
        yield "metadata", Severity.BLOCK
    elif any(address in network for network in _DOCUMENTATION if network.version == address.version):
        return
    elif address.is_loopback or address.is_unspecified or (address.version == 4 and int(address) >> 24 == 0):  # noqa: PLR2004
        yield "loopback", Severity.BLOCK
    elif address.is_link_local:
        yield "link_local", Severity.BLOCK
    elif address.is_private or (address.version == 4 and address in _CGNAT):  # noqa: PLR2004
        yield "private", Severity.BLOCK
    elif address.is_multicast or address.is_reserved or not address.is_global:
        yield "reserved", Severity.BLOCK


def _embedded(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address within an IPv6 one: mapped, compatible, 6to4, Teredo, NAT64."""
    if not isinstance(address, ipaddress.IPv6Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if any(address in network for network in _NAT64) or (int(address) >> 32 == 0 and int(address) > 0xFFFF):  # noqa: PLR2004
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None
