"""How a process joins the bus: where the Directory is, how long to wait, and being known there."""

from __future__ import annotations

from collections.abc import Sequence

from aura_ia_mcp.bus.address import Address, Endpoint
from aura_ia_mcp.bus.bus import Actor
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.keys import EdgeKeys
from aura_ia_mcp.bus.limits import Limits
from aura_ia_mcp.bus.link import Transport
from aura_ia_mcp.bus.messages import Register
from aura_ia_mcp.bus.peer import Peer
from aura_ia_mcp.bus.resolver import DirectoryResolver, choose
from aura_ia_mcp.bus.service import OnRefused
from aura_ia_mcp.bus.transports.socket import TlsTransport, UnixTransport
from aura_ia_mcp.configs.paths import Paths
from aura_ia_mcp.configs.settings import Settings

from .spec import Certificate, DirectoryPlace, bus_sockets

BEAT_S = 2.0
NOWHERE = "none:"  # registered by who asks only, or doesn't answer yet


def joined_peer(
    address: Address,
    keys: EdgeKeys,
    transports: Sequence[Transport],
    directory: DirectoryPlace,
    node: str,
    settings: Settings,
    *,
    actor: Actor | None = None,
    on_refused: OnRefused | None = None,
    epoch: int = 0,
) -> Peer:
    """A peer that finds others through the Directory; `register` makes it known there.

    Raises:
        AuraError: the Directory can't be reached from this node.
    """
    schemes = [transport.scheme for transport in transports]
    resolver = DirectoryResolver(directory_endpoint(directory, node), node, schemes)
    more = {} if on_refused is None else {"on_refused": on_refused}
    peer = Peer(
        address,
        keys,
        transports,
        resolver,
        actor=actor,
        limits=limits_of(settings),
        unregistered=address.role == "directory",
        epoch=epoch,
        **more,
    )
    resolver.use(peer)
    return peer


def asking_transports(settings: Settings, certificate: Certificate | None) -> list[Transport]:
    """The ways out of a process that asks and isn't asked: unix sockets, and TLS where there are other nodes."""
    most = settings.bus.max_frame_bytes
    transports: list[Transport] = [UnixTransport(bus_sockets(Paths.of(settings)), most)]
    if certificate is not None:
        from .tls import contexts  # noqa: PLC0415 - memory that a system on one node need not spend

        client, server = contexts(certificate)
        transports.append(TlsTransport("127.0.0.1", server, client, most))
    return transports


async def register(peer: Peer, node: str, uris: str, patience_s: float) -> None:
    """Make a peer known, or say that it is still there; it takes the epoch that the Directory gives.

    Args:
        peer: who.
        node: where.
        uris: how it is reached; "" for nowhere.
        patience_s: how long to wait for the Directory.

    Raises:
        AuraError: `stale_epoch`, when a newer life of the address is known; `not_delivered`.
    """
    message = Register(str(peer.address), node, uris or NOWHERE, peer.epoch)
    reply = await peer.request("directory", message, patience_s=patience_s)
    if (epoch := int(reply["epoch"])) != peer.epoch:
        peer.adopt(epoch)


def directory_endpoint(place: DirectoryPlace, node: str) -> Endpoint:
    """How the Directory is reached from a node.

    Raises:
        AuraError: it serves only its own node.
    """
    uri = choose(place.uris, same_node=place.node == node)
    if uri is None:
        raise AuraError("unavailable", f"the Directory on {place.node} can't be reached from {node}")
    return Endpoint(Address("directory"), place.node, uri, 0)


def limits_of(settings: Settings) -> Limits:
    """The bus' bounds, as the settings have them."""
    bus = settings.bus
    return Limits(
        mailbox=bus.mailbox,
        max_frame_bytes=bus.max_frame_bytes,
        stream_items=bus.stream_items,
        deadline_s=bus.deadline_s,
        patience_s=bus.patience_s,
        dead_letters=bus.dead_letters,
    )
