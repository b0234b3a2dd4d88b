"""Makes look-alikes equal and cuts a text into words, and remembers where each came from."""

# ruff: noqa: RUF001 - look-alike characters are this module's subject

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

_TABLE_SIZE = 0x20000  # two planes; what lies above is emoji, rare Han and invisible tags
_OTHER, _GONE = _TABLE_SIZE, _TABLE_SIZE + 1  # rows for what lies above: a letter of its own, nothing
INNER_DOT = chr(0xE000)  # a full stop inside a word or an address, which ends no sentence
_DOT = ord(INNER_DOT)
_TAGS = 0xE0000  # tag characters and variation selectors begin here

_LOOKALIKES = str.maketrans(
    # Cyrillic (small, and small forms of capitals that look Latin), Armenian, Greek, Latin letters of other alphabets
    "авеѕіјкмнорстухѵԁԛԝһӏгɡ" + "αεικνορτυχηωςβζμ" + "օոսհցքաɑıøłđħŧꭓɩʀʙɢʜɪɴʏʟᴀᴄᴅᴇᴊᴋᴍᴏᴘᴛᴜᴠᴡᴢꜱ",
    "abesijkmhopctyxvdqwhlrg" + "aeikvoptuxnwsbzm" + "onuhgfaaioldhtxirbghinylacdejkmoptuvwzs",
)
_CAPITALS = str.maketrans("ΗΥΡΧΝΜΒ", "hypxnmb")  # Greek capitals whose small letters look otherwise
_UNSPACED = (range(0x0E00, 0x0E80), range(0x3040, 0x3100), range(0x3400, 0xA000), range(0xAC00, 0xD7B0))
_HAN = 0x3100  # from here on letters are their own small plain forms
_APOSTROPHES = [ord(char) for char in "'’ʼ"]
_SPACE = 32
_UNKNOWN = frozenset({"Cn", "Co"})  # no characters yet, or of private use: spaces
_QUOTES = "\"'`´‘’“”„‚«»‹›「」『』"
_TOKENS = ".!?;:,()[]{}<>=@\n"
_PUNCTUATION = {"。": ".", "．": ".", "、": ",", "।": ".", "؟": "?", "،": ",", "؛": ";", "…": ".", "·": " "}


@dataclass(frozen=True, slots=True)
class Folded:
    """A text as words.

    Args:
        flat: the words in small plain letters, one space around each.
        words: the same, apart.
        starts: where each word begins in the original text, in characters.
        ends: where it ends there.
        places: where each word begins in `flat`.
        distinct: the words, each once.
        numbers: where each word is in `distinct`.
    """

    flat: str
    words: list[str]
    starts: Ints
    ends: Ints
    places: Ints
    distinct: list[str] = field(init=False)
    numbers: Ints = field(init=False)

    def __post_init__(self) -> None:
        numbers = {word: number for number, word in enumerate(dict.fromkeys(self.words))}
        object.__setattr__(self, "distinct", list(numbers))
        object.__setattr__(
            self, "numbers", np.fromiter(map(numbers.__getitem__, self.words), np.int64, len(self.words))
        )


def _folded(char: str) -> str:
    """What stands for a character: small plain letters, a token in spaces, a space, or nothing."""
    if char in _QUOTES:
        return ' " '
    char = _PUNCTUATION.get(char, char)
    if char in _TOKENS:
        return f" {char} "
    plain = unicodedata.normalize("NFKD", char.translate(_CAPITALS))
    kept = "".join(c for c in plain if unicodedata.category(c) not in {"Mn", "Me", "Cf", "Cc", "Cs"})
    if plain and not kept:
        return "" if unicodedata.category(plain[0]) != "Cc" else " "
    if len(kept) == 1 and kept in _TOKENS:
        return f" {kept} "
    letters = "".join(c for c in kept.lower().translate(_LOOKALIKES) if c.isalnum())
    return letters if letters else " "


def _is_own_word(code: int) -> bool:
    """Whether a character is written without spaces around words: Han, kana, Hangul, Thai."""
    return any(code in script for script in _UNSPACED)


def _own_word(char: str) -> str:
    """A letter of an unspaced script as a word; its marks vanish."""
    if ord(char) < _HAN:
        char = unicodedata.normalize("NFKD", char)[0]
        if unicodedata.combining(char) or not char.isalnum():
            return ""
    return f" {char} "


@cache
def _table() -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
    """(3, N) what every character becomes, (N,) how many characters that is, and (N,) whether it's of a word."""
    rows = np.full((_TABLE_SIZE + 2, 3), 32, np.uint32)
    widths = np.ones(_TABLE_SIZE + 2, np.uint8)
    inner = np.zeros(_TABLE_SIZE + 2, np.bool_)
    for code in range(_TABLE_SIZE):
        if unicodedata.category(chr(code)) in _UNKNOWN:
            continue
        text = _own_word(chr(code)) if _is_own_word(code) else _folded(chr(code))[:3]
        rows[code, : len(text)] = [ord(c) for c in text]
        widths[code] = len(text)
        inner[code] = text.isalnum()
    rows[_DOT] = (32, _DOT, 32)
    widths[_DOT] = 3
    rows[_OTHER, 0] = 32
    widths[_GONE] = 0
    return np.ascontiguousarray(rows.T), widths, inner


def fold(text: str) -> Folded:
    """Fold a text: NFKC, case, accents, look-alike letters, invisible characters; linear, in C.

    Args:
        text: any text, lone surrogates included.
    """
    rows, widths, inner = _table()
    text = text.replace("\\n", " \n").replace("\\r", "  ").replace("\\t", "  ").replace('\\"', ' "')
    codes = np.frombuffer(f" {text} ".encode("utf-32-le", "surrogatepass"), "<u4").astype(np.int64)
    if codes.max() >= _TABLE_SIZE:
        codes = np.where(codes < _TABLE_SIZE, codes, np.where(codes >= _TAGS, _GONE, _OTHER))
    within = np.zeros(len(codes), np.bool_)
    within[1:-1] = inner[codes[:-2]] & inner[codes[2:]]
    codes[:-1][(codes[:-1] == ord(".")) & inner[codes[1:]]] = _DOT
    codes[within & (np.isin(codes, _APOSTROPHES))] = _GONE
    wide = widths[codes]
    ends = np.cumsum(wide)
    origin = np.repeat(np.arange(-1, len(codes) - 1), wide)
    flat = np.empty(len(origin), np.uint32)
    for place in range(3):
        there = np.flatnonzero(wide > place)
        flat[ends[there] - wide[there] + place] = rows[place, codes[there]]
    spaces = flat == _SPACE
    keep = np.ones(len(flat), np.bool_)
    keep[1:] = ~(spaces[1:] & spaces[:-1])
    flat, origin = flat[keep], origin[keep]
    gaps = np.flatnonzero(flat == _SPACE)
    string = flat.astype("<u4").tobytes().decode("utf-32-le")
    words = string.split(" ")[1:-1]
    return Folded(string, words, origin[gaps[:-1] + 1], origin[gaps[1:] - 1] + 1, gaps[:-1] + 1)


def fold_terms(terms: list[str]) -> list[str]:
    """Fold the lexicon's terms the way that texts are."""
    return [term.strip() for term in fold("\n".join(terms)).flat.split("\n")]
