"""How often something may happen to each source: a bounded table of token buckets by network.

So nobody can use the server to bother a third party. Sans-IO.
"""

from __future__ import annotations

from collections import OrderedDict

from mixer.sources import network_of
from mixer.token_bucket import TokenBucket

# Sources remembered at once; the one unused longest makes room. 4,096 entries are about 1 MB.
MAX_SOURCES = 4096


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
