"""What the issue calls done, as a person does it: the commands of the README against a running system."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.system import ROOT, System, until

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(600)]

JSON = dict[str, Any]


def _json(system: System, *arguments: str) -> Any:
    done = system.aura(*arguments, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_status_shows_every_layer_as_alive(system: System) -> None:
    shown = system.aura("status")
    assert shown.returncode == 0, shown.stdout + shown.stderr
    for part in ("Safety", "Tools", "ML", "Records", "Directory"):
        assert part.lower() in shown.stdout.lower(), shown.stdout


def test_tools_lists_what_there_is_and_shows_one_with_its_schema(system: System) -> None:
    listed = system.aura("tools")
    assert listed.returncode == 0, listed.stdout + listed.stderr
    assert "semantic_rank" in listed.stdout
    shown = system.aura("tools", "semantic_rank")
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert "candidates" in shown.stdout


def test_call_ranks_by_meaning(model: None, system: System) -> None:
    done = system.aura("call", "semantic_rank", '{"query":"fruit","candidates":["apple","car","banana"]}')
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.index("car") > done.stdout.index("apple")
    assert done.stdout.index("car") > done.stdout.index("banana")


def test_an_operator_is_told_where_each_setting_comes_from(system: System) -> None:
    settings = _json(system, "call", "get_config", "{}")["structuredContent"]["settings"]
    assert settings["gateway.servers"]["source"] == f"file {system.root / 'configs' / 'aura.toml'}"
    assert settings["safety.rate_limit"]["source"] == "default"
    assert settings["system.state_dir"]["source"] == "default", "made absolute, but nobody set it"


def test_a_wrong_token_and_a_foreign_host_show_in_the_security_audit(system: System) -> None:
    assert _call_echo(system, "aura_nobody") == 401
    request = urllib.request.Request(f"{system.base}/live", headers={"Host": "evil.example"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=30)
    refused.value.close()
    told = until("both lines", lambda: _told(system, "authentication_failed") and _told(system, "foreign_request"))
    assert told[-1]["details"]["value"] == "evil.example"
    assert {"gateway"} == {line["part"] for line in [*told, *_told(system, "authentication_failed")]}
    assert "aura_nobody" not in (system.paths.logs / "security_audit.jsonl").read_text()


def _told(system: System, event: str) -> list[JSON]:
    lines = (system.paths.logs / "security_audit.jsonl").read_text().splitlines()
    return [line for line in map(json.loads, lines) if line["event"] == event]


def test_a_call_that_is_refused_says_what_to_do_and_fails(system: System) -> None:
    done = system.aura("call", "echo", '{"text": 7}')
    assert done.returncode == 1
    assert "text" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def _call_echo(system: System, token: str) -> int:
    body = json.dumps({"name": "echo", "arguments": {"text": "hello"}}).encode()
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    try:
        with urllib.request.urlopen(
            urllib.request.Request(f"{system.base}/mcp/tools/call", body, headers), timeout=30
        ) as answer:
            assert json.load(answer)["structuredContent"] == {"text": "hello"}
            code: int = answer.status
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code
    return code


def test_a_token_works_from_its_making_until_it_is_revoked(system: System) -> None:
    made = _json(system, "token", "create", "journey", "--role", "agent", "--ttl", "1h")
    assert _call_echo(system, made["value"]) == 200
    listed = _json(system, "token", "list")
    assert "journey" in [token["name"] for token in listed["tokens"]]
    assert made["value"] not in json.dumps(listed), "a token is shown once"
    revoked = system.aura("token", "revoke", "journey")
    assert revoked.returncode == 0, revoked.stdout + revoked.stderr
    limit_s = system.settings.gateway.auth_cache_s + 5
    until("the revoked token to be refused", lambda: _call_echo(system, made["value"]) == 401, limit_s)


def test_a_token_that_nobody_made_is_refused(system: System) -> None:
    assert _call_echo(system, "aura_" + "x" * 43) == 401


def test_every_call_leaves_a_record_that_can_be_checked(system: System) -> None:
    answer = system.call("echo", {"text": "for the record"}, principal="journey-audit")
    audit_id = answer["_meta"]["aura/audit_id"]
    writer, _, number = audit_id.partition(":")
    records = [
        json.loads(line)
        for path in sorted((system.paths.audit / writer).glob("*.jsonl"))
        for line in path.read_text().splitlines()
    ]
    (record,) = [record for record in records if record["seq"] == int(number)]
    assert "token:journey-audit" in json.dumps(record)
    assert "for the record" not in json.dumps(record), "arguments are recorded by digest"
    checked = system.aura("audit", "verify")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_doctor_finds_nothing_wrong_with_a_system_that_runs(system: System) -> None:
    checked = system.aura("doctor")
    assert checked.returncode == 0, checked.stdout + checked.stderr


# --- the README's "Say who may do what", word for word ----------------------------------------------------------------


@pytest.fixture
def chapter(system: System) -> Iterator[str]:
    """The README's text, and a folder with the shipped policy in it, as a newcomer has; afterwards all is as before."""
    readme = (ROOT / "README.md").read_text()
    shipped = (ROOT / "configs" / "policy.yaml").read_text()
    system.policy.write_text(shipped)
    try:
        yield readme.split("## Say who may do what")[1].split("\n## ")[0]
    finally:
        system.aura("call", "set_safe_mode", '{"enabled": false, "reason": "the drill is over"}')
        system.aura("token", "revoke", "ada")
        system.policy.write_text(shipped)
        until("the shipped policy to be in force", lambda: _listed(system, "embed_text"), 15)


