"""What can go wrong in the folder of models, each with what a person can do about it."""

from __future__ import annotations


class ModelError(Exception):
    """A model could not be loaded or run.

    Attributes:
        code: Stable name of the fault: `file_missing`, `bad_hash`, `bad_file`, `no_device`, `not_loaded`, `bad_input`.
        remedy: What a person can do about it, one sentence.
        retryable: Whether the same call may succeed later without anybody changing anything.
    """

    def __init__(self, code: str, message: str, *, remedy: str, retryable: bool = False) -> None:
        super().__init__(f"{message} {remedy}")
        self.code = code
        self.remedy = remedy
        self.retryable = retryable


class QueueFullError(ModelError):
    """The waiting room of a batcher, or one caller's share of it, is full; nothing of the refused request was run.

    Attributes:
        retry_after_s: Seconds after which room is likely, from the recent pace of the batcher.
    """

    def __init__(self, limit: int, retry_after_s: float, *, own: bool = False) -> None:
        super().__init__(
            "queue_full",
            f"At most {limit} texts of one caller may wait at once."
            if own
            else f"At most {limit} texts may wait for the model at once.",
            remedy=f"Send it again in {retry_after_s:.2f} s.",
            retryable=True,
        )
        self.limit = limit
        self.retry_after_s = retry_after_s


class ClosedError(ModelError):
    """The batcher was closed before the request ran, or while it ran: then its outcome is unknown to the caller."""

    def __init__(self) -> None:
        super().__init__(
            "closed", "The model worker is shutting down.", remedy="Send it again to its successor.", retryable=True
        )
