"""A place for a model that may be missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from .errors import ModelError

Model = TypeVar("Model")


class Slot(Generic[Model]):
    """A model, or what keeps it from serving.

    Args:
        what: for people: "emotion head".
    """

    def __init__(self, what: str) -> None:
        self.what = what
        self.model: Model | None = None
        self.fault: ModelError | None = None

    def load(self, make: Callable[[], Model]) -> None:
        """Fill it, or note the fault."""
        try:
            self.model = make()
        except ModelError as error:
            self.fault = error

    def get(self) -> Model:
        """The model.

        Raises:
            ModelError: the fault, or `not_loaded`.
        """
        if self.model is None:
            raise self.fault or ModelError(
                "not_loaded",
                f"The {self.what} of this worker is not loaded yet.",
                remedy="Wait until get_model_status shows it as loaded, then send it again.",
                retryable=True,
            )
        return self.model
