"""How a node's regular work keeps up: what its ticks take, and how late they come.

A tick that comes late tells that the event loop was busy with something else; both grow long before
layer choices come too late for a lesson.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Ticks:
    """Totals since the node began."""

    count: int = 0
    busy_s: float = 0.0
    late_s: float = 0.0

    def add(self, *, due_at: float, began_at: float, ended_at: float) -> None:
        """One tick: when it should have come, when it came, when it was done."""
        self.count += 1
        self.late_s += max(0.0, began_at - due_at)
        self.busy_s += max(0.0, ended_at - began_at)
