"""Token buckets: how many calls a principal may make.

A bucket holds at most `rate` tokens and refills at `rate` a minute; a call takes one. So at most `2 * rate` calls fall
into any 60 seconds, and `rate` into each following minute.
"""

from __future__ import annotations

from dataclasses import dataclass

_EPSILON = 1e-9
MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Bucket:
    """Tokens at a moment.

    Args:
        tokens: 0 to `rate`.
        at: when they were counted; seconds of any clock that doesn't go back.
    """

    tokens: float
    at: float


@dataclass(frozen=True, slots=True)
class Take:
    """What asking for a token gave.

    Args:
        allowed: whether there was one.
        before: tokens before, refilled to now.
        after: tokens after.
        retry_after_s: seconds until there is one; 0 when allowed.
    """

    allowed: bool
    before: float
    after: float
    retry_after_s: float = 0.0


def take(bucket: Bucket, rate: int, now: float) -> tuple[Bucket, Take]:
    """Refill to `now` and take a token, if there is one.

    A clock that went back refills nothing.
    """
    per_s = rate / MINUTE_S
    before = min(float(rate), bucket.tokens + max(0.0, now - bucket.at) * per_s)
    at = max(now, bucket.at)
    if before >= 1.0 - _EPSILON:
        after = max(0.0, before - 1.0)
        return Bucket(after, at), Take(True, before, after)
    return Bucket(before, at), Take(False, before, before, (1.0 - before) / per_s)


class Buckets:
    """The buckets of many principals, bounded.

    Only full buckets are forgotten, for forgetting a full one changes nothing. When none of them is full, a principal
    that isn't known yet is refused until one is: nobody gains calls by being forgotten.

    Args:
        rate: tokens a minute, and the most that a bucket holds.
        most: buckets kept at once.
    """

    def __init__(self, rate: int, most: int = 10_000) -> None:
        if rate < 1 or most < 1:
            raise ValueError(f"rate and most must be positive, not {rate} and {most}")
        self.rate = rate
        self.most = most
        self._buckets: dict[str, Bucket] = {}
        self._none_full_before = 0.0

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, principal: str, now: float) -> Take:
        """Take one of a principal's tokens."""
        bucket = self._buckets.get(principal)
        if bucket is None:
            if len(self._buckets) >= self.most and not self._make_room(now):
                return Take(False, 0.0, 0.0, max(0.001, self._none_full_before - now))
            bucket = Bucket(float(self.rate), now)
        self._buckets[principal], verdict = take(bucket, self.rate, now)
        return verdict

    def _make_room(self, now: float) -> bool:
        if now < self._none_full_before:
            return False
        full_at = {key: b.at + (self.rate - b.tokens) * MINUTE_S / self.rate for key, b in self._buckets.items()}
        for key, at in full_at.items():
            if at <= now:
                del self._buckets[key]
        if len(self._buckets) < self.most:
            return True
        self._none_full_before = min(full_at.values())
        return False
