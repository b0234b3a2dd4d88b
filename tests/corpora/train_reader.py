"""Trains the injection reader, and what weighs its scores: `python -m tests.corpora.train_reader [--left-out NAME]`.

Lines: the authors' in `dev/texts*.jsonl`, some of them put into documents, phrases with choices in
`models/injection/*.txt`, requests, tasks, and paragraphs of ordinary documentation. With `--left-out` one author's
lines are left out and scored by a reader that hasn't seen them (`--scores FILE` keeps the scores); without it the
reader that is shipped is trained. `python -m tests.corpora.fit_meaning` makes weights and thresholds of those scores.
Held-out lines are no part of it.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path
from typing import Any

import numpy as np

from aura_ia_mcp.judgement.inspection.injection.windows import WINDOW_CHARS, suspicion, windows
from aura_ia_mcp.models.minilm import Encoder
from aura_ia_mcp.models.train_injection import Example, fit, logits_of, save

from .train_injection import DEV, of_documents, of_phrases

SPLICED = 0.3  # of the authors' lines are put into a document as well
PIECE_CHARS = 200
MOST = {"attacks": 750, "ordinary": 850, "documents": 600, "requests": 550, "roles": 300}
OTHERS = 0.5  # the weight of a line that no author wrote for this
SHOWN = ("zero_width", "fullwidth", "homoglyph")  # encodings that a plain reading undoes
_JOINTS = ("\n\n", "\n", " ", "\n---\n")


def authors() -> list[dict[str, Any]]:
    """Every line that an author wrote, with the author's file."""
    found = []
    for path in sorted(DEV.glob("texts*.jsonl")):
        for row in map(json.loads, filter(str.strip, path.read_text("utf-8").split("\n"))):
            found.append(row | {"author": path.stem, "hostile": row["label"] == "injection"})
    return found


def learnt(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those in English; what is encoded is decoded before it is read."""
    return [row for row in rows if row["language"] == "en"]


def others() -> dict[str, list[str]]:
    """Texts that nobody wrote for this, a bounded number of each kind."""
    found: dict[str, list[str]] = {name: [] for name in MOST}
    for name in ("attacks", "ordinary"):
        found[name] = [line.text for line in of_phrases(name)]
    found["documents"] = [line.text for line in of_documents() if line.author == "documents"]
    for name in ("requests", "roles"):
        for path in sorted(DEV.glob(f"{name}*.jsonl")):
            rows = map(json.loads, filter(str.strip, path.read_text("utf-8").split("\n")))
            found[name] += [row["text"] for row in rows if row.get("language", "en") == "en"]
    chance = random.Random("others")
    return {name: chance.sample(texts, len(texts)) for name, texts in found.items()}


def examples(rows: list[dict[str, Any]]) -> list[Example]:
    """What a reader learns from, given these authors' lines."""
    more = others()
    lines = [(text, row["hostile"], 1.0) for row in rows for text in stretches(row)]
    for name, most in MOST.items():
        lines += [(text, name == "attacks", OTHERS) for text in more[name][:most]]
    documents = [text[:PIECE_CHARS] for text in more["documents"][MOST["documents"] :]]
    chance = random.Random("spliced")
    for row in rows:
        if row["encoding"] == "plain" and len(row["text"]) <= WINDOW_CHARS and chance.random() < SPLICED:
            lines.append((_spliced(row["text"], documents, chance), row["hostile"], 1.0))
    calm = sum(weight for _, hostile, weight in lines if not hostile)
    balance = (calm / sum(weight for _, hostile, weight in lines if hostile)) ** 0.5
    return [Example(text, hostile, weight * balance if hostile else weight) for text, hostile, weight in lines]


def stretches(row: dict[str, Any]) -> list[str]:
    """What a reader is given of a line: all of a benign one, of an injection what its words give away most.

    An injection in an encoding that isn't decoded teaches nothing.
    """
    read = windows(row["text"]).read
    plain = row["encoding"] == "plain"
    found = [window for window in read if not window.how] if plain else list(read)
    if not row["hostile"] or not found:
        return [window.text for window in found]
    if not plain and row["encoding"] not in SHOWN:
        found = [window for window in found if window.how]
    return [max((window.text for window in found), key=suspicion)] if found else []


def _spliced(text: str, documents: list[str], chance: random.Random) -> str:
    """The text before, behind or within ordinary documents."""
    before, after, joint = chance.choice(documents), chance.choice(documents), chance.choice(_JOINTS)
    half = PIECE_CHARS // 2
    ways = (before + joint + text, text + joint + after, before[:half] + joint + text + joint + after[:half])
    return chance.choice(ways)


def main() -> None:
    """Train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--left-out", help="the author whose lines are scored, as in texts-3")
    parser.add_argument("--scores", type=Path, help="a file for those scores")
    options = parser.parse_args()
    encoder = Encoder.load(device="cpu", threads=1)
    rows = authors()
    network = fit(encoder, examples([row for row in learnt(rows) if row["author"] != options.left_out]))
    if options.left_out is None:
        print(save(network, encoder, {"lines": len(learnt(rows))}))
        return
    left = [row for row in rows if row["author"] == options.left_out]
    cut = [windows(row["text"]) for row in left]
    scores = iter(logits_of(network, encoder, [window.text for each in cut for window in each.read]).tolist())
    of_lines = [[next(scores) for _ in each.read] for each in cut]
    most = np.array([max(each, default=-9.0) for each in of_lines])
    plain = np.array([row["language"] == "en" and row["encoding"] == "plain" for row in left])
    hostile = np.array([row["hostile"] for row in left])
    calm = np.sort(most[~hostile])[::-1]
    for share in (0.01, 0.015, 0.02, 0.05):
        above = calm[int(share * len(calm))]
        print(f"{options.left_out}: {np.mean(most[hostile & plain] > above):.3f} found at {share:.1%}")
    if options.scores:
        kept = [row | {"scores": each} for row, each in zip(left, of_lines, strict=True)]
        options.scores.write_text(json.dumps(kept), "utf-8")


if __name__ == "__main__":
    main()
