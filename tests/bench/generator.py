"""Orders bursts from the load generator."""

from __future__ import annotations

from collections.abc import Sequence

from .outcome import JSON
from .processes import Child
from .wire import Prepared

WARM_S = 0.2


class Generator(Child):
    """The process of `load`."""

    def __init__(self) -> None:
        super().__init__("load")

    def burst(self, port: int, clients: Sequence[Sequence[Prepared]], expect: str, seconds: float) -> JSON:
        """Each client sends its requests in turn for so long: {count, p50_ms, p99_ms, per_s, seconds, client_cpu_us}.

        Raises:
            RuntimeError: an answer didn't hold `expect`, or a connection broke.
        """
        return self.ask({"port": port, "clients": clients, "expect": expect, "seconds": seconds, "warm_s": WARM_S})
