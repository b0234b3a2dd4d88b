"""The policy in force decides: who is refused why, what callers see, what changes under load, and how often."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from aura_ia_mcp.actors.safety import Safety
from aura_ia_mcp.actors.sources import ToolCall
from aura_ia_mcp.actors.tools import Tools
from aura_ia_mcp.bus.envelope import Principal
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON, ListCatalogue, Subscribe
from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.judgement import policy
from aura_ia_mcp.judgement.policy import Inputs
from aura_ia_mcp.stores import read

from .graph import GUEST, OPERATOR, Graph, Scripted, code_of, define, text_result, until

DEVELOPER = Principal("token:dev", roles=("developer",))
NOVICE = Principal("token:novice", roles=("ux_designer",))
HEAD = "version: 1\n"
ALLOW = HEAD + "rules: [{id: everything, effect: allow}]\n"


class Fixtures(Scripted):
    """Tools that count how often they ran."""

    def __init__(self) -> None:
        super().__init__(look=self._run, other=self._run, write=self._run, destroy=self._run)
        self.definitions["write"] = define("write", read_only=False)
        self.definitions["destroy"] = define("destroy", read_only=False, destructive=True)
        self.runs = 0

    async def _run(self, arguments: JSON, call: ToolCall) -> JSON:
        self.runs += 1
        await asyncio.sleep(0)
        return text_result("ran")


class Governed:
    """A graph whose policy a test writes."""

    def __init__(self, folder: Path, text: str, **safety: Any) -> None:
        self.file = folder / "policy.yaml"
        self.file.write_text(text)
        made = {"safety": {"policy_file": self.file, "rate_limit": 10_000} | safety}
        self.settings = made
        self.graph = Graph(folder, Settings.model_validate(made))
        self.fixtures = Fixtures()

    async def start(self) -> None:
        await self.graph.start("tools", Tools, lambda: self.fixtures)
        await self.graph.start("safety", Safety)
        await self.graph.request(ListCatalogue("tools"))

    async def write(self, text: str) -> None:
        """Put another policy in force, without waiting for Safety to hear of it."""
        self.file.write_text(text)
        await self.graph.actors["roles"].look()

    async def obey(self, text: str) -> None:
        """Put another policy in force, and wait until Safety decides by it."""
        await self.write(text)
        version = policy.parse(text).version
        await until(lambda: self.rules.policy.version == version)

    @property
    def rules(self) -> Any:
        return self.graph.actors["safety"]._rules.now

    async def listed(self, principal: Principal) -> set[str]:
        entries = (await self.graph.request(ListCatalogue("tools"), principal))["entries"]
        return {entry["name"] for entry in entries} & set(self.fixtures.definitions)


@pytest.fixture
async def governed(tmp_path: Path) -> AsyncIterator[Callable[..., Any]]:
    made: list[Governed] = []

    async def make(text: str, **safety: Any) -> Governed:
        made.append(Governed(tmp_path, text, **safety))
        await made[-1].start()
        return made[-1]

    yield make
    for each in made:
        await each.graph.close()


def replayed(record: JSON, text: str) -> policy.Verdict:
    """The verdict that a record's inputs give under a policy: nothing else goes in."""
    rules = policy.parse(text)
    assert rules.version == record["policy"]
    who = record["principal"]
    given = record["inputs"] | {
        "principal_id": who["id"],
        "kind": who["kind"],
        "tenant": who["tenant"],
        "roles": who["roles"],
        "held": record["capabilities"],
        "findings": [{k: v for k, v in found.items() if k != "at"} for found in record.get("findings", [])],
    }
    return rules.decide(Inputs.from_dict(given))


