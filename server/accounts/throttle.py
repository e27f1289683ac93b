"""Slowing down guessers: tries are counted per key, and past a limit the key must wait.

A try is counted when it begins, before anybody knows whether it is right: a hundred at once are a
hundred. Sans-IO: `now` is an argument, of a clock that nobody sets (a clock set back an hour would
keep everybody waiting for it). Memory is bounded: the oldest keys are forgotten first,
made-up ones before those of somebody who exists.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

_KEYS = 10_000  # of each kind: 2 MB; a guesser with more addresses is a matter for a firewall
_HOUR_S = 3600.0


@dataclass(slots=True)
class _Record:
    tries: int
    last_try: float
    wait_until: float


class Throttle:
    """After `free` tries a key waits `first_wait_s`, then twice as long each time.

    A key without a try for `forget_s` starts afresh.
    """

    def __init__(
        self, *, free: int, first_wait_s: float, longest_wait_s: float, forget_s: float = _HOUR_S
    ) -> None:
        self._free = free
        self._first_wait_s = first_wait_s
        self._longest_wait_s = longest_wait_s
        self._forget_s = forget_s
        self._passing: OrderedDict[str, _Record] = OrderedDict()
        self._kept: OrderedDict[str, _Record] = OrderedDict()

    def wait_s(self, key: str, now: float) -> float:
        """How long `key` must still wait; 0 if it may try now."""
        record = self._kept.get(key) or self._passing.get(key)
        return max(0.0, record.wait_until - now) if record else 0.0

    def tries(self, key: str, now: float) -> int:
        """How often `key` has tried, until it is forgotten."""
        record = self._kept.get(key) or self._passing.get(key)
        return record.tries if record and now - record.last_try <= self._forget_s else 0

    def count(self, key: str, now: float) -> None:
        """`key` tries."""
        records = self._kept if key in self._kept else self._passing
        record = records.pop(key, None)
        if record is None or now - record.last_try > self._forget_s:
            record = _Record(0, now, now)
        record.tries += 1
        record.last_try = now
        if (over := record.tries - self._free) >= 0:
            wait_s = min(self._longest_wait_s, self._first_wait_s * 2.0 ** min(over, 30))
            record.wait_until = now + wait_s
        records[key] = record
        while len(records) > _KEYS:
            records.popitem(last=False)

    def keep(self, key: str) -> None:
        """`key` is about somebody who exists: made-up keys, however many, do not push it out."""
        if (record := self._passing.pop(key, None)) is not None:
            self._kept[key] = record
            while len(self._kept) > _KEYS:
                self._kept.popitem(last=False)

    def forgive(self, key: str) -> None:
        """`key` proved itself: its tries are forgotten."""
        self._passing.pop(key, None)
        self._kept.pop(key, None)

    def take_back(self, key: str) -> None:
        """One try of `key` was no guess; those of others stay counted."""
        record = self._kept.get(key) or self._passing.get(key)
        if record is not None:
            record.tries -= 1
            if record.tries < self._free:
                record.wait_until = record.last_try


class WrongKeys:
    """Who shows one-time keys or credentials that are none, by address.

    They are too long to guess, so they are looked up first: whatever others behind the same
    address do, a right one opens. Wrong ones are refused ever more slowly.
    """

    def __init__(self) -> None:
        self._address = Throttle(free=5, first_wait_s=5, longest_wait_s=300)

    def wait_s(self, address: str, now: float) -> float:
        """A wrong one from this address: how long to wait; 0 (and counted) to say it is wrong."""
        if not (wait_s := self._address.wait_s(address, now)):
            self._address.count(address, now)
        return wait_s
