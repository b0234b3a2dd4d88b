"""What a process of the tree logs."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest

from aura_ia_mcp.cluster.logs import Redacting, keep_secrets_out

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
