"""An object store in memory that fails and lies as it is told, and counts what it is sent."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

from server.recordings.objects import ObjectMissing, ObjectsAway
from tests.unit.server.recordings.recorded import PART

# A part that is one file, and no more.
ONE_FILE = {
    name: value for name, value in PART.items() if name not in ("codecs", "index_bytes", "playlist")
}


class FaultyObjects:
    """`Objects`. `fault(call, key)` says what goes wrong: "" nothing, "before" it is done, "after"
    it was done (and nobody is told), "lies" (it says that it was done), "old" (other bytes come).
    """

    def __init__(self, fault: Callable[[str, str], str] = lambda _call, _key: "") -> None:
        self.held: dict[str, bytes] = {}
        self.sent: Counter[str] = Counter()
        self.fault = fault

    async def put(self, key: str, data: bytes) -> None:
        fault = self.fault("put", key)
        if fault == "before":
            raise ObjectsAway("refused")
        self.sent[key] += 1
        if fault != "lies":
            self.held[key] = data
        if fault == "after":
            raise ObjectsAway("the line was cut behind it")

    async def get(self, key: str) -> bytes:
        fault = self.fault("get", key)
        if fault in {"before", "after"}:
            raise ObjectsAway("refused")
        if key not in self.held:
            raise ObjectMissing(key)
        data = self.held[key]
        return b"old" + data[3:] if fault == "old" else data

    async def get_range(self, key: str, begin: int, end: int) -> bytes:
        return (await self.get(key))[begin:end]

    async def delete(self, key: str) -> None:
        if self.fault("delete", key):
            raise ObjectsAway("refused")
        self.held.pop(key, None)


def one_in(share: float, seed: int) -> Callable[[str, str], str]:
    """So many of all calls fail, each in one of the ways."""
    rng = random.Random(seed)

    def fault(call: str, _key: str) -> str:
        if rng.random() >= share:
            return ""
        return rng.choice({"put": ["before", "after", "lies"]}.get(call, ["before", "old"]))

    return fault
