"""What a task's words tell that it needs: a small lexicon, matched in one pass, and hashed words and pairs."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Final

import ahocorasick_rs

from ..marked_yaml import read

MOST_CHARS: Final = 8_000
BUCKETS: Final = 4096
_STEM: Final = 6  # letters of a word that count: deploy, deployed and deployment are one
_JOINTS = str.maketrans("./-", "   ")
_APART = str.maketrans(dict.fromkeys("\t\n\r,;:!?()[]{}\"'<>|*`=&+_", " "))


@dataclass(frozen=True)
class Lexicon:
    """Groups of word beginnings, and which groups together tell of a need.

    Args:
        words: by group; ` deploy` finds the beginning of a word, ` role ` a whole one.
        needs: by capability, the sets of groups of which one must be there whole.
    """

    words: Mapping[str, tuple[str, ...]]
    needs: Mapping[str, tuple[frozenset[str], ...]]

    def groups(self, text: str) -> frozenset[str]:
        """The groups that a text has words of; linear in the text, of which 8,000 characters are read."""
        matcher, owners = _matcher(tuple((group, tuple(words)) for group, words in self.words.items()))
        found = matcher.find_matches_as_indexes(_plain(text), overlapping=True)
        return frozenset(group for number, _, _ in found for group in owners[number])

    def needs_of(self, groups: frozenset[str]) -> frozenset[str]:
        """The capabilities that these groups tell of."""
        return frozenset(
            capability for capability, lines in self.needs.items() if any(line <= groups for line in lines)
        )


def buckets(text: str) -> frozenset[int]:
    """Numbers below BUCKETS of a text's word beginnings and of its pairs of neighbours; 8,000 characters are read."""
    words = [word[:_STEM] for word in _plain(text.translate(_JOINTS)).split()]
    pairs = (f"{one} {other}" for one, other in pairwise(words))
    return frozenset(zlib.crc32(each.encode("utf-8", "replace")) % BUCKETS for each in (*words, *pairs))


@cache
def lexicon() -> Lexicon:
    """The lexicon that comes with the system: `concepts.yaml`."""
    data = read((files("aura_ia_mcp.judgement.roles") / "concepts.yaml").read_text("utf-8")).value
    words = {group: tuple(_pattern(word) for word in listed) for group, listed in data["words"].items()}
    needs = {
        capability: tuple(frozenset(line.split(" + ")) for line in lines) for capability, lines in data["needs"].items()
    }
    return Lexicon(words, needs)


@cache
def _matcher(words: tuple[tuple[str, tuple[str, ...]], ...]) -> tuple[ahocorasick_rs.AhoCorasick, list[list[str]]]:
    owners: dict[str, list[str]] = {}
    for group, patterns in words:
        for pattern in patterns:
            owners.setdefault(pattern, []).append(group)
    return ahocorasick_rs.AhoCorasick(list(owners)), list(owners.values())


def _pattern(word: str) -> str:
    """` word` finds beginnings; with a final stop ` word ` finds the whole."""
    return f" {word[:-1]} " if word.endswith(".") else f" {word}"


def _plain(text: str) -> str:
    """Lower-case words with one space between, and around; a stop at a word's end goes."""
    words = text[:MOST_CHARS].casefold().translate(_APART).split()
    return f" {' '.join(word.rstrip('.') for word in words)} "
