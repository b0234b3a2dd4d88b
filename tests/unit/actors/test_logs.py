"""get_recent_logs and search_logs show what the processes really logged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from aura_ia_mcp.actors.moment import moment
from aura_ia_mcp.bus.errors import AuraError
from aura_ia_mcp.bus.messages import JSON
from aura_ia_mcp.stores.logs import line

from .alone import Alone

NOON = 1_800_000_000.0


@pytest.fixture
def alone(tmp_path: Path) -> Alone:
    alone = Alone(tmp_path)
    folder = alone.paths.logs
    folder.mkdir()
    rows = [
        (1, "INFO", "gateway", "x: listens"),
        (2, "WARNING", "safety-0", "x: refused a call"),
        (3, "ERROR", "gateway", "x: Broken pipe\nTraceback (most recent call last)"),
        (4, "INFO", "safety-0", "x: 42 calls (a+b)"),
    ]
    for at, level, service, text in rows:
        with (folder / f"{service}.log").open("a") as file:
            file.write(f"{line(NOON + at, level, service, text)}\n")
    return alone


def messages(reply: JSON) -> list[str]:
    return [entry["message"] for entry in reply["entries"]]


async def test_the_newest_entries_of_all_services_are_shown_and_a_cut_is_said(alone: Alone) -> None:
    reply = await alone.call("get_recent_logs", {"lines": 3})
    assert [entry["service"] for entry in reply["entries"]] == ["safety-0", "gateway", "safety-0"]
    assert "newest 3" in reply["cut"]
    assert reply["services"] == ["gateway", "safety-0"]
    assert reply["entries"][0]["time"] == "2027-01-15T08:00:02.000Z"
    every = await alone.call("get_recent_logs", {"service": "gateway"})
    assert messages(every) == ["x: listens", "x: Broken pipe\nTraceback (most recent call last)"]
    assert every["cut"] == ""


async def test_an_unknown_service_is_refused_with_those_that_there_are(alone: Alone) -> None:
    with pytest.raises(AuraError, match="gateway, safety-0") as caught:
        await alone.call("get_recent_logs", {"service": "../../etc/passwd"})
    assert caught.value.code == "invalid_arguments"
    assert "passwd" not in str(caught.value)


async def test_logs_that_are_not_there_are_said_to_be_absent(tmp_path: Path) -> None:
    reply = await Alone(tmp_path).call("get_recent_logs", {})
    assert reply["entries"] == []
    assert "no logs" in reply["absent"]


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ({"query": "BROKEN"}, [3]),
        ({"query": "traceback"}, [3]),
        ({"query": "(a+b)"}, [4]),
        ({"query": r"\d+ calls", "regex": True}, [4]),
        ({"query": r"\d+ calls"}, []),
        ({"query": "x", "level": "WARNING"}, [2, 3]),
        ({"query": "x", "since": "2027-01-15T08:00:03"}, [3, 4]),
        ({"query": "x", "since": "2027-01-15T09:00:04+01:00"}, [4]),
    ],
)
async def test_a_search_finds_what_matches(alone: Alone, arguments: JSON, found: list[int]) -> None:
    reply = await alone.call("search_logs", arguments)
    assert [int(entry["time"][17:19]) for entry in reply["entries"]] == found
    assert reply["cut"] == ""


async def test_an_expression_that_backtracking_would_never_finish_is_searched_at_once(alone: Alone) -> None:
    (alone.paths.logs / "ml-0.log").write_text(f"{line(NOON, 'INFO', 'ml-0', 'a' * 3000)}\n" * 200)
    reply = await alone.call("search_logs", {"query": "(a+)+(a|a)+$b", "regex": True})
    assert reply["entries"] == []
    assert reply["cut"] == ""


@pytest.mark.parametrize(
    ("arguments", "what"),
    [({"query": "(", "regex": True}, "RE2"), ({"query": "x", "since": "yesterday"}, "as in 30m")],
)
async def test_what_can_not_be_read_is_refused(alone: Alone, arguments: JSON, what: str) -> None:
    with pytest.raises(AuraError, match=what) as caught:
        await alone.call("search_logs", arguments)
    assert caught.value.code == "invalid_arguments"


@pytest.mark.parametrize(("text", "ago_s"), [("90s", 90), ("30m", 1800), ("1h", 3600), ("2d", 172_800)])
def test_ages_count_back_from_now(text: str, ago_s: int) -> None:
    assert moment(text, NOON) == NOON - ago_s


@pytest.mark.parametrize("text", ["", "h", "-1h", "1.5h", "²h", "1w", "2026-13-01"])
def test_other_texts_are_no_time(text: str) -> None:
    with pytest.raises(AuraError):
        moment(text, NOON)


async def test_answers_have_the_promised_form_and_the_tools_only_read(alone: Alone) -> None:
    for name, arguments in (("get_recent_logs", {}), ("search_logs", {"query": "x"})):
        definition = alone.tools[name].definition
        validator: Any = jsonschema_rs.Draft202012Validator(definition.output_schema or False)
        assert list(validator.iter_errors(await alone.call(name, arguments))) == []
        assert (definition.capability, definition.read_only, definition.audience) == ("read_logs", True, "tools")


async def test_an_answer_holds_no_more_than_fits_and_says_so(alone: Alone) -> None:
    (alone.paths.logs / "ml-0.log").write_text(
        "".join(f"{line(NOON, 'INFO', 'ml-0', 'y' * 4000)}\n" for _ in range(500))
    )
    reply = await alone.call("get_recent_logs", {"lines": 1000, "service": "ml-0"})
    assert len(reply["entries"]) == 125
    assert "125 entries fit" in reply["cut"]
