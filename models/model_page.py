"""Write the figures of `emotion.json` into a page: `python -m aura_ia_mcp.models.model_page docs/emotion.md`.

Only what stands between the two marks changes, so that the page and the card never disagree.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from .emotion import EmotionCard

BEGIN: Final = "<!-- figures: written by models/model_page.py -->"
END: Final = "<!-- end of figures -->"


def render(card: EmotionCard) -> str:
    """The figures of a head as Markdown, marks included."""
    quality, data, head = card.quality, card.document["data"], card.document["head"]
    low, high = quality["dev_macro_f1_ci95"]
    lines = [
        BEGIN,
        "",
        "| figure | value |",
        "|---|---|",
        f"| macro-F1 on dev ({data['dev']['rows']:,} rows) | **{quality['dev_macro_f1']:.3f}** |",
        f"| its 95 % bootstrap interval ({quality['bootstrap_resamples']:,} resamples) | {low:.3f} to {high:.3f} |",
        f"| top-1 accuracy on dev | {quality['dev_top1_accuracy']:.3f} |",
        f"| macro-F1 out of fold on train ({data['train']['rows']:,} rows) | {quality['oof_macro_f1']:.3f} |",
        f"| parameters, size | {head['parameters']:,}, {head['bytes'] / 1e6:.1f} MB |",
        f"| trained | {card.document['created']}, seed {card.document['training']['seed']} |",
        "",
        "| emotion | F1 on dev | rows of dev | threshold |",
        "|---|---|---|---|",
        *(
            f"| {label} | {quality['dev_per_label'][label]['f1']:.2f} "
            f"| {quality['dev_per_label'][label]['support']} | {threshold:.3f} |"
            for label, threshold in zip(card.labels, card.thresholds, strict=True)
        ),
        "",
        END,
    ]
    return "\n".join(lines)


def rewrite(page: str, card: EmotionCard) -> str:
    """A page with the figures between its marks replaced.

    Raises:
        ValueError: If the page lacks a mark.
    """
    before, began, rest = page.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not began or not ended:
        raise ValueError(f"the page has no {BEGIN} followed by {END}")
    return before + render(card) + after


def main() -> None:
    """The command line: rewrite the pages that are named."""
    for name in sys.argv[1:]:
        path = Path(name)
        path.write_text(rewrite(path.read_text(encoding="utf-8"), EmotionCard.read()), encoding="utf-8")


if __name__ == "__main__":
    main()
