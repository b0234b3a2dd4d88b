"""What the router's classifier looks at: words, pieces of words, concepts, and the meaning where there is one."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
import re2

from .lexicon import ENGLISH, Lexicon, Words
from .minilm import DIMENSIONS

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]

MOST_CHARACTERS: Final = 2000
BLOCKS: Final = (("words", 4096), ("pieces", 4096), ("concepts", 4096))
WIDTH: Final = sum(size for _, size in BLOCKS)
MEANING_WEIGHT: Final = 2.0


def _listed(text: str) -> list[str]:
    return text.split(";")


_HEAD_WORDS: Final = 3
_QUOTED = re2.compile(r"\"[^\"]*\"|`[^`]*`|\x{201c}[^\x{201d}]*\x{201d}|(?:^|[\s:,(])'[^']*'")
_NUMBERED = re2.compile(r"\b[\pL_-]*[0-9][\pL\pN_:.-]*")
_WORD = re2.compile(r"[\pL\pN_+'-]+|\?")
_ASKING: Final = {
    "wh": "what which who whom whose where when why how",
    "is": "is are was were has have had did does do am",
    "may": "can could may might would should shall will",
    "i": "i i'd i'm i've we let's let",
}
_FORMS: Final = {word: form for form, words in _ASKING.items() for word in words.split()}
_POLITE: Final = frozenset(_listed("please;pls;hey;hi;hello;just;now;then;kindly;ok;so;and;could_you;can_you"))


@dataclass(frozen=True, slots=True)
class Features:
    """A sparse row.

    Attributes:
        words: what the lexicon saw.
        indices: (K,) int64, ascending, below WIDTH; what is there at all.
        blocks: (K,) int64, the block of each index.
    """

    words: Words
    indices: Indices
    blocks: Indices


def features(text: str, lexicon: Lexicon) -> Features:
    """What one request shows; linear in its length, of which the first 2,000 characters count."""
    text = text[:MOST_CHARACTERS].encode("utf-8", "replace").decode()  # JSON can carry half a character
    words = lexicon.read(_unquoted(text))
    if words.language == ENGLISH:
        tokens = [match.group() for match in _WORD.finditer(_shape(text))]
    else:  # what can't be read as English is read as the English words of its concepts
        tokens = " ".join(lexicon.english[name] for name in words.concepts).split()
    bags = (set(_words(tokens)), set(_pieces(tokens)), set(_crossed(words, tokens)))
    indices: list[int] = []
    blocks: list[int] = []
    offset = 0
    for number, ((_, size), bag) in enumerate(zip(BLOCKS, bags, strict=True)):
        places = sorted({offset + zlib.crc32(item.encode()) % size for item in bag})
        indices += places
        blocks += [number] * len(places)
        offset += size
    return Features(words, np.array(indices, dtype=np.int64), np.array(blocks, dtype=np.int64))


def weighted(row: Features, rarity: Floats) -> Floats:
    """(K,) the row's values: each index by its rarity, each block of length 1."""
    values = rarity[row.indices]
    lengths = np.sqrt(np.bincount(row.blocks, weights=values * values, minlength=len(BLOCKS)))
    out: Floats = (values / np.maximum(lengths, 1e-9)[row.blocks]).astype(np.float32)
    return out


def scaled(vector: npt.ArrayLike) -> Floats:
    """(384,) the meaning as the classifier weighs it.

    Raises:
        ValueError: it has another shape.
    """
    values = np.asarray(vector, dtype=np.float32)
    if values.shape != (DIMENSIONS,):
        raise ValueError(f"a meaning has the shape ({DIMENSIONS},), not {values.shape}")
    return values * np.float32(MEANING_WEIGHT)


def _unquoted(text: str) -> str:
    return str(_QUOTED.sub(" ", text))


def _shape(text: str) -> str:
    return str(_NUMBERED.sub(" id ", _QUOTED.sub(" qq ", text.casefold())))


def _words(tokens: list[str]) -> Iterable[str]:
    yield from tokens
    yield from (f"{first} {second}" for first, second in pairwise(["<", *tokens, ">"]))


def _pieces(tokens: list[str]) -> Iterable[str]:
    for token in set(tokens):
        word = f" {token[:24]} "
        for size in (3, 4, 5):
            yield from (word[start : start + size] for start in range(len(word) - size + 1))


def _crossed(words: Words, tokens: list[str]) -> Iterable[str]:
    """Concepts, their pairs, and each with the form of the sentence."""
    concepts = words.concepts[:12]
    heads = _heads(words, tokens)
    yield from heads
    for number, first in enumerate(concepts):
        yield first
        yield from (f"{head}>{first}" for head in heads)
        yield from ("+".join(sorted((first, second))) for second in concepts[number + 1 :])


def _heads(words: Words, tokens: list[str]) -> tuple[str, ...]:
    plain = [token for token in tokens if token not in _POLITE][:_HEAD_WORDS] or ["-"]
    form = _FORMS.get(plain[0], "other")
    asked = "asks" if tokens and tokens[-1] == "?" else "says"
    first = words.concepts[0] if words.concepts else "-"
    return (f"form:{form}", f"first:{plain[0]}", f"asked:{asked}", f"head:{first}", f"two:{' '.join(plain[:2])}")
