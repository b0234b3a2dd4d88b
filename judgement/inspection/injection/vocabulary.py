"""Which words are English as far as we know, and which of them tell what an injection is about."""

from __future__ import annotations

from functools import cache

from .lexicon import lexicon
from .wordscore import shipped

LONGEST = 18  # letters; a longer word is read in one way only
_SHORTEST_PIECE = 4  # MiniLM's shorter pieces are hardly words
_TELLING_NAMES = (
    "CANCEL RULES REVEAL BYPASS PRIOR HIDDEN MODEL TOOLACT SEND SECRET USER YOUR TOLD SAID SAFEGUARD BECOME WITHOUT"
)
_TELLING = frozenset(_TELLING_NAMES.split())
_SHORTEST_TELLING = 4


def is_known(word: str) -> bool:
    """Whether a word is one of MiniLM's, a short one only if the words' score has met it, or one of the lexicon's."""
    model = shipped().model
    if word in model.pieces:
        return word.isalpha() and (len(word) >= _SHORTEST_PIECE or word in model.numbers)
    return len(word) >= _SHORTEST_PIECE and word.isalpha() and word in lexicon().known


@cache
def telling() -> frozenset[str]:
    """English words that say what a text in disguise is about."""
    lex = lexicon()
    return frozenset(
        word
        for word, number in lex.known.items()
        if len(word) >= _SHORTEST_TELLING and word.isascii() and lex.meanings[number] & _TELLING
    )
