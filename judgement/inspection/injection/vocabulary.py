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


@cache
def known_words() -> frozenset[str]:
    """MiniLM's words, short ones only if the words' score has met them, and the lexicon's."""
    model = shipped().model
    pieces = {word for word in model.pieces if len(word) >= _SHORTEST_PIECE or word in model.numbers}
    ours = (word for word in lexicon().known if len(word) >= _SHORTEST_PIECE)
    return frozenset(filter(str.isalpha, pieces.union(ours)))


def is_known(word: str) -> bool:
    """Whether a word is one of `known_words`."""
    return word in known_words()


@cache
def telling() -> frozenset[str]:
    """English words that say what a text in disguise is about."""
    lex = lexicon()
    return frozenset(
        word
        for word, number in lex.known.items()
        if len(word) >= _SHORTEST_TELLING and word.isascii() and lex.meanings[number] & _TELLING
    )
