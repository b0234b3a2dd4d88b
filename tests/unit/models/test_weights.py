"""Promises of `models.weights`; they need torch, but no weights of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aura_ia_mcp.models.errors import ModelError
from aura_ia_mcp.models.weights import VERSION, Files

pytestmark = pytest.mark.model
FILES = Files("test head", "head.safetensors", "head.json", Path("nowhere"), "make head")


def _written(folder: Path) -> dict[str, Any]:
    import torch  # noqa: PLC0415 - only tests of the real model import torch

    version = FILES.write(folder, {"one": torch.arange(6.0)}, {"encoder_sha256": "e"})
    card: dict[str, Any] = FILES.read_card(folder, dict)
    assert card["sha256"][:VERSION] == version
    return card


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    card = _written(tmp_path)
    assert (card["name"], card["parameters"], card["encoder_sha256"]) == ("test head", 6, "e")
    weights = FILES.load(tmp_path, sha256=card["sha256"], encoders=("e", "e"), make=dict)
    assert weights["one"].tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(("key", "code"), [("sha256", "bad_hash"), ("encoders", "bad_hash"), ("make", "bad_file")])
def test_weights_that_do_not_belong_are_refused(tmp_path: Path, key: str, code: str) -> None:
    wanted = {"sha256": _written(tmp_path)["sha256"], "encoders": ("e", "e"), "make": dict}
    wrong = {"sha256": "0" * 64, "encoders": ("e", "another"), "make": lambda weights: weights["absent"]}
    with pytest.raises(ModelError) as refusal:
        FILES.load(tmp_path, **wanted | {key: wrong[key]})
    assert refusal.value.code == code


def test_a_card_that_lacks_a_key_is_told_with_the_command_that_makes_another(tmp_path: Path) -> None:
    _written(tmp_path)
    with pytest.raises(ModelError, match="make head") as refusal:
        FILES.read_card(tmp_path, lambda document: document["absent"])
    assert refusal.value.code == "bad_file"
