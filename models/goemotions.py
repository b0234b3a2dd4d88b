"""Reading the GoEmotions data set: 28 labels on Reddit comments.

Source: Demszky et al. 2020, "GoEmotions: A Dataset of Fine-Grained Emotions" (arXiv:2005.00547), Apache-2.0.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .errors import ModelError

COLUMNS = 3


@dataclass(frozen=True, slots=True)
class Split:
    """One file of the data set.

    Attributes:
        texts: N comments.
        truth: (N, L) bool, the labels of each.
        sha256: Hash of the file.
    """

    texts: list[str]
    truth: npt.NDArray[np.bool_]
    sha256: str


def read_labels(folder: Path) -> list[str]:
    """The names of the labels, in the order of their ids.

    Raises:
        ModelError: `file_missing`.
    """
    return _read(folder / "labels.txt").decode().split()


def read_split(folder: Path, name: str, labels: int) -> Split:
    """Read `<name>.tsv`: text, comma-joined label ids, comment id.

    Raises:
        ModelError: `file_missing`, or `bad_file` with the line at fault.
    """
    path = folder / f"{name}.tsv"
    data = _read(path)
    texts: list[str] = []
    rows: list[list[int]] = []
    for number, line in enumerate(data.decode().removesuffix("\n").split("\n"), start=1):
        cells = line.rstrip("\r").split("\t")
        try:
            ids = [int(cell) for cell in cells[1].split(",")]
        except (IndexError, ValueError):
            ids = []
        if len(cells) != COLUMNS or not ids or not all(0 <= label < labels for label in ids):
            raise ModelError(
                "bad_file",
                f"Line {number} of {path} is not: text, label ids below {labels}, comment id.",
                remedy="Use the files of the data set as they are published.",
            )
        texts.append(cells[0])
        rows.append(ids)
    truth = np.zeros((len(texts), labels), dtype=np.bool_)
    for row, ids in enumerate(rows):
        truth[row, ids] = True
    return Split(texts, truth, hashlib.sha256(data).hexdigest())


def assign_folds(texts: list[str], folds: int) -> npt.NDArray[np.int64]:
    """Give each row a fold by its text, so that copies of a comment never sit on both sides of a split."""
    return np.array([zlib.crc32(text.strip().lower().encode()) % folds for text in texts], dtype=np.int64)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(
            "file_missing",
            f"The data file {path} cannot be read ({error.strerror}).",
            remedy="Give --data the folder with train.tsv, dev.tsv and labels.txt of GoEmotions.",
        ) from error
