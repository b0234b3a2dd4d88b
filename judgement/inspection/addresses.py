"""Hosts and addresses in every spelling that programs take, and where they lead."""

from __future__ import annotations

import ipaddress
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote

from ..finding import Severity

_MAX_DECODINGS = 3


Address = ipaddress.IPv4Address | ipaddress.IPv6Address


METADATA_NAMES = frozenset(
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


_DOTS = str.maketrans({"\u3002": ".", "\uff0e": ".", "\uff61": ".", "\u2024": "."})


_CGNAT = ipaddress.ip_network("100.64.0.0/10")


_NAT64 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))


_DOCUMENTATION = tuple(
    ipaddress.ip_network(text) for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
)


_PARTS, _GREATEST = 4, 255
"""Numbers of an IPv4 address, and the greatest of each but the last."""
_MAX_DIGITS = 40
_LAST_RESERVED = 0xFFFF
"""Up to here an IPv6 address is no IPv4 address written long."""


def is_metadata(host: str) -> bool:
    """Whether a host, with or without port, is a cloud's metadata service in any spelling."""
    name = host_of(host)[0]
    if name in METADATA_NAMES and name != "metadata":
        return True
    address, _ = address_of(name)
    return address in _METADATA if address is not None else False


Judged = Iterator[tuple[str, Severity]]


def host_of(authority: str) -> tuple[str, bool]:
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


def address_of(name: str) -> tuple[Address | None, bool]:
    """A host as an address in every form that programs take (decimal, octal, hexadecimal, short), and if it was odd."""
    if ":" in name:
        try:
            return ipaddress.ip_address(name.partition("%")[0]), "%" in name
        except ValueError:
            return None, False
    parts = name.split(".")
    if not 1 <= len(parts) <= _PARTS or not all(parts):
        return None, False
    numbers = [_number(part) for part in parts]
    if any(number is None for number in numbers):
        return None, False
    held = [number or 0 for number in numbers]
    last = held[-1] % (1 << (8 * (5 - len(held))))
    if any(number > _GREATEST for number in held[:-1]):
        return None, False
    value = last
    for position, number in enumerate(held[:-1]):
        value |= number << (8 * (3 - position))
    plain = len(parts) == _PARTS and all(str(number) == part for number, part in zip(held, parts, strict=True))
    return ipaddress.IPv4Address(value & 0xFFFFFFFF), not plain


def _number(text: str) -> int | None:
    if len(text) > _MAX_DIGITS or not text.isascii():
        return None
    try:
        if text.startswith("0x"):
            return int(text[2:] or "0", 16)
        return int(text, 8 if len(text) > 1 and text[0] == "0" else 10) if text.isdigit() else None
    except ValueError:
        return int(text) if text.isdigit() else None


def _is_four(address: Address) -> bool:
    return isinstance(address, ipaddress.IPv4Address)


def judge_address(address: Address) -> Judged:
    """Where an address leads that isn't the public network, with how grave that is."""
    inner = _embedded(address)
    if inner is not None:
        yield from judge_address(inner)
        return
    if address in _METADATA:
        yield "metadata", Severity.BLOCK
    elif any(address in network for network in _DOCUMENTATION if network.version == address.version):
        return
    elif address.is_loopback or address.is_unspecified or (_is_four(address) and int(address) >> 24 == 0):
        yield "loopback", Severity.BLOCK
    elif address.is_link_local:
        yield "link_local", Severity.BLOCK
    elif address.is_private or (_is_four(address) and address in _CGNAT):
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
    if any(address in network for network in _NAT64) or (int(address) >> 32 == 0 and int(address) > _LAST_RESERVED):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None
