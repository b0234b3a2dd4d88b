"""Train the emotion head on GoEmotions: `python -m aura_ia_mcp.models.train_emotion --data DIR --out models/emotion`.

The encoder stays frozen. Five heads are trained, each on four fifths of train; their predictions for the fifth they
didn't see choose the thresholds. The five together are the head that ships. dev is read at the end, once, through
the same code that serves, and decides nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import json
import platform
import tempfile
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from safetensors.torch import save

from .batching import plan
from .emotion import FILES, EmotionHead
from .goemotions import Split, assign_folds, read_labels, read_split
from .label_attention import LabelAttention
from .minilm import FEATURE_LAYERS, NAME, Encoder
from .quality import (
    bootstrap_interval,
    choose_thresholds,
    cross_fitted_predictions,
    f1_per_label,
    macro_f1,
    top1_accuracy,
)
from .token_states import WIDTH, TokenStates, embed

COMMAND = "python -m aura_ia_mcp.models.train_emotion --data DIR --out models/emotion"
RESAMPLES = 2000
SUBSET_ROWS = 400
VERSIONS = ("torch", "transformers", "tokenizers", "numpy", "safetensors")
PREDICT_BATCH = 256
DIGITS = 4

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that decides what comes out, beside the data. Chosen by out-of-fold figures on train."""

    seed: int = 0
    folds: int = 5
    hidden: int = 256
    dropout: float = 0.2
    epochs: int = 4
    batch: int = 64
    peak_rate: float = 2e-3
    weight_decay: float = 0.01
    warmup: float = 0.1
    clip_norm: float = 5.0


