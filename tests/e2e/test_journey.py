"""What the issue calls done, as a person does it: the commands of the README against a running system."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from tests.support.system import System, until

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
