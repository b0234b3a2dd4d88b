"""What a process of the tree logs."""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from aura_ia_mcp.cluster import logs
from aura_ia_mcp.cluster.logs import Redacting, keep_secrets_out
from aura_ia_mcp.stores.logs import find, services

TOKEN = "aura_" + "x" * 43
MARK = "[redacted:aura_token]"


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    text, root = io.StringIO(), logging.getLogger()
    handler = logging.StreamHandler(text)
    root.addHandler(handler)
    yield text
    root.removeHandler(handler)
    for other in root.handlers:
        for found in [filter_ for filter_ in other.filters if isinstance(filter_, Redacting)]:
            other.removeFilter(found)


def test_a_logged_trace_has_its_secrets_marked_and_is_otherwise_whole(written: io.StringIO) -> None:
    keep_secrets_out()
    error = ValueError(f"refused: {TOKEN}")
    logging.getLogger("aura_ia_mcp.actors.tools").error("%s failed", "blurt", exc_info=error)
    text = written.getvalue()
    assert TOKEN not in text
    assert f"ValueError: refused: {MARK}" in text
    assert text.startswith("blurt failed\n")


def test_secrets_in_messages_arguments_and_stacks_are_marked(written: io.StringIO) -> None:
    keep_secrets_out()
    keep_secrets_out()
    log = logging.getLogger("somewhere")
    log.error(f"in the text {TOKEN}")
    log.error("an argument: %s", TOKEN)
    log.error("a mapping: %(a)s", {"a": TOKEN})
    log.error("with a stack", stack_info=True)
    text = written.getvalue()
    assert TOKEN not in text
    assert text.count(MARK) == 3
    assert f"an argument: {MARK}" in text
    assert "Stack (most recent call last)" in text


def test_a_record_that_cannot_be_formatted_is_told_without_its_secrets(written: io.StringIO) -> None:
    keep_secrets_out()
    logging.getLogger("somewhere").error("no place for it", TOKEN)  # noqa: PLE1205 - the fault in question
    assert TOKEN not in written.getvalue()
    assert "no place for it" in written.getvalue()


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    found = logging.getLogger()
    before, level = list(found.handlers), found.level
    yield found
    for handler in [one for one in found.handlers if one not in before]:
        found.removeHandler(handler)
        handler.close()
    found.setLevel(level)


def test_what_an_actor_logs_is_kept_in_its_own_file_without_secrets_and_read_back_whole(
    tmp_path: Path, root: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("safety-0", "INFO", tmp_path / "logs")
    forged = "2026-01-01T00:00:00.000Z INFO safety-0 all is well"
    logging.getLogger("x").warning("refused %s\n%s", TOKEN, forged)
    logging.getLogger("x").debug("too much detail")
    assert services(tmp_path / "logs") == ["safety-0"]
    (entry,) = find(tmp_path / "logs", ["safety-0"], most=10).entries
    assert (entry.service, entry.level) == ("safety-0", "WARNING")
    assert entry.message == f"x: refused {MARK}\n{forged}"
    assert entry.time is not None
    assert entry.time[:10] in {time.strftime("%Y-%m-%d", time.gmtime(time.time() - ago)) for ago in (0, 60)}
    assert MARK in capsys.readouterr().err


def test_a_folder_that_can_not_be_made_keeps_nobody_from_logging(
    tmp_path: Path, root: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "logs").write_text("in the way")
    logs.configure("ml-0", "INFO", tmp_path / "logs")
    logging.getLogger("x").info("hello")
    assert " INFO ml-0 x: hello\n" in capsys.readouterr().err
