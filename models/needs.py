"""What a task's meaning speaks for: token states in, one logit per capability out.

Beside these logits stand those of the task's words, which were learnt together with them: `judgement/roles/meaning.py`
adds both. `tests/corpora/train_roles.py` trains them. Importing this module doesn't import torch.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from .errors import ModelError
from .minilm import FEATURE_LAYERS, read_verified

Floats = npt.NDArray[np.float32]

FOLDER: Final = Path(__file__).parent / "needs"
WEIGHTS: Final = "needs.safetensors"
CARD: Final = "needs.json"
_REMEDY = "Restore both files from one release, or train again: python -m tests.corpora.train_roles."


@dataclass(frozen=True, slots=True)
class NeedsCard:
    """What is known about a trained head; the file `needs.json`.

    Attributes:
        capabilities: Names, in the order of the logits.
        version: Names the weights: the beginning of their hash.
        sha256: Of the weights.
        encoder_sha256: The encoder weights that they belong to.
        hidden: Width of each member's projection.
        members: Networks in the ensemble.
        document: The whole file.
    """

    capabilities: tuple[str, ...]
    version: str
    sha256: str
    encoder_sha256: str
    hidden: int
    members: int
    document: dict[str, Any]

    @classmethod
    def read(cls, folder: Path = FOLDER) -> NeedsCard:
        """Read it.

        Raises:
            ModelError: `file_missing`, or `bad_file`.
        """
        path = folder / CARD
        try:
            document = json.loads(path.read_bytes())
            sha256 = document["sha256"]
            return cls(
                tuple(document["capabilities"]),
                sha256[:12],
                sha256,
                document["encoder_sha256"],
                int(document["hidden"]),
                int(document["members"]),
                document,
            )
        except OSError as error:
            raise ModelError("file_missing", f"{path} cannot be read ({error.strerror}).", remedy=_REMEDY) from error
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError("bad_file", f"{path} is damaged ({error!r}).", remedy=_REMEDY) from error


class NeedsHead:
    """A loaded head. Belongs to one encoder's weights; not safe for concurrent calls."""

    def __init__(self, network: Any, card: NeedsCard, device: str) -> None:
        self._network = network
        self.card = card
        self.device = device

    @classmethod
    def load(cls, *, encoder_sha256: str, device: str = "cpu", folder: Path = FOLDER) -> NeedsHead:
        """Load and verify the weights; imports torch.

        Args:
            encoder_sha256: The encoder that will feed it; refused if the head was trained on another.
            device: `cpu` or `cuda`.
            folder: With `needs.safetensors` and `needs.json`.

        Raises:
            ModelError: `file_missing`, `bad_hash` or `bad_file`.
        """
        card = NeedsCard.read(folder)
        if encoder_sha256 != card.encoder_sha256:
            raise ModelError(
                "bad_hash",
                f"The needs head in {folder} was trained on encoder {card.encoder_sha256}, not {encoder_sha256}.",
                remedy="Use the encoder it was trained on, or train a head for the new one.",
            )
        data = read_verified(folder / WEIGHTS, card.sha256)

        import torch  # noqa: PLC0415 - torch is loaded with the model, not with the module
        from safetensors.torch import load  # noqa: PLC0415 - imports torch

        from .label_attention import BLOCK, LabelAttention  # noqa: PLC0415 - imports torch

        width = BLOCK * len(FEATURE_LAYERS)
        network = LabelAttention(width, card.hidden, len(card.capabilities), members=card.members)
        try:
            network.load_state_dict({name: tensor.to(torch.float32) for name, tensor in load(data).items()})
        except Exception as error:
            raise ModelError(
                "bad_file", f"{folder / WEIGHTS} does not fit its card ({error}).", remedy=_REMEDY
            ) from error
        return cls(network.eval().to(device), card, device)

    def logits(self, states: Floats, mask: npt.NDArray[np.bool_]) -> Floats:
        """How much each text's meaning speaks for each capability being needed.

        Args:
            states: (N, T, 1152) float32, the encoder's layers 4, 5 and 6 side by side.
            mask: (N, T) bool, True where there is a token.

        Returns:
            (N, C) float32.
        """
        import torch  # noqa: PLC0415 - torch is loaded with the model, not with the module

        if not len(states):
            return np.zeros((0, len(self.card.capabilities)), dtype=np.float32)
        with torch.inference_mode():
            found = self._network(torch.from_numpy(states).to(self.device), torch.from_numpy(mask).to(self.device))
            logits: Floats = found.cpu().numpy()
        return logits