# --- effects ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("effect", "code"),
    [("deny", "forbidden"), ("approve", "approval_required"), ("confirm", "confirmation_required")],
)
async def test_what_a_rule_stops_is_refused_with_its_reason_and_what_to_do_and_does_not_run(
    governed: Callable[..., Any], effect: str, code: str
) -> None:
    rule = f"{{id: no.look, match: {{tools: [look]}}, effect: {effect}, reason: Not today., remedy: Come tomorrow.}}"
    it = await governed(HEAD + f"rules: [{{id: everything, effect: allow}}, {rule}]\n")
    with pytest.raises(AuraError) as caught:
        await it.graph.call("look")
    failure = caught.value.failure
    assert failure.code == code
    assert failure.message.startswith("Not today")
    assert failure.recovery.startswith("Come tomorrow.")
    assert (f"`aura approvals approve {failure.approval_id}`" in failure.recovery) == (effect != "deny")
    assert failure.outcome == "not_run"
    assert it.fixtures.runs == 0
    (record,) = it.graph.records()
    assert (record["verdict"], record["rule"], record["outcome"]) == (effect, "no.look", "refused")
    assert record["matched"] == ["everything", "no.look"]
    assert (await it.graph.call("other"))["content"]


async def test_what_no_rule_allows_is_denied(governed: Callable[..., Any]) -> None:
    it = await governed(HEAD + "rules: [{id: one, match: {tools: [look]}, effect: allow}]\n")
    assert (await it.graph.call("look"))["content"]
    assert await code_of(it.graph.call("other")) == "forbidden"
    assert it.graph.records()[-1]["rule"] == policy.DEFAULT


@pytest.mark.parametrize(
    ("effect", "match", "trusted", "novice"),
    [
        ("confirm", "{tools: [look], trust: {below: 3}}", "no error", "confirmation_required"),
        ("confirm", "{tools: [look]}", "confirmation_required", "confirmation_required"),
        ("approve", "{tools: [look]}", "approval_required", "approval_required"),
        ("deny", "{tools: [look]}", "forbidden", "forbidden"),
    ],
)
async def test_trust_spares_a_confirmation_that_says_so_and_nothing_else(
    governed: Callable[..., Any], effect: str, match: str, trusted: str, novice: str
) -> None:
    it = await governed(HEAD + f"rules: [{{id: all, effect: allow}}, {{id: x, match: {match}, effect: {effect}}}]\n")
    assert await code_of(it.graph.call("look", principal=NOVICE)) == novice
    assert await code_of(it.graph.call("look", principal=DEVELOPER)) == trusted
    assert [record["inputs"]["trust"] for record in it.graph.records()] == [2.0, 3.0]


async def test_the_shipped_policy_lets_only_trusted_agents_destroy_unconfirmed(governed: Callable[..., Any]) -> None:
    it = await governed((files("aura_ia_mcp.configs") / "policy.yaml").read_text("utf-8"))
    assert await code_of(it.graph.call("destroy", principal=NOVICE)) == "confirmation_required"
    assert await code_of(it.graph.call("destroy", principal=DEVELOPER)) == "no error"


# --- changes ---------------------------------------------------------------------------------------------------------


async def test_a_policy_that_changes_under_load_drops_and_mixes_nothing(governed: Callable[..., Any]) -> None:
    said = {"allow": "no error", "deny": "forbidden", "approve": "approval_required"}
    texts = {
        effect: HEAD + f"rules: [{{id: base, effect: allow}}, {{id: this.{effect}, effect: {effect}}}]\n"
        for effect in said
    }
    effect_of = {policy.parse(text).version: effect for effect, text in texts.items()}
    it = await governed(texts["allow"])
    went = []
    for effect in ("deny", "allow", "approve", "allow", "deny", "allow"):
        went += [asyncio.create_task(code_of(it.graph.call("look"))) for _ in range(20)]
        await asyncio.sleep(0)
        await it.write(texts[effect])
        went += [asyncio.create_task(code_of(it.graph.call("look"))) for _ in range(20)]
        await until(lambda effect=effect: effect_of[it.rules.policy.version] == effect)  # type: ignore[misc]
    codes = Counter(await asyncio.gather(*went))
    records = it.graph.records()
    assert len(records) == len(went) == 240
    for record in records:
        effect = effect_of[record["policy"]]
        ruled = "base" if effect == "allow" else f"this.{effect}"
        assert (record["verdict"], record["rule"]) == (effect, ruled)
        assert str(replayed(record, texts[effect]).effect) == effect
    assert codes == Counter(said[record["verdict"]] for record in records), "each answer is its record's"
    assert set(codes) == set(said.values())


