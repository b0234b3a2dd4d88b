"""Promises of the training script and of the page it feeds, on a made-up data set of 60 rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from aura_ia_mcp.models.emotion import EmotionCard, EmotionHead
from aura_ia_mcp.models.model_page import BEGIN, END, render, rewrite

WORDS = ("joyful", "angry", "plain")


def test_only_the_figures_of_a_page_are_rewritten() -> None:
    card = EmotionCard.read()
    page = rewrite(f"above\n{BEGIN}\nstale\n{END}\nbelow\n", card)
    assert page == f"above\n{render(card)}\nbelow\n"
    assert rewrite(page, card) == page
    with pytest.raises(ValueError, match="the page has no"):
        rewrite("a page without marks", card)


@pytest.fixture
def made_up(tmp_path: Path) -> Path:
    """Three labels, each with a word that gives it away."""
    (tmp_path / "labels.txt").write_text("joy\nanger\nneutral")
    for name, rows in (("train", 60), ("dev", 30)):
        lines = [f"the {WORDS[row % 3]} {name} house number {row}\t{row % 3}\t{row}\n" for row in range(rows)]
        (tmp_path / f"{name}.tsv").write_text("".join(lines))
    return tmp_path


@pytest.fixture
def torch_as_before() -> Iterator[None]:
    import torch  # noqa: PLC0415 - only tests of the real model import torch

    yield
    torch.use_deterministic_algorithms(False)


@pytest.mark.model
@pytest.mark.usefixtures("torch_as_before")
def test_training_is_repeatable_learns_and_writes_a_head_that_loads(made_up: Path, tmp_path: Path) -> None:
    from rich.console import Console  # noqa: PLC0415 - with the training script

    from aura_ia_mcp.models.train_emotion import Recipe, train  # noqa: PLC0415 - imports torch

    recipe = Recipe(folds=2, hidden=16, epochs=8, batch=8, peak_rate=5e-3)
    cards = [
        train(made_up, tmp_path / out, tmp_path / "cache", recipe, Console(quiet=True)) for out in ("first", "second")
    ]
    assert cards[0]["head"] == cards[1]["head"]
    assert cards[0]["quality"] == cards[1]["quality"]
    assert cards[0]["quality"]["dev_macro_f1"] > 0.9
    head = EmotionHead.load(tmp_path / "first")
    assert head.card.members == 2
    assert set(head.card.document) == set(EmotionCard.read().document)
    assert set(head.card.quality) == set(EmotionCard.read().quality)
    assert str(tmp_path) not in (tmp_path / "first" / "emotion.json").read_text()
