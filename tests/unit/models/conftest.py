"""What the tests of the models share: the real encoder and head, loaded once."""

from __future__ import annotations

import pytest

from aura_ia_mcp.models.emotion import EmotionHead
from aura_ia_mcp.models.minilm import Encoder


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    """The packaged MiniLM on the CPU."""
    return Encoder.load(device="cpu")


@pytest.fixture(scope="session")
def head(encoder: Encoder) -> EmotionHead:
    """The shipped emotion head, fed by that encoder."""
    return EmotionHead.load(encoder_sha256=encoder.sha256)