def train_one(
    recipe: Recipe, data: TokenStates, truth: Floats, rows: Rows, *, seed: int, bar: Progress
) -> LabelAttention:
    """Train one head on some rows with binary cross-entropy summed over the labels.

    Args:
        recipe: Sizes and rates.
        data: Token states of all texts.
        truth: (R, L) float32, 0 or 1.
        rows: Which texts to learn from.
        seed: Of the start and of the order.
        bar: Where to show the epochs.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    head = LabelAttention(WIDTH, recipe.hidden, truth.shape[1], dropout=recipe.dropout).train()
    optimizer = torch.optim.AdamW(head.parameters(), lr=recipe.peak_rate, weight_decay=recipe.weight_decay)
    steps = recipe.epochs * -(-len(rows) // recipe.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.peak_rate, total_steps=steps, pct_start=recipe.warmup
    )
    task = bar.add_task(f"head {seed}", total=steps)
    for _ in range(recipe.epochs):
        for batch in data.batches(rows, recipe.batch, rng):
            states, mask = data.gather(batch)
            logits = head(torch.from_numpy(states), torch.from_numpy(mask))
            target = torch.from_numpy(truth[batch])
            loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, target, reduction="sum") / len(batch)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(head.parameters(), recipe.clip_norm)
            optimizer.step()
            schedule.step()
            bar.update(task, advance=1, description=f"head {seed}, loss {loss.item():.2f}")
    return head.eval()


def predict_rows(head: LabelAttention, data: TokenStates, rows: Rows) -> Floats:
    """Probabilities (len(rows), L) of some texts, in the order of `rows`."""
    out = np.zeros((len(data.lengths), head.mean.out_features), dtype=np.float32)
    with torch.inference_mode():
        for batch in data.batches(rows, PREDICT_BATCH, None):
            states, mask = data.gather(batch)
            out[batch] = torch.sigmoid(head(torch.from_numpy(states), torch.from_numpy(mask))).numpy()
    return out[rows]


def predict_texts(encoder: Encoder, head: EmotionHead, texts: list[str]) -> Floats:
    """Probabilities (N, 28) of N texts by the code that serves: encoder, then head, in padded batches."""
    out = np.zeros((len(texts), len(head.card.labels)), dtype=np.float32)
    for group in plan(encoder.count_tokens(texts), 32, 4096):
        encoded = encoder.forward([texts[row] for row in group], with_states=True)
        assert encoded.states is not None
        out[group] = head.predict(encoded.states, encoded.mask)
    return out


def subset_rows(count: int, *, seed: int, size: int = SUBSET_ROWS) -> Rows:
    """The seeded rows of dev that a quick check recomputes, ascending."""
    return np.sort(np.random.default_rng(seed).permutation(count)[:size]).astype(np.int64)


def measure(probabilities: Floats, thresholds: Floats, split: Split, labels: list[str], seed: int) -> dict[str, Any]:
    """The figures of dev that go into the card."""
    predicted = probabilities >= thresholds
    per_label = f1_per_label(split.truth, predicted)
    low, high = bootstrap_interval(split.truth, predicted, seed=seed, resamples=RESAMPLES)
    rows = subset_rows(len(split.texts), seed=seed)
    return {
        "dev_macro_f1": round(float(per_label.mean()), DIGITS),
        "dev_macro_f1_ci95": [round(low, DIGITS), round(high, DIGITS)],
        "bootstrap_resamples": RESAMPLES,
        "dev_top1_accuracy": round(top1_accuracy(split.truth, probabilities), DIGITS),
        "dev_per_label": {
            label: {"f1": round(float(f1), DIGITS), "support": int(support)}
            for label, f1, support in zip(labels, per_label, split.truth.sum(axis=0), strict=True)
        },
        "dev_subset": {
            "seed": seed,
            "rows": len(rows),
            "macro_f1": round(macro_f1(split.truth[rows], predicted[rows]), DIGITS),
        },
    }


def cross_validate(
    recipe: Recipe, data: TokenStates, split: Split, bar: Progress
) -> tuple[list[LabelAttention], Floats, float]:
    """Train a head per fold.

    Returns:
        The heads; the thresholds (L,), chosen on all out-of-fold probabilities; the out-of-fold macro-F1 of single
        heads, each fold cut with thresholds chosen on the others.
    """
    folds = assign_folds(split.texts, recipe.folds)
    heads: list[LabelAttention] = []
    held_out = np.zeros(split.truth.shape, dtype=np.float32)
    for fold in range(recipe.folds):
        rows, rest = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        head = train_one(recipe, data, split.truth.astype(np.float32), rows, seed=recipe.seed + fold, bar=bar)
        held_out[rest] = predict_rows(head, data, rest)
        heads.append(head)
    thresholds = choose_thresholds(split.truth, held_out, seed=recipe.seed)
    honest = cross_fitted_predictions(split.truth, held_out, folds, seed=recipe.seed)
    return heads, thresholds, macro_f1(split.truth, honest)


def compose_card(
    recipe: Recipe, labels: list[str], thresholds: Floats, *, encoder: Encoder, head: LabelAttention, weights: bytes
) -> dict[str, Any]:
    """The card, without the figures that only the written head can give."""
    return {
        "name": "goemotions-label-attention",
        "created": datetime.now(UTC).date().isoformat(),
        "labels": labels,
        "thresholds": {label: round(float(cut), 6) for label, cut in zip(labels, thresholds, strict=True)},
        "encoder": {"name": NAME, "sha256": encoder.sha256, "layers": list(FEATURE_LAYERS)},
        "head": {
            "sha256": hashlib.sha256(weights).hexdigest(),
            "bytes": len(weights),
            "parameters": sum(p.numel() for p in head.parameters()),
            "hidden": head.hidden,
            "members": head.members,
        },
        "training": {"command": f"{COMMAND} --seed {recipe.seed}", **asdict(recipe)},
        "versions": {"python": platform.python_version(), **{n: importlib.metadata.version(n) for n in VERSIONS}},
    }


def train(data_folder: Path, out: Path, cache: Path, recipe: Recipe, console: Console) -> dict[str, Any]:
    """Train, write `head.safetensors` and `emotion.json`, measure dev once, and give the card.

    Raises:
        ModelError: If the data or the encoder can't be read.
    """
    torch.use_deterministic_algorithms(True)
    labels = read_labels(data_folder)
    split = read_split(data_folder, "train", len(labels))
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        loading = bar.add_task("encoder", total=1.0)
        encoder = Encoder.load(device="cpu", progress=lambda _, part: bar.update(loading, completed=part))
        embedding = bar.add_task("token states of train", total=len(split.texts))
        states = embed(encoder, split.texts, cache, lambda count: bar.advance(embedding, count))
        heads, thresholds, oof = cross_validate(recipe, states, split, bar)
    merged = LabelAttention.merge(heads)
    weights = save({name: tensor.to(torch.float16).contiguous() for name, tensor in merged.state_dict().items()})
    card = compose_card(recipe, labels, thresholds, encoder=encoder, head=merged, weights=weights)
    out.mkdir(parents=True, exist_ok=True)
    (out / FILES.weights).write_bytes(weights)
    card["quality"] = {"oof_macro_f1": round(oof, DIGITS)}
    _write_card(out, card)
    console.print(f"out of fold: macro-F1 {oof:.4f}; now dev, once")
    dev = read_split(data_folder, "dev", len(labels))
    head = EmotionHead.load(out, encoder_sha256=encoder.sha256)
    cuts = np.array(head.card.thresholds, dtype=np.float32)
    card["quality"] |= measure(predict_texts(encoder, head, dev.texts), cuts, dev, labels, recipe.seed)
    card["data"] = {
        "name": "GoEmotions",
        "licence": "Apache-2.0",
        "source": "arXiv:2005.00547",
        "train": {"rows": len(split.texts), "sha256": split.sha256},
        "dev": {"rows": len(dev.texts), "sha256": dev.sha256},
    }
    _write_card(out, card)
    return card


def _write_card(out: Path, card: dict[str, Any]) -> None:
    (out / FILES.card).write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with train.tsv, dev.tsv and labels.txt")
    parser.add_argument("--out", type=Path, default=FILES.folder, help="where head.safetensors and emotion.json go")
    parser.add_argument("--cache", type=Path, help="keep the token states here (2 GB) for the next run")
    parser.add_argument("--seed", type=int, default=Recipe().seed)
    arguments = parser.parse_args()
    console = Console()
    place = nullcontext(arguments.cache) if arguments.cache else tempfile.TemporaryDirectory(prefix="aura-emotion-")
    with place as cache:
        card = train(arguments.data, arguments.out, Path(cache), Recipe(seed=arguments.seed), console)
    quality = card["quality"]
    low, high = quality["dev_macro_f1_ci95"]
    console.print(f"dev: macro-F1 {quality['dev_macro_f1']} [{low}, {high}], top-1 {quality['dev_top1_accuracy']}")


if __name__ == "__main__":
    main()
