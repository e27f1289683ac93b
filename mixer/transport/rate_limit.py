"""How often something may happen: token buckets, one alone or one per source.

Owns: the bucket, and a bounded table of them by source network, so that nobody can use the server
to bother a third party. Leaves to the caller: what a token buys. Sans-IO.
"""

from __future__ import annotations

from collections import OrderedDict

from mixer.sources import network_of

# Sources remembered at once; the one unused longest makes room. 4,096 entries are about 1 MB.
MAX_SOURCES = 4096


class TokenBucket:
    """`burst` at once, then `rate_per_s`."""

    __slots__ = ("_burst", "_filled_at", "_rate_per_s", "_tokens")

    def __init__(self, *, rate_per_s: float, burst: float, now: float) -> None:
        self._rate_per_s = rate_per_s
        self._burst = self._tokens = burst
        self._filled_at = now

    def take(self, now: float) -> bool:
        """Spend one token; False when there is none."""
        refill = max(0.0, now - self._filled_at) * self._rate_per_s
        self._tokens = min(self._burst, self._tokens + refill)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class SourceBudget:
    """Token buckets by source address (IPv6: by /64, which one host may use whole)."""

    def __init__(self, *, rate_per_s: float, burst: float, max_sources: int = MAX_SOURCES) -> None:
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._max_sources = max_sources
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()
        self.refused = 0

    def take(self, host: str, now: float) -> bool:
        """Spend one token of this source; False (and counted) when it has none left."""
        source = network_of(host)
        bucket = self._buckets.get(source)
        if bucket is None:
            if len(self._buckets) >= self._max_sources:
                self._buckets.popitem(last=False)
            bucket = self._buckets[source] = TokenBucket(
                rate_per_s=self._rate_per_s, burst=self._burst, now=now
            )
        else:
            self._buckets.move_to_end(source)
        if bucket.take(now):
            return True
        self.refused += 1
        return False

    def __len__(self) -> int:
        return len(self._buckets)
