"""What a room full of pupils does in a lesson: raises its hand, speaks, gives up.

Sans-IO: told what the lesson says, asked with `now` what to do. No network, no clock of its own.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum

from signaling.protocol.messages import (
    ClientMessage,
    GiveFloor,
    LessonState,
    LowerHand,
    RaiseHand,
    Role,
    SeatState,
    TakeFloor,
)


class Talk(StrEnum):
    """When a seat speaks."""

    ALWAYS = "always"  # all the time: a test listens for every tone
    TURNS = "turns"  # rooms one after the other, and whoever has the floor
    FLOOR = "floor"  # only with the floor
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Habits:
    """How a seat behaves. `turn` of `turns` is when it speaks among the simulated seats."""

    hands: bool = True
    talk: Talk = Talk.TURNS
    turn: int = 0
    turns: int = 1
    # A class raises its hand every minute or so, and tires of it before the next question.
    hand_every_s: tuple[float, float] = (25.0, 70.0)
    hand_held_s: tuple[float, float] = (15.0, 40.0)
    turn_s: float = 6.0
    # A simulated lead thinks this long before it calls on a hand, and lets the room speak so long.
    lead_waits_s: float = 4.0
    lead_listens_s: float = 12.0


class Behaviour:
    """One seat's mind. Feed it `seat_is` and `lesson_is`, ask it `wishes` and `talks`."""

    def __init__(self, seat_id: str, role: Role, habits: Habits, rng: random.Random) -> None:
        self.seat_id = seat_id
        self.role = role
        self.habits = habits
        self._rng = rng
        self._floor: str | None = None
        self._floor_since: float | None = None
        self._hands: dict[str, int] = {}
        self._hand_since: float | None = None
        self._next_hand_at: float | None = None
        self._hand_down_at: float | None = None

    @property
    def hand_is_up(self) -> bool:
        return self.seat_id in self._hands

    @property
    def has_floor(self) -> bool:
        return self._floor == self.seat_id

    def seat_is(self, seat: SeatState) -> None:
        """A seat's new state (its own or another's)."""
        if seat.hand is not None:
            self._hands[seat.seat_id] = seat.hand.place
        else:
            self._hands.pop(seat.seat_id, None)

    def seat_is_gone(self, seat_id: str) -> None:
        self._hands.pop(seat_id, None)

    def lesson_is(self, lesson: LessonState) -> None:
        if lesson.floor != self._floor:
            self._floor_since = None
        self._floor = lesson.floor

    def wishes(self, now: float) -> ClientMessage | None:
        """What this seat does now, if anything. Ask once a second or so."""
        if not self.habits.hands:
            return None
        if self.role is Role.LEAD:
            return self._lead_wishes(now)
        if self.role is Role.ROOM:
            return self._room_wishes(now)
        return None

    def _room_wishes(self, now: float) -> ClientMessage | None:
        if self._next_hand_at is None or self.has_floor:
            self._next_hand_at = now + self._rng.uniform(*self.habits.hand_every_s)
            self._hand_down_at = None
        if self.hand_is_up:
            if self._hand_down_at is None:
                self._hand_down_at = now + self._rng.uniform(*self.habits.hand_held_s)
            if now >= self._hand_down_at:
                self._hand_down_at = None
                self._next_hand_at = now + self._rng.uniform(*self.habits.hand_every_s)
                return LowerHand()
        elif now >= self._next_hand_at:
            # Asked again later if the server did not take it.
            self._next_hand_at = now + self._rng.uniform(*self.habits.hand_every_s)
            self._hand_down_at = None
            return RaiseHand()
        return None

    def _lead_wishes(self, now: float) -> ClientMessage | None:
        if self._floor is not None and not self.has_floor:
            if self._floor_since is None:
                self._floor_since = now
            if now - self._floor_since >= self.habits.lead_listens_s:
                self._floor_since = now
                return TakeFloor()
            return None
        if not self._hands:
            self._hand_since = None
            return None
        if self._hand_since is None:
            self._hand_since = now
        if now - self._hand_since >= self.habits.lead_waits_s:
            self._hand_since = None
            return GiveFloor(seat_id=min(self._hands, key=lambda seat: self._hands[seat]))
        return None

    def talks(self, now: float) -> bool:
        """Whether this seat speaks at this moment."""
        if self.habits.talk in (Talk.ALWAYS, Talk.NEVER):
            return self.habits.talk is Talk.ALWAYS
        if self.has_floor:
            return True
        if self.habits.talk is Talk.FLOOR or self._floor is not None:
            return False
        # Each seat has its turn, and after each turn there is one of silence.
        begun = int(now / self.habits.turn_s)
        return begun % (2 * self.habits.turns) == 2 * self.habits.turn
