"""Cuts words into the pieces of a vocabulary, many words at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

import ahocorasick_rs
import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

LONGEST = 24  # letters; a longer word isn't cut
_GOES_ON = "##"  # marks a piece that doesn't begin a word


class Pieces:
    """WordPiece, the longest piece first (Schuster and Nakajima 2012), as one Aho-Corasick search through all words.

    Args:
        known: the vocabulary.
    """

    def __init__(self, known: Iterable[str]) -> None:
        self._search = ahocorasick_rs.AhoCorasick(
            [piece.removeprefix(_GOES_ON) if piece.startswith(_GOES_ON) else f" {piece}" for piece in known],
            matchkind=ahocorasick_rs.MatchKind.LeftmostLongest,
        )

    def cut(self, words: Sequence[str]) -> tuple[Ints, Ints]:
        """(pieces,) by their numbers in the vocabulary, and (pieces,) each one's word; none of what can't be cut.

        Args:
            words: without spaces.
        """
        sizes = np.fromiter(map(len, words), np.int64, len(words)) + 1
        places = np.cumsum(sizes) - sizes
        found = self._search.find_matches_as_indexes(f" {' '.join(words)}")
        pieces, firsts, lasts = np.fromiter(chain.from_iterable(found), np.int64, 3 * len(found)).reshape(-1, 3).T
        rows = np.searchsorted(places, firsts, "right") - 1
        covered = np.bincount(rows, lasts - firsts, len(words))  # with the space before it, where pieces leave no gap
        keep = ((covered == sizes) & (sizes <= LONGEST + 1))[rows]
        return pieces[keep], rows[keep]
