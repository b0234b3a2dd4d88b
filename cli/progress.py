"""How far a long reading has come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

_STEP_BYTES = 1_048_576  # a bar that moves at every line would cost more than the reading


@contextmanager
def reading(total: int) -> Iterator[Callable[[int], None]]:
    """A bar on standard error, at a terminal; hears how many bytes were read.

    Args:
        total: bytes to be read.
    """
    from rich.console import Console  # noqa: PLC0415 - 60 ms that only long readings need
    from rich.progress import Progress  # noqa: PLC0415

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("Reading", total=total)
        waiting = 0

        def read(count: int) -> None:
            nonlocal waiting
            waiting += count
            if waiting >= _STEP_BYTES:
                bar.advance(task, waiting)
                waiting = 0

        yield read
