"""Which sentence every word and every symbol of a text stands in."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .fold import Folded
from .lexicon import Symbols, lexicon

Ints = npt.NDArray[np.int64]


def rows_of(folded: Folded, text: Symbols) -> tuple[Ints, Ints, int]:
    """(each word's sentence, each symbol's sentence, how many sentences); the sign that ends one belongs to it."""
    ends: Any = np.isin(text.ids, [lexicon().known["."], lexicon().known["?"]])
    id_rows: Ints = np.cumsum(ends) - ends
    word_rows: Ints = np.searchsorted(text.starts[ends], folded.starts)
    return word_rows, id_rows, int(ends.sum()) + 1
