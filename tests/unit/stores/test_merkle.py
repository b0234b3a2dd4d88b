from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aura_ia_mcp.stores import merkle

from .sealed import leads_to

ENTRIES = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=70)


def by_the_book(entries: list[bytes]) -> bytes:
    """The recursive definition of RFC 6962, section 2.1."""
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return sha256(b"\0" + entries[0]).digest()
    k = 1
    while k * 2 < len(entries):
        k *= 2
    return sha256(b"\1" + by_the_book(entries[:k]) + by_the_book(entries[k:])).digest()


@given(ENTRIES)
def test_the_root_is_the_one_of_the_recursive_definition(entries: list[bytes]) -> None:
    assert merkle.root(entries) == by_the_book(entries)


def test_known_roots() -> None:
    """The tree of certificate transparency's own test vectors."""
    entries = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]
    assert merkle.root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert merkle.root(entries[:1]).hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert merkle.root(entries[:7]).hex() == "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"


@given(ENTRIES, st.data())
def test_each_entry_has_a_proof_that_holds_for_it_alone(entries: list[bytes], data: st.DataObject) -> None:
    root, size = merkle.root(entries), len(entries)
    index = data.draw(st.integers(0, size - 1))
    path = merkle.proof(entries, index)
    assert leads_to(entries[index], index, size, path, root)
    other = data.draw(st.binary(min_size=32, max_size=32).filter(lambda entry: entry != entries[index]))
    assert not leads_to(other, index, size, path, root)
    assert not leads_to(entries[index], index, size, [*path, other], root)
    assert not leads_to(entries[index], size, size, path, root)
    if path:
        assert not leads_to(entries[index], index, size, path[:-1], root)


def test_there_is_no_proof_of_what_is_not_there() -> None:
    with pytest.raises(IndexError):
        merkle.proof([b"a" * 32], 1)
