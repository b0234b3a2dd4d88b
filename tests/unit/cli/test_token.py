"""`aura token`, as a person types it, with no system running."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from aura_ia_mcp.stores.audit import segments
from aura_ia_mcp.stores.database import Database
from aura_ia_mcp.stores.read import records
from aura_ia_mcp.stores.tokens import TokenStore, digest

from .conftest import Aura


def test_a_token_is_shown_once_and_only_its_digest_is_kept(aura: Aura) -> None:
    token = aura.out("token", "create", "ci", "--role", "agent").strip()
    with closing(Database(Path(".aura/state.sqlite"))) as database:
        found = TokenStore(database).find(digest(token))
    assert found is not None
    assert found.roles == ("agent",)
    assert token not in aura.out("token", "list", "--json")
    for file in [*Path(".aura").rglob("*"), *Path("logs").rglob("*")]:
        assert file.is_dir() or token.encode() not in file.read_bytes()


def test_making_and_revoking_leave_records(aura: Aura) -> None:
    aura.out("token", "create", "ci", "--role", "agent")
    aura.out("token", "revoke", "ci")
    kinds = [record["kind"] for record in records(Path("logs/audit"), "cli")]
    assert [kind for kind in kinds if kind != "opened"] == ["token_created", "token_revoked"]
    assert aura.json("audit", "verify")["intact"] is True


def test_a_token_that_cannot_be_recorded_is_not_made(aura: Aura) -> None:
    Path("logs").write_text("not a folder")
    aura("token", "create", "ci", "--role", "agent", code=1)
    assert aura.json("token", "list") == {"tokens": []}


def test_a_token_ends_even_if_that_cannot_be_recorded(aura: Aura) -> None:
    aura.out("token", "create", "ci", "--role", "agent")
    shutil.rmtree("logs")
    Path("logs").write_text("not a folder")
    _, err = aura("token", "revoke", "ci", code=1)
    assert "'ci' is revoked, but no record tells of it" in err
    assert [token["state"] for token in aura.json("token", "list")["tokens"]] == ["revoked"]


def test_the_list_says_which_tokens_still_work(aura: Aura) -> None:
    aura.out("token", "create", "a", "--role", "agent", "--ttl", "1s")
    aura.out("token", "create", "b", "--role", "operator", "--kind", "human", "--ttl", "never")
    aura.out("token", "create", "c", "--role", "agent")
    aura.out("token", "revoke", "c")
    states = {token["name"]: token["state"] for token in aura.json("token", "list")["tokens"]}
    assert states["b"] == "valid"
    assert states["c"] == "revoked"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["x", "--role", "king"], 1, "no role 'king'"),
        (["x", "--role", "operator"], 1, "human or service"),
        (["x y", "--role", "agent"], 1, "can't name a token"),
        (["x", "--role", "agent", "--ttl", "3"], 2, "no duration"),
        (["x", "--role", "agent", "--ttl", "0s"], 2, "no duration"),
        (["operator", "--role", "agent"], 1, "choose another name"),
    ],
)
def test_a_token_that_makes_no_sense_is_refused(aura: Aura, arguments: list[str], code: int, said: str) -> None:
    assert said in aura("token", "create", *arguments, code=code)[1]


def test_revoking_what_is_not_there_fails(aura: Aura) -> None:
    assert "no valid token" in aura("token", "revoke", "nobody", code=1)[1]


def test_a_changed_record_is_found(aura: Aura) -> None:
    aura.out("token", "create", "ci", "--role", "agent")
    aura.out("token", "revoke", "ci")
    (file,) = segments(Path("logs/audit/cli"))
    file.write_bytes(file.read_bytes().replace(b'"name":"ci"', b'"name":"co"', 1))
    out, err = aura("audit", "verify", "--json", code=1)
    assert json.loads(out)["intact"] is False
    assert f"{file.name}:" in err
