"""What stands in for the models: vectors by length of text, no torch."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from aura_ia_mcp.models.errors import ModelError
from aura_ia_mcp.models.worker import Answer, Models


class FakeModels(Models):
    """Answers at once once `go` is set; loading fails with `fault`, if one is given."""

    def __init__(self, *, wait: bool = False, fault: ModelError | None = None) -> None:
        super().__init__()
        self.go = threading.Event()
        if not wait:
            self.go.set()
        self.fault = fault
        self.groups: list[str] = []

    def load(self, progress: Callable[[str, float], None]) -> None:
        progress("weights", 0.5)
        if not self.go.wait(10):
            raise TimeoutError
        if self.fault is not None:
            raise self.fault

    async def embed(self, texts: Sequence[str], *, group: str = "") -> list[Answer]:
        self.groups.append(group)
        return [self._answer(text) for text in texts]

    async def emotions(self, texts: Sequence[str], *, group: str = "") -> list[Answer]:
        self.groups.append(group)
        return [self._answer(text) for text in texts]

    def describe(self, answer: Answer, top_k: int = 3) -> Any:
        labels = [{"label": f"emotion {n}", "score": 1.0 / (n + 1), "present": n == 0} for n in range(top_k)]
        return {"labels": labels, "dominant": "emotion 0", "valence": 0.25}

    @staticmethod
    def _answer(text: str) -> Answer:
        vector = np.zeros(384, dtype=np.float32)
        vector[len(text) % 384] = 1.0
        return Answer(vector, None, len(text) + 2, False)
