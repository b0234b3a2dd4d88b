"""The cluster's own authority, over memory instead of sockets."""

from __future__ import annotations

import ssl

import pytest

from aura_ia_mcp.cluster.spec import Certificate
from aura_ia_mcp.cluster.tls import Authority, contexts


def shake_hands(caller: ssl.SSLContext, callee: ssl.SSLContext) -> str:
    to_callee, to_caller = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = caller.wrap_bio(to_caller, to_callee, server_hostname="10.0.0.1")
    server = callee.wrap_bio(to_callee, to_caller, server_side=True)
    done: set[str] = set()
    for _ in range(10):
        for name, side in (("client", client), ("server", server)):
            try:
                side.do_handshake()
                done.add(name)
            except ssl.SSLWantReadError:
                pass
        if len(done) == 2:
            break
    server.write(b"hello")
    assert client.read() == b"hello"
    return str(client.version())


def test_two_nodes_of_one_system_speak_tls_1_3() -> None:
    authority = Authority()
    client, _ = contexts(authority.issue("a"))
    _, server = contexts(authority.issue("b"))
    assert shake_hands(client, server) == "TLSv1.3"


def test_a_certificate_of_another_system_is_refused() -> None:
    client, _ = contexts(Authority().issue("stranger"))
    _, server = contexts(Authority().issue("b"))
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(client, server)


def test_a_caller_without_a_certificate_is_refused() -> None:
    authority = Authority()
    _, server = contexts(authority.issue("b"))
    bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    bare.check_hostname = False
    bare.load_verify_locations(cadata=authority.issue("x").ca)
    with pytest.raises(ssl.SSLError, match=r"(?i)certificate.required|peer did not return a certificate"):
        shake_hands(bare, server)


def test_a_node_can_not_certify_others() -> None:
    authority = Authority()
    own = authority.issue("a")
    forged = Authority(own).issue("forged")
    client, _ = contexts(Certificate(own.ca, forged.own, forged.key))
    _, server = contexts(authority.issue("b"))
    with pytest.raises(ssl.SSLError):
        shake_hands(client, server)


def test_an_authority_goes_on_after_a_rebuilt_graph() -> None:
    first = Authority()
    again = Authority(first.save())
    client, _ = contexts(first.issue("a"))
    _, server = contexts(again.issue("b"))
    assert shake_hands(client, server) == "TLSv1.3"


def test_the_private_key_is_not_shown() -> None:
    assert "PRIVATE" not in repr(Authority().issue("a"))
