"""A trained model on disk: its weights, and the card beside them that says what they are.

Nothing is made of weights that aren't those which the card names, nor beside another encoder than theirs. Importing
this module doesn't import torch.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from .errors import ModelError

if TYPE_CHECKING:  # torch is loaded with the model, not with the module
    import torch

Document = dict[str, Any]
Made = TypeVar("Made")

VERSION: Final = 12
"""Digits of a hash that name weights."""


@dataclass(frozen=True, slots=True)
class Files:
    """How a kind of model is kept.

    Args:
        what: for people: "emotion head".
        weights: the file's name.
        card: the file's name.
        folder: where the shipped one lies.
        command: trains it again.
    """

    what: str
    weights: str
    card: str
    folder: Path
    command: str

    def read_card(self, folder: Path, make: Callable[[Document], Made]) -> Made:
        """What `make` makes of the card in a folder.

        Raises:
            ModelError: `file_missing`, or `bad_file` where `make` doesn't find what it looks for.
        """
        path = folder / self.card
        try:
            return make(json.loads(path.read_bytes()))
        except OSError as error:
            raise ModelError(
                "file_missing", f"{path} cannot be read ({error.strerror}).", remedy=self._remedy
            ) from error
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError("bad_file", f"{path} is damaged ({error!r}).", remedy=self._remedy) from error

    def load(
        self, folder: Path, *, sha256: str, encoders: tuple[str, str], make: Callable[[dict[str, torch.Tensor]], Made]
    ) -> Made:
        """What `make` makes of the weights in a folder; imports torch.

        Args:
            folder: where.
            sha256: that the weights must have.
            encoders: hashes of the encoder that they were trained on, and of the one that they shall serve beside.
            make: gets float32 tensors by name.

        Raises:
            ModelError: `bad_hash` for other weights or another encoder, `file_missing`, or `bad_file` where `make`
                fails.
        """
        trained_on, given = encoders
        if trained_on != given:
            raise ModelError(
                "bad_hash",
                f"The {self.what} in {folder} was trained on encoder {trained_on}, not {given}.",
                remedy="Use the encoder it was trained on, or train another for the new one.",
            )
        data = read_verified(folder / self.weights, sha256)

        from safetensors.torch import load  # noqa: PLC0415 - imports torch

        try:
            return make({name: tensor.float() for name, tensor in load(data).items()})
        except Exception as error:
            fault = f"{folder / self.weights} does not fit its card ({error})."
            raise ModelError("bad_file", fault, remedy=self._remedy) from error

    def write(self, folder: Path, tensors: Mapping[str, torch.Tensor], told: Document) -> str:
        """Keep weights, as float16, and their card.

        Args:
            folder: where to.
            tensors: by name.
            told: what the card says beside the hash, the name and how many parameters there are.

        Returns:
            The version: the beginning of the hash.
        """
        import torch  # noqa: PLC0415 - torch is loaded with the training, not with the module
        from safetensors.torch import save  # noqa: PLC0415 - imports torch

        halves = {name: value.detach().to(torch.float16).contiguous() for name, value in tensors.items()}
        data = save(halves)
        sha256 = hashlib.sha256(data).hexdigest()
        card = {"name": self.what, "sha256": sha256, "parameters": sum(each.numel() for each in halves.values())} | told
        folder.mkdir(parents=True, exist_ok=True)
        (folder / self.weights).write_bytes(data)
        (folder / self.card).write_text(json.dumps(card, indent=1) + "\n", "utf-8")
        return sha256[:VERSION]

    @property
    def _remedy(self) -> str:
        return f"Restore both files from one release, or train again: {self.command}."


def read_verified(path: Path, expected_sha256: str) -> bytes:
    """Read a weights file whole and return its bytes only if they hash to `expected_sha256`.

    The bytes that were hashed are the bytes that are used: the file can't change in between.

    Raises:
        ModelError: `file_missing` or `bad_hash`.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(
            "file_missing",
            f"The weights file {path} cannot be read ({error.strerror}).",
            remedy="Reinstall the package that carries it, or correct the path in the settings.",
        ) from error
    actual = hashlib.sha256(data).hexdigest()
    if actual != expected_sha256.lower():
        raise ModelError(
            "bad_hash",
            f"The weights file {path} has SHA-256 {actual}, expected {expected_sha256}; it was not loaded.",
            remedy="Reinstall it from its source; if you meant to use other weights, set their hash too.",
        )
    return data
