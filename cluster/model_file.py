"""Is the encoder there, and is it the one that was meant? Answers without loading it."""

from __future__ import annotations

from pathlib import Path

from aura_ia_mcp.configs.settings import Settings
from aura_ia_mcp.models.errors import ModelError
from aura_ia_mcp.models.minilm import PINNED_SHA256, packaged_folder
from aura_ia_mcp.models.weights import read_verified


class ModelFileError(Exception):
    """The model's file is missing or another; says what to do.

    Attributes:
        remedy: what to do.
    """

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


def check_encoder(settings: Settings) -> Path:
    """Hash the weights that these settings name; returns the file.

    Raises:
        ModelFileError: it is missing, or its SHA-256 is another than expected.
    """
    try:
        folder = settings.ml.encoder_path or packaged_folder()
        expected = settings.ml.encoder_sha256 or PINNED_SHA256
        file = folder / "model.safetensors"
        read_verified(file, expected)
    except ModelError as error:
        raise ModelFileError(str(error).removesuffix(f" {error.remedy}"), error.remedy) from error
    return file
