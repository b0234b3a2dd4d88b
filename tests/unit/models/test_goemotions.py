"""Promises of `models.goemotions`, without the data set itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from aura_ia_mcp.models.errors import ModelError
from aura_ia_mcp.models.goemotions import assign_folds, read_labels, read_split


def test_rows_are_read_with_all_their_labels(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("joy\nlove\nneutral")
    (tmp_path / "train.tsv").write_text('so "nice"\u2028ok\t0,1\ta\n\t2\tb\n', encoding="utf-8")
    split = read_split(tmp_path, "train", len(read_labels(tmp_path)))
    assert split.texts == ['so "nice"\u2028ok', ""]
    assert split.truth.tolist() == [[True, True, False], [False, False, True]]


@pytest.mark.parametrize(
    "line", ["text only", "text\tx\tid", "text\t3\tid", "text\t-1\tid", "text\t\tid", "a\t0\tb\tc"]
)
def test_a_damaged_row_is_named_by_its_line(tmp_path: Path, line: str) -> None:
    (tmp_path / "train.tsv").write_text(f"fine\t0\tid\n{line}\n")
    with pytest.raises(ModelError, match="Line 2") as refusal:
        read_split(tmp_path, "train", 3)
    assert refusal.value.code == "bad_file"


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="--data") as refusal:
        read_labels(tmp_path)
    assert refusal.value.code == "file_missing"


def test_copies_of_a_comment_share_a_fold_and_folds_are_even() -> None:
    texts = [f"comment {number}" for number in range(2000)]
    folds = assign_folds([*texts, *(f" {text.upper()} " for text in texts)], 5)
    np.testing.assert_array_equal(folds[:2000], folds[2000:])
    assert np.bincount(folds, minlength=5).min() > 600
