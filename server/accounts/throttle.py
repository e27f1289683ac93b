"""Slowing down guessers: failures are counted per key, and past a limit the key must wait.

Sans-IO: `now` is an argument. Memory is bounded: the oldest keys are forgotten first.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

_KEYS = 10_000  # 2 MB at most; a guesser with more addresses than this is a matter for a firewall


@dataclass(slots=True)
class _Record:
    failures: int
    last_failure: float
    wait_until: float


class Throttle:
    """After `free` failures a key waits `first_wait_s`, then twice as long each time.

    A key without a failure for `forget_s` starts afresh.
    """

    def __init__(
        self, *, free: int, first_wait_s: float, longest_wait_s: float, forget_s: float
    ) -> None:
        self._free = free
        self._first_wait_s = first_wait_s
        self._longest_wait_s = longest_wait_s
        self._forget_s = forget_s
        self._records: OrderedDict[str, _Record] = OrderedDict()

    def wait_s(self, key: str, now: float) -> float:
        """How long `key` must still wait; 0 if it may try now."""
        record = self._records.get(key)
        return max(0.0, record.wait_until - now) if record else 0.0

    def failed(self, key: str, now: float) -> None:
        """`key` guessed wrong."""
        record = self._records.pop(key, None)
        if record is None or now - record.last_failure > self._forget_s:
            record = _Record(0, now, now)
        record.failures += 1
        record.last_failure = now
        if (over := record.failures - self._free) >= 0:
            wait_s = min(self._longest_wait_s, self._first_wait_s * 2.0 ** min(over, 30))
            record.wait_until = now + wait_s
        self._records[key] = record
        while len(self._records) > _KEYS:
            self._records.popitem(last=False)

    def succeeded(self, key: str) -> None:
        """`key` proved itself: its failures are forgotten."""
        self._records.pop(key, None)


class GuessingGuard:
    """The throttles at one guessable door: per address and name, per name, and per address.

    A whole school may sit behind one address, so an address alone is given far more tries than a
    pair of address and user name; a name alone is slowed only when many addresses try it.
    """

    def __init__(self) -> None:
        hour_s = 3600.0
        self._pair = Throttle(free=5, first_wait_s=5, longest_wait_s=900, forget_s=hour_s)
        self._name = Throttle(free=50, first_wait_s=5, longest_wait_s=300, forget_s=hour_s)
        self._address = Throttle(free=50, first_wait_s=5, longest_wait_s=900, forget_s=hour_s)

    def wait_s(self, address: str, name: str, now: float) -> float:
        """How long this attempt must wait; 0 if it may go on."""
        return max(
            self._pair.wait_s(f"{address} {name}", now),
            self._name.wait_s(name, now) if name else 0.0,
            self._address.wait_s(address, now),
        )

    def failed(self, address: str, name: str, now: float) -> None:
        """The attempt was wrong."""
        self._pair.failed(f"{address} {name}", now)
        self._address.failed(address, now)
        if name:
            self._name.failed(name, now)

    def succeeded(self, address: str, name: str) -> None:
        """The attempt was right. The address keeps its count: it may hold a guesser as well."""
        self._pair.succeeded(f"{address} {name}")
