"""Which node holds a lesson in progress: that one alone opens it, knows who leads it, and ends it.

A lesson is held by a lease. A node that is gone renews none of its own, and after `LEASE_S` the
next one that asks may have the lesson. One node needs no more than `LocalOwnership`; several on one
database need leases that all of them see.
"""

from __future__ import annotations

from collections.abc import Collection, Set
from dataclasses import dataclass
from typing import Protocol

from server.clock import Clock

LEASE_S = 15.0  # seven ticks of the timekeeper: a node that is merely busy loses nothing


class Ownership(Protocol):
    """What one node asks. A lesson is claimed before it is opened."""

    @property
    def node_id(self) -> str:
        """Who asks."""
        ...

    async def claim(self, lesson_id: str) -> bool:
        """Whether the lesson is this node's, from now on if it was nobody's."""
        ...

    async def renew(self, lesson_ids: Collection[str]) -> Set[str]:
        """Those of these lessons that are this node's, for another `LEASE_S`."""
        ...

    async def owner_of(self, lesson_id: str) -> str | None:
        """The node that holds the lesson; None if nobody does."""
        ...


@dataclass(frozen=True, slots=True)
class Lease:
    """A lesson is a node's until then (Unix seconds)."""

    node_id: str
    until: float


class LocalOwnership:
    """`Ownership` in memory: for one node, and for several that share `leases`."""

    def __init__(self, node_id: str, clock: Clock, leases: dict[str, Lease] | None = None) -> None:
        self._node_id = node_id
        self._clock = clock
        self._leases: dict[str, Lease] = {} if leases is None else leases

    @property
    def node_id(self) -> str:
        """Who asks."""
        return self._node_id

    async def claim(self, lesson_id: str) -> bool:
        """Whether the lesson is this node's, from now on if it was nobody's."""
        if await self.owner_of(lesson_id) not in {None, self._node_id}:
            return False
        self._leases[lesson_id] = Lease(self._node_id, self._clock() + LEASE_S)
        return True

    async def renew(self, lesson_ids: Collection[str]) -> Set[str]:
        """Those of these lessons that are this node's, for another `LEASE_S`."""
        now = self._clock()
        ours = {key for key, lease in self._leases.items() if lease.node_id == self._node_id}
        held = ours.intersection(lesson_ids)
        run_out = {key for key, lease in self._leases.items() if lease.until <= now}
        for lesson_id in run_out - held:
            del self._leases[lesson_id]
        self._leases |= dict.fromkeys(held, Lease(self._node_id, now + LEASE_S))
        return held

    async def owner_of(self, lesson_id: str) -> str | None:
        """The node that holds the lesson; None if nobody does."""
        lease = self._leases.get(lesson_id)
        return None if lease is None or lease.until <= self._clock() else lease.node_id