def _listed(system: System, tool: str) -> bool:
    return tool in {each["name"] for each in system.tools(principal="newcomer")}


def _typed(system: System, line: str) -> subprocess.CompletedProcess[str]:
    """What becomes of a line that is typed in a shell, with the virtual environment's commands first."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["/bin/sh", "-c", line],
        cwd=system.root,
        env=system.env | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def _commands(chapter: str) -> list[str]:
    """The chapter's commands that a reader types: those of its blocks of sh, and those in the text."""
    blocks = "".join(re.findall(r"```sh\n(.*?)```", chapter, re.DOTALL))
    inline = [line for line in re.findall(r"`(aura [^`]+)`", chapter.replace("\n", " ")) if " " in line]
    return [*inline, *blocks.strip().splitlines()]


def _command(chapter: str, beginning: str) -> str:
    (found,) = [line for line in _commands(chapter) if line.startswith(beginning)]
    return found


def test_a_newcomer_denies_a_tool_gives_a_role_and_sees_why(system: System, chapter: str) -> None:
    (rule,) = re.findall(r"```yaml\n(.*?)```", chapter, re.DOTALL)
    with system.policy.open("a") as file:
        file.write(rule)
    until("the tool to be gone", lambda: not _listed(system, "embed_text"), 15)
    assert "embed_text" not in _typed(system, "aura tools").stdout
    refused = _typed(system, """aura call embed_text '{"texts": ["hello"]}'""")
    assert refused.returncode == 1
    assert "Embeddings are switched off here." in refused.stdout + refused.stderr

    made = _typed(system, _command(chapter, "aura token create ada"))
    assert made.returncode == 0, made.stdout + made.stderr
    assert _call_echo(system, made.stdout.splitlines()[0]) == 200
    roles = _typed(system, _command(chapter, "aura call list_roles"))
    assert "developer" in roles.stdout, roles.stdout + roles.stderr

    explained = _typed(system, _command(chapter, "aura policy explain"))
    assert explained.returncode == 0, explained.stderr
    first, why = explained.stdout.splitlines()[:2]
    assert "called by token:ada" in first
    assert first.endswith("is refused.")
    assert "no_embeddings: Embeddings are switched off here." in why
    stopped = _typed(system, _command(chapter, "aura call echo"))
    assert stopped.returncode == 1
    assert "injection.override" in stopped.stdout + stopped.stderr
    checked = json.loads(_typed(system, _command(chapter, "aura call check_prompt")).stdout)
    assert checked["verdict"] == "block"
    assert all(finding["remedy"] for finding in checked["findings"])
    switched = json.loads(_typed(system, _command(chapter, "aura call set_safe_mode")).stdout)
    assert switched["safe_mode"] is True
    assert "nothing that writes runs" in _typed(system, "aura status").stdout