async def test_a_bad_file_keeps_the_old_policy_and_says_where_it_is_wrong(governed: Callable[..., Any]) -> None:
    it = await governed(ALLOW)
    await it.write(HEAD + "rules:\n  - id: everything\n    efect: deny\n")
    await until(lambda: bool(it.rules.fault))
    assert re.match(rf"{re.escape(str(it.file))}:4:5: unknown key 'efect'; did you mean 'effect'\?", it.rules.fault)
    assert (await it.graph.call("look"))["content"]
    assert it.graph.records()[-1]["policy"] == policy.parse(ALLOW).version
    await it.obey(ALLOW.replace("allow", "deny"))
    assert it.rules.fault == ""
    assert await code_of(it.graph.call("look")) == "forbidden"


async def test_callers_see_what_they_could_call_also_after_a_reload_that_is_told(governed: Callable[..., Any]) -> None:
    it = await governed(ALLOW)
    heard: list[JSON] = []

    async def listen() -> None:
        async for item in it.graph.peers["gateway"].stream("safety", Subscribe("catalogue")):
            heard.append(item["payload"])

    listening = asyncio.create_task(listen())
    await until(lambda: bool(heard))
    rules = [
        "{id: all, effect: allow}",
        "{id: a, match: {tools: [look]}, effect: deny}",
        "{id: b, match: {tools: [other], principals: ['token:dev']}, effect: deny}",
        "{id: c, match: {tools: [write], roles: [guest]}, effect: deny}",
        "{id: d, match: {tools: [destroy]}, effect: approve}",
    ]
    seen = {name: await it.listed(who) for name, who in (("guest", GUEST), ("dev", DEVELOPER))}
    assert seen["guest"] == seen["dev"] == {"look", "other", "write", "destroy"}
    before = {payload["version"] for payload in heard if payload["what"] == "tools"}
    await it.obey(HEAD + f"rules: [{', '.join(rules)}]\n")
    await until(lambda: any(p["what"] == "tools" and p["version"] not in before for p in heard))
    for principal, expected in (
        (GUEST, {"other", "destroy"}),
        (DEVELOPER, {"write", "destroy"}),
        (replace(GUEST, id="another"), {"other", "destroy"}),
    ):
        assert await it.listed(principal) == expected
        for tool in it.fixtures.definitions:
            refused = await code_of(it.graph.call(tool, principal=principal)) in ("forbidden", "unknown_tool")
            assert refused == (tool not in expected), (principal.id, tool)
    listening.cancel()


# --- records ---------------------------------------------------------------------------------------------------------


async def test_a_records_inputs_give_its_verdict_again(governed: Callable[..., Any]) -> None:
    text = HEAD + (
        "keep_arguments: [other]\n"
        "rules:\n"
        "  - {id: all, effect: allow}\n"
        "  - {id: careful, match: {tools: [other]}, when: args.name == 'x', effect: deny}\n"
        "  - {id: ask, match: {tools: [write], trust: {below: 2}}, effect: confirm}\n"
        "  - {id: pii, match: {tools: [look], findings: {families: [pii], at_least: info}}, redact: [pii]}\n"
    )
    it = await governed(text)
    calls: list[tuple[str, JSON, Principal]] = [
        ("look", {}, GUEST),
        ("look", {"text": "write to ada@example.org"}, GUEST),
        ("look", {"command": "rm -rf /"}, GUEST),
        ("other", {"name": "x"}, GUEST),
        ("other", {"name": "y"}, DEVELOPER),
        ("write", {}, GUEST),
        ("write", {}, DEVELOPER),
        (
            "look",
            {"texts": [f"call +49 30 1234567{n}" for n in range(10)] * 10 + ["ok"], "cmd": "mkfs /dev/sda"},
            GUEST,
        ),
        ("set_safe_mode", {"enabled": True, "reason": "a test"}, OPERATOR),
        ("write", {}, DEVELOPER),
        ("no_such_tool", {}, GUEST),
    ]
    for tool, arguments, principal in calls:
        await code_of(it.graph.call(tool, arguments, principal))
    *records, unknown = it.graph.records()
    assert unknown["rule"] == "exposure.unknown"
    for record in records:
        verdict = replayed(record, text)
        again = (str(verdict.effect), verdict.rule, list(verdict.matched))
        assert again == (record["verdict"], record["rule"], record["matched"]), record["name"]
    assert [record["verdict"] for record in records] == [
        "allow",
        "allow",
        "deny",
        "deny",
        "allow",
        "confirm",
        "allow",
        "deny",
        "allow",
        "deny",
    ]
    assert [record["rule"] for record in records if record["verdict"] == "deny"] == [
        "inspection.block",
        "careful",
        "inspection.block",
        "safe_mode.on",
    ]


