"""The commands that talk to a running system, with a client that answers as one would."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aura_ia_mcp.cli import backend, loading, output, serve
from aura_ia_mcp.cluster.telling import Progress
from aura_ia_mcp.configs.paths import Paths
from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.gateway.client import Client, ClientError, NotRunningError

from .conftest import Run

JSON = dict[str, Any]
ECHO = {
    "name": "echo",
    "title": "Echo",
    "description": "Gives back.",
    "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}},
    "annotations": {"readOnlyHint": True},
    "_meta": {"aura/capability": "status", "aura/layer": "L5", "aura/category": "status"},
}
REFUSED = {
    "isError": True,
    "content": [{"type": "text", "text": "slow down"}],
    "_meta": {
        "aura/error": {"message": "slow down", "recovery": "Wait.", "retry_after_s": 2.5, "audit_id": "safety-0:9"},
    },
}
ACTOR = {"name": "L6 Safety 0", "class": "Safety", "layer": "L6", "state": "ALIVE", "restarts": 0, "pid": 7}
PART = {"name": "ml/0", "layer": "L1", "state": "ALIVE", "mailbox": 0, "p50_ms": 1.5, "p99_ms": None}
MODEL = {"name": "MiniLM", "kind": "embedding", "loaded": False, "device": None, "requests": 0, "p50_ms": None}
POLICY = {"version": "p1", "roles_version": "r1", "rules": [], "fault": ""}
RESULTS: dict[str, JSON] = {
    "echo": {"structuredContent": {"text": "hi"}, "content": [], "isError": False, "_meta": {"aura/audit_id": "s:1"}},
    "refused": REFUSED,
    "asks": {"content": [], "isError": False},
    "plain": {"content": [{"type": "text", "text": "only text"}]},
    "get_system_status": {"structuredContent": {"version": "9", "uptime_s": 61, "actors": [PART]}},
    "get_cluster_status": {"structuredContent": {"dashboard_url": "http://d", "actors_by_node": {"n": [ACTOR]}}},
    "get_model_status": {"structuredContent": {"models": [MODEL], "state": "loading", "progress": 0.25}},
    "get_policy": {"structuredContent": POLICY},
}


class FakeClient:
    """Answers from the tables above; remembers what it was given."""

    last: FakeClient
    ready = True
    fails: Exception | None = None

    def __init__(self, target: str | Path, token: str | None, *, name: str) -> None:
        self.target, self.token, self.name = target, token, name
        self.called: list[tuple[str, JSON]] = []
        FakeClient.last = self

    async def __aenter__(self) -> FakeClient:
        if self.fails is not None:
            raise self.fails
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def list_tools(self) -> list[JSON]:
        return [ECHO]

    async def health(self) -> tuple[bool, JSON]:
        return self.ready, {"reasons": ["safety is away"]}

    async def call_tool(
        self, name: str, arguments: JSON, *, on_progress: Any = None, on_ask: Any = None, **_: object
    ) -> JSON:
        self.called.append((name, arguments))
        if name == "asks":
            question = {"method": "elicitation/create", "params": {"message": "May it\x1b[2J run?"} | arguments}
            return RESULTS[name] | {"structuredContent": on_ask(question)}
        if on_progress is not None:
            on_progress(1.0, 2.0, "half")
        return RESULTS[name]


@pytest.fixture
def run(run: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(backend, "Client", FakeClient)
    monkeypatch.setattr(Client, "list_tools", FakeClient.list_tools)
    monkeypatch.setattr(FakeClient, "fails", None)
    monkeypatch.setattr(FakeClient, "ready", True)
    return run


def test_call_prints_the_result_on_stdout_and_progress_on_stderr(run: Run) -> None:
    code, out, err = run("call", "echo", '{"text": "hi"}')
    assert code == 0
    assert json.loads(out) == {"text": "hi"}
    assert "[ 50 %] half" in err
    assert FakeClient.last.called == [("echo", {"text": "hi"})]


def test_call_json_prints_the_whole_result(run: Run) -> None:
    assert json.loads(run("call", "echo", "{}", "--json")[1]) == RESULTS["echo"]


def test_call_reads_arguments_from_stdin(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO('{"text": "piped"}'))
    run("call", "echo", "-")
    assert FakeClient.last.called == [("echo", {"text": "piped"})]


def test_a_result_without_structure_is_printed_as_text(run: Run) -> None:
    assert run("call", "plain")[1] == "only text\n"


def test_a_refused_call_fails_with_message_recovery_and_record(run: Run) -> None:
    code, out, err = run("call", "refused")
    assert (code, out) == (1, "")
    assert "aura: slow down" in err
    assert "Wait. (in 2.5 s) [record safety-0:9]" in err


@pytest.mark.parametrize(("typed", "action"), [("y\n", "accept"), ("n\n", "decline"), ("\n", "decline")])
def test_whoever_calls_from_a_terminal_is_asked(
    run: Run, monkeypatch: pytest.MonkeyPatch, typed: str, action: str
) -> None:
    terminal = io.StringIO(typed)
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", terminal)
    _, out, err = run("call", "asks")
    assert json.loads(out)["action"] == action
    assert "May it\\x1b[2J run?" in err, "nothing steers the terminal"
    assert "[y/N]" in err


def test_where_there_is_no_terminal_nobody_agrees(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert json.loads(run("call", "asks")[1]) == {"action": "decline"}


def test_a_form_with_fields_is_declined(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO("y\n")
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", terminal)
    form = {"requestedSchema": {"properties": {"name": {"type": "string"}}}}
    assert json.loads(run("call", "asks", json.dumps(form))[1]) == {"action": "decline"}


@pytest.mark.parametrize("arguments", ["{", "[1]", "7"])
def test_arguments_that_are_no_object_are_wrong_usage(run: Run, arguments: str) -> None:
    assert run("call", "echo", arguments)[0] == 2


def test_tools_lists_and_shows(run: Run) -> None:
    assert "echo" in run("tools")[1]
    assert '"properties"' in run("tools", "echo")[1]
    assert json.loads(run("tools", "--json")[1]) == {"tools": [ECHO]}
    code, _, err = run("tools", "ecco")
    assert code == 1
    assert "Did you mean echo?" in err


def test_status_shows_actors_parts_models_and_uptime(run: Run) -> None:
    code, out, _ = run("status")
    assert code == 0
    for word in ("ready", "up 1 min 1 s", "L6 Safety 0", "ml/0", "1.5 ms", "MiniLM", "loading 25%", "http://d"):
        assert word in out
    assert json.loads(run("status", "--json")[1])["system"]["version"] == "9"


def test_status_names_the_rules_in_force(run: Run) -> None:
    _, out, _ = run("status")
    assert "policy p1, roles r1" in out
    assert "safe mode" not in out


def test_status_tells_which_newer_rules_are_refused_and_that_safe_mode_is_on(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = "configs/policy.yaml:7:3: there is no key 'efect' here"
    monkeypatch.setitem(RESULTS, "get_policy", {"structuredContent": POLICY | {"fault": fault}})
    monkeypatch.setitem(RESULTS, "get_system_status", {"structuredContent": {"safe_mode": True}})
    _, out, _ = run("status")
    assert fault in out
    assert "policy p1" in out, "what is in force is told all the same"
    assert "nothing that writes runs" in out


def test_status_tells_that_the_record_is_not_sealed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "sealed" not in run("status")[1]
    monkeypatch.setitem(RESULTS, "get_system_status", {"structuredContent": {"sealing_fault": "the key is missing"}})
    assert "record     NOT sealed: the key is missing" in run("status")[1]
    assert json.loads(run("status", "--json")[1])["system"]["sealing_fault"] == "the key is missing"


def test_status_tells_that_the_dashboard_died(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    described = tmp_path / ".aura" / "run" / "system.json"
    described.parent.mkdir(parents=True)
    described.write_text(json.dumps({"dashboard_url": "http://d"}))
    assert "died" not in run("status")[1]
    monkeypatch.setitem(RESULTS, "get_cluster_status", {"structuredContent": {"dashboard_url": ""}})
    assert "dashboard  died; all else goes on" in run("status")[1]


def test_status_of_a_system_that_cannot_serve_fails_and_says_why(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeClient, "ready", False)
    code, out, err = run("status")
    assert code == 1
    assert "NOT READY" in out
    assert "safety is away" in err


def test_status_tells_of_one_part_that_is_silent(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RESULTS, "get_model_status", REFUSED)
    code, out, _ = run("status")
    assert code == 0
    assert "Nothing to tell of models: slow down" in out
    assert "L6 Safety 0" in out


@pytest.mark.parametrize("command", [["status"], ["tools"], ["call", "echo"]])
def test_without_a_system_it_says_how_to_start_one(
    run: Run, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setattr(FakeClient, "fails", NotRunningError("nobody"))
    code, out, err = run(*command)
    assert (code, out) == (1, "")
    assert "aura serve" in err


def test_a_refusal_at_the_door_is_told_with_its_remedy(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    error = ClientError("the token is unknown. Make one", 401, {"recovery": "Make one"})
    monkeypatch.setattr(FakeClient, "fails", error)
    assert run("tools")[2] == "aura: the token is unknown.\n      Make one\n"


def test_the_local_system_is_asked_as_its_operator(run: Run, tmp_path: Path) -> None:
    (tmp_path / ".aura").mkdir()
    (tmp_path / ".aura" / "operator.token").write_text("secret\n")
    run("tools")
    assert FakeClient.last.target == tmp_path / ".aura" / "run" / "ingress.sock"
    assert FakeClient.last.token == "secret"


def test_the_operators_token_never_goes_to_a_url(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".aura").mkdir()
    (tmp_path / ".aura" / "operator.token").write_text("secret\n")
    monkeypatch.setenv("AURA_BACKEND_URL", "http://localhost:9200")
    run("tools")
    assert FakeClient.last.target == "http://localhost:9200"
    assert FakeClient.last.token is None
    monkeypatch.setenv("AURA_TOKEN", "mine")
    run("tools")
    assert FakeClient.last.token == "mine"


def test_stdio_is_reached_by_both_its_names(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[str | None] = []

    def bridge(settings: Settings, *, origins: dict[str, str], backend_url: str | None) -> int:
        assert origins["safety.rate_limit"] == "environment AURA_RATE_LIMIT"
        given.append(backend_url)
        return 0

    monkeypatch.setattr("aura_ia_mcp.cli.stdio.serve_stdio", bridge)
    monkeypatch.setenv("AURA_BACKEND_URL", "http://localhost:9201")
    monkeypatch.setenv("AURA_RATE_LIMIT", "9")
    assert run("stdio") == (0, "", "")
    assert run("--mode", "stdio") == (0, "", "")
    assert given == ["http://localhost:9201"] * 2


class Mute:
    """Watches no models."""

    def __init__(self, *_: object) -> None:
        pass

    def start(self) -> None:
        pass

    def stop(self) -> None:
        pass


@pytest.mark.parametrize(("returned", "code"), [(0, 0), (1, 1), (130, 130)])
def test_serve_shows_progress_then_endpoints_and_codex(
    run: Run, monkeypatch: pytest.MonkeyPatch, returned: int, code: int
) -> None:
    urls = {"gateway": "http://127.0.0.1:9200/mcp/stream"}

    def supervise(settings: Settings, *, origins: dict[str, str], on_progress: Callable[[Progress], None]) -> int:
        assert origins["safety.rate_limit"] == "default"
        on_progress(Progress("ray", 0.0, "starting Ray"))
        on_progress(Progress("ready", 1.0, "ready", {"urls": urls, "dashboard_url": "http://127.0.0.1:8265"}))
        on_progress(Progress("gateway", 1.0, "ports", {"urls": {**urls, "ml": "http://127.0.0.1:9201/mcp/stream"}}))
        on_progress(Progress("fault", 1.0, "Ray died"))
        return returned

    monkeypatch.setattr(serve, "supervise", supervise)
    monkeypatch.setattr(serve, "ports", lambda _: [])
    monkeypatch.setattr(serve, "ModelWatch", Mute)
    got, out, err = run("serve")
    assert got == code
    assert "starting Ray" in out
    assert "codex mcp add aura_gateway --url http://localhost:9200/mcp/stream" in out
    assert "aura codex config --write" in out
    assert out.count("http://localhost:9200/mcp/stream") == 2
    assert "ml         http://localhost:9201/mcp/stream" in out
    assert "Ray died" in err


def test_serve_tells_programs_one_line_of_json_a_step(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    urls = {"gateway": "http://127.0.0.1:9200/mcp/stream"}

    def supervise(settings: Settings, *, origins: dict[str, str], on_progress: Callable[[Progress], None]) -> int:
        on_progress(Progress("ray", 0.5, "starting Ray"))
        on_progress(Progress("ready", 1.0, "ready", {"urls": urls}))
        on_progress(Progress("stopping", 0.0, "stopping"))
        return 0

    monkeypatch.setattr(serve, "supervise", supervise)
    monkeypatch.setattr(serve, "ports", lambda _: [])
    monkeypatch.setattr(serve, "ModelWatch", Mute)
    got, out, _ = run("serve", "--json")
    assert got == 0
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["stage"] for line in lines] == ["ray", "ready", "stopping"]
    assert lines[0] == {"stage": "ray", "fraction": 0.5, "text": "starting Ray", "data": {}}
    assert lines[1]["data"]["urls"] == urls


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.9, "0 s"), (59, "59 s"), (61, "1 min 1 s"), (3661, "1 h 1 min"), (90_000, "1 d 1 h")],
)
def test_durations_are_told_in_two_units(seconds: float, text: str) -> None:
    assert output.duration(seconds) == text


def test_the_loading_of_models_is_told_until_it_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(
        [
            None,
            {"state": "loading", "progress": 0.5, "stage": "weights"},
            {"state": "loading", "progress": 0.5, "stage": "weights"},
            {"state": "ready", "models": [{"name": "MiniLM", "loaded": True, "device": "cpu"}]},
        ]
    )
    over = threading.Event()
    said: list[str] = []

    def tell(text: str) -> None:
        said.append(text)
        if "loaded" in text:
            over.set()

    monkeypatch.setattr(loading, "model_status", lambda _: next(answers))
    loading.ModelWatch(Paths(tmp_path, tmp_path), tell, pause_s=0.001).start()
    assert over.wait(10)
    assert said == ["loading models: 50% weights", "models are loaded: MiniLM (cpu)"]


@pytest.mark.parametrize(
    ("state", "word"), [({"state": "failed", "detail": "no file"}, "no file"), ({"state": "off"}, "switched off")]
)
def test_models_that_do_not_load_are_told_of(state: JSON, word: str) -> None:
    assert word in loading.describe(state)


def test_without_a_system_there_is_no_model_status(tmp_path: Path) -> None:
    assert loading.model_status(Paths(tmp_path, tmp_path)) is None
