"""A text as bytes for RE2, and the way back from bytes to characters."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np

MOST_MATCHES = 200  # of one pattern in one text
_CONTINUES = 0x80  # a byte 10xxxxxx goes on with a character


class Source:
    """One text, in both forms.

    Args:
        text: the text; lone surrogates become question marks in the bytes.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.data = text.encode("utf-8", "replace")

    @cached_property
    def _characters(self) -> Any:
        heads = (np.frombuffer(self.data, np.uint8) & 0xC0) != _CONTINUES
        return np.concatenate(([0], np.cumsum(heads)))

    def at(self, place: int) -> int:
        """The character at a byte's place."""
        if len(self.data) == len(self.text):
            return place
        return int(self._characters[place])

    def find(self, pattern: Any, group: int = 0) -> Iterator[tuple[int, int, str]]:
        """(start, end, text) of a pattern's matches, in characters; at most `MOST_MATCHES`."""
        for match in islice(pattern.finditer(self.data), MOST_MATCHES):
            start, end = self.at(match.start(group)), self.at(match.end(group))
            yield start, end, self.text[start:end]
