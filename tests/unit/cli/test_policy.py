"""`aura policy`, as a person types it, with no system running."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Aura, Run

POLICY = """\
version: 1
rules:
  - id: everybody
    effect: allow
  - id: no_embeddings
    match: {tools: [embed_text], kinds: [agent]}
    effect: deny
    reason: Not here.
  - id: evenings
    match: {tools: [echo], during: {from: "18:00", to: "08:00"}}
    effect: approve
  - id: quiet
    match: {tools: [echo]}
    when: args.text.contains("secret")
    effect: deny
"""


@pytest.fixture
def aura(aura: Aura) -> Aura:
    return aura.under("policy")


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "mine.yaml"
    path.write_text(POLICY)
    return str(path)


def test_a_right_file_is_in_order(aura: Aura, file: str) -> None:
    assert "in order; 4 rules" in aura("check", file)[0]
    found = aura.json("check", file)
    assert (found["ok"], found["rules"], found["warnings"]) == (True, 4, [])


def test_a_faulty_file_is_told_with_line_and_column(aura: Aura, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("version: 1\nrules:\n  - id: a\n    efect: deny\n")
    out, _ = aura("check", str(path), code=1)
    assert out == f"{path}:4:5: unknown key 'efect'; did you mean 'effect'?\n"
    found = aura.json("check", str(path), code=1)
    assert (found["ok"], found["line"], found["column"]) == (False, 4, 5)


def test_a_file_that_is_not_there_is_a_failure(aura: Aura, tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff")
    assert "can't be read" in aura("check", "nowhere.yaml", code=1)[1]
    assert "UTF-8" in aura("check", "bytes", code=1)[1]


def test_names_that_nothing_has_are_warned_of(aura: Aura, tmp_path: Path) -> None:
    path = tmp_path / "odd.yaml"
    path.write_text("version: 1\nrules:\n  - {id: a, match: {tools: [ecko, 'x*'], roles: [gest]}, effect: deny}\n")
    out, err = aura("check", str(path))
    assert "in order" in out
    assert "a: no tool here is called 'ecko'; did you mean 'echo'?" in err
    assert "a: no role here is called 'gest'; did you mean 'guest'?" in err


def test_an_explanation_says_what_happens_and_why(aura: Aura, file: str) -> None:
    out, _ = aura("explain", "embed_text", "--file", file)
    assert "embed_text called by guest (agent, roles guest" in out
    assert "is refused" in out
    assert "no_embeddings: Not here." in out
    found = aura.json("explain", "embed_text", "--file", file)
    assert (found["verdict"]["effect"], found["verdict"]["rule"]) == ("deny", "no_embeddings")
    assert {"no_embeddings", "capability.missing", "everybody"} <= {each["rule"] for each in found["rules"]}


def test_an_explanation_is_for_who_and_when_it_is_asked_for(aura: Aura, file: str) -> None:
    def effect(*more: str) -> str:
        found = aura.json("explain", "echo", "--file", file, "--args", '{"text": "x"}', *more)
        return str(found["verdict"]["effect"])

    assert effect("--at", "2026-03-02T12:00") == "allow"
    assert effect("--at", "2026-03-02T20:00") == "approve"
    human = aura.json("explain", "embed_text", "--file", file, "--kind", "human", "--trust", "4")
    assert human["verdict"]["effect"] == "allow"
    assert human["caller"]["trust"] == 4


def test_conditions_on_arguments_ask_for_them(aura: Aura, file: str) -> None:
    noon = ("--file", file, "--at", "2026-03-02T12:00")
    assert "give them with --args" in aura("explain", "echo", *noon)[0]
    denied = aura.json("explain", "echo", *noon, "--args", '{"text": "a secret"}')
    assert denied["verdict"]["rule"] == "quiet"
    assert "JSON object" in aura("explain", "echo", *noon, "--args", "[]", code=2)[1]


def test_a_caller_is_who_its_token_says(aura: Aura, run: Run, file: str) -> None:
    assert "no valid token is called 'ci'" in aura("explain", "echo", "--as", "ci", code=1)[1]
    run("token", "create", "ci", "--role", "auditor", "--kind", "service", "--tenant", "acme")
    caller = aura.json("explain", "embed_text", "--as", "ci", "--file", file)["caller"]
    assert (caller["id"], caller["kind"], caller["tenant"], caller["roles"]) == (
        "token:ci",
        "service",
        "acme",
        ["auditor"],
    )
    guest = aura.json("explain", "embed_text", "--as", "ci", "--role", "guest", "--file", file)
    assert guest["caller"]["roles"] == ["guest"]


def test_unknown_tools_and_roles_are_told_with_the_nearest(aura: Aura) -> None:
    assert "did you mean 'echo'?" in aura("explain", "ecko", code=1)[1]
    assert "did you mean 'guest'?" in aura("explain", "echo", "--role", "gest", code=1)[1]


def test_the_policy_in_force_is_the_one_of_this_folder_else_the_shipped_one(aura: Aura, tmp_path: Path) -> None:
    assert aura.json("show")["file"] == "shipped"
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "policy.yaml").write_text(POLICY)
    found = aura.json("show")
    assert found["file"] == str(tmp_path / "configs" / "policy.yaml")
    assert [rule["id"] for rule in found["rules"]] == ["evenings", "everybody", "no_embeddings", "quiet"]


def test_the_rules_about_one_tool_are_shown(aura: Aura, file: str) -> None:
    assert [rule["id"] for rule in aura.json("show", "embed_text", "--file", file)["rules"]] == [
        "everybody",
        "no_embeddings",
    ]
    assert "no_embeddings" in aura("show", "--file", file)[0]


def test_a_sandbox_is_told_of_what_starts_processes_alone(aura: Aura, tmp_path: Path) -> None:
    path = tmp_path / "walled.yaml"
    path.write_text("version: 1\nrules:\n  - {id: all, effect: allow}\n  - {id: walls, sandbox: read_only}\n")
    given = ("--file", str(path), "--role", "operator", "--kind", "human")
    assert "Sandbox read_only at most" in aura("explain", "execute_command", *given)[0]
    assert "Sandbox" not in aura("explain", "echo", *given)[0]
    assert aura.json("explain", "echo", *given)["verdict"]["sandbox"] == "read_only"