# --- rates -----------------------------------------------------------------------------------------------------------


def rated(scope: str, per_minute: int = 30) -> str:
    return HEAD + (
        f"rates: {{few: {{per_minute: {per_minute}, scope: {scope}}}}}\n"
        "rules: [{id: all, effect: allow}, {id: often, match: {tools: [look, other]}, rate: few}]\n"
    )


@pytest.mark.parametrize(
    ("scope", "ran"),
    [("principal", 2 * 30), ("principal_tool", 4 * 30), ("tool", 2 * 30)],
)
async def test_a_rate_class_is_exact_under_200_calls_at_once(
    governed: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, scope: str, ran: int
) -> None:
    monkeypatch.setattr("aura_ia_mcp.actors.rates.clock", lambda: 1000.0)
    it = await governed(rated(scope))
    work = [
        code_of(it.graph.call(tool, principal=principal))
        for _ in range(50)
        for tool in ("look", "other")
        for principal in (GUEST, DEVELOPER)
    ]
    codes = Counter(await asyncio.gather(*work))
    assert codes == {"no error": ran, "rate_limited": 200 - ran}
    assert it.fixtures.runs == ran
    refused = [record for record in it.graph.records() if record["outcome"] == "refused"]
    assert {record["rule"] for record in refused} == {"rate.few"}
    assert (await it.graph.call("write"))["content"], "what isn't in the class isn't counted in it"


async def test_a_refusal_by_a_rate_class_names_it_and_says_when_to_come_back(
    governed: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("aura_ia_mcp.actors.rates.clock", lambda: now)
    it = await governed(rated("principal", 6))
    for _ in range(6):
        await it.graph.call("look")
    with pytest.raises(AuraError, match="guest has used the 6 calls a minute of the class 'few'") as caught:
        await it.graph.call("look")
    assert caught.value.failure.retry_after_s == pytest.approx(10.0, abs=0.01)
    now += 10.01
    assert (await it.graph.call("look"))["content"]


async def test_a_refusal_by_a_class_of_all_callers_blames_nobody_alone(governed: Callable[..., Any]) -> None:
    it = await governed(rated("tool", 1))
    await it.graph.call("look")
    with pytest.raises(AuraError, match="all callers together have used the 1 calls a minute of the class 'few'"):
        await it.graph.call("look", {}, OPERATOR)


async def test_two_replicas_of_safety_share_what_counts_per_tool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    it = Governed(tmp_path, rated("tool"))
    it.graph.settings = Settings.model_validate(it.settings | {"cluster": {"replicas": {"safety": 2}}})
    monkeypatch.setattr("aura_ia_mcp.actors.state.time", Standing())
    await it.start()
    await it.graph.start("safety/1", Safety)
    work = [
        code_of(it.graph.call("look", principal=principal, to=replica))
        for _ in range(50)
        for principal, replica in ((GUEST, "safety/0"), (DEVELOPER, "safety/1"))
    ]
    assert Counter(await asyncio.gather(*work)) == {"no error": 30, "rate_limited": 70}
    assert it.fixtures.runs == 30
    assert len({record["writer"] for record in read.records(it.graph.paths.audit) if record["kind"] == "call"}) == 2
    await it.graph.close()


class Standing:
    """A clock that stands, where State counts."""

    @staticmethod
    def monotonic() -> float:
        return 1000.0

    @staticmethod
    def time() -> float:
        return 1.8e9

    @staticmethod
    def perf_counter() -> float:
        return 0.0
