"""Raised hands in their order, who has the floor, and whether its holder is large on every screen.

Owns the order alone; who may ask is in `rules.py`, what follows from having the floor is decided
where sound is gated.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Floor:
    """At most one holder; each seat's hand is up at most once, first come first.

    Who is given the floor comes forward; what is chosen of the picture after that counts for more.
    """

    holder: str | None = None
    forward: bool = False  # never without a holder
    raised: dict[str, float] = field(default_factory=dict)  # seat → since when, in order

    def raise_hand(self, seat_id: str, now: float) -> bool:
        """Put a hand at the end of the order; False if it is up already or has the floor."""
        if seat_id in self.raised or seat_id == self.holder:
            return False
        self.raised[seat_id] = now
        return True

    def lower_hand(self, seat_id: str) -> bool:
        """Take a hand down; False if it was not up."""
        return self.raised.pop(seat_id, None) is not None

    def give(self, seat_id: str) -> bool:
        """The floor goes to this seat and its hand goes down; False if it has it already."""
        self.raised.pop(seat_id, None)
        if self.holder == seat_id:
            return False
        self.holder = seat_id
        self.forward = True
        return True

    def step_back(self) -> bool:
        """Its holder goes on speaking and is large no more; False if it was not."""
        forward, self.forward = self.forward, False
        return forward

    def take(self) -> str | None:
        """The floor comes back; who had it."""
        holder, self.holder = self.holder, None
        self.forward = False
        return holder

    def place(self, seat_id: str) -> int | None:
        """A hand's place in the order, from 1; None if it is not up."""
        for place, waiting in enumerate(self.raised, start=1):
            if waiting == seat_id:
                return place
        return None
