"""Exit statuses of the system's processes; the supervisor tells the user what each means."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """How a process ended."""

    OK = 0
    FAILED = 1
    START_FAILED = 10
    RAY_LOST = 11
    ACTOR_LOST = 12


MEANING: dict[int, str] = {
    Exit.OK: "it ended in order",
    Exit.FAILED: "a fault of its own",
    Exit.START_FAILED: "it could not start",
    Exit.RAY_LOST: "Ray's raylet or GCS died",
    Exit.ACTOR_LOST: "an actor could not be kept alive",
}


def meaning(status: int) -> str:
    """An exit status in words; negative ones are signals, as `subprocess` has them."""
    if status < 0:
        return f"it was ended by signal {-status}"
    return MEANING.get(status, f"it ended with status {status}")
