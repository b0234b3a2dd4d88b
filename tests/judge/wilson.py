"""Wilson's score interval of a proportion (Wilson 1927)."""

from __future__ import annotations

import math

Z95 = 1.959963984540054


def interval(hits: int, of: int, z: float = Z95) -> tuple[float, float]:
    """The bounds within which the true rate lies with 95 % confidence; (0, 1) when nothing was counted."""
    if of == 0:
        return 0.0, 1.0
    rate = hits / of
    scale = 1 + z * z / of
    middle = (rate + z * z / (2 * of)) / scale
    reach = z * math.sqrt(rate * (1 - rate) / of + z * z / (4 * of * of)) / scale
    return max(0.0, middle - reach), min(1.0, middle + reach)
