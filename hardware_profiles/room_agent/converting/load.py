"""What is left out when the machine cannot follow. Sans-IO.

A picture that was predicted from another needs it decoded: so first pictures are decoded and not
encoded, which costs a half to two thirds less, and then everything up to the next keyframe is left
out.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from hardware_profiles.room_agent.whole.pictures import WholePicture

# More than this waiting is a tenth of a second: what is shown would be late.
MOST_SHOWN = 3
# Two seconds of 25 pictures: catching up would take longer than waiting for a keyframe.
MOST_WAITING = 50
# The last group of pictures, for who begins in its middle: as `passing.group`.
_MOST_GROUP_BYTES = 4 << 20


class Fate(Enum):
    """What becomes of a coded picture."""

    SHOWN = "shown"
    DECODED = "decoded"
    LEFT_OUT = "left out"


class Load:
    """One stream's. `waiting` is what the child has been given and is not through with."""

    def __init__(self, *, predicts: bool) -> None:
        """Whether the codec predicts pictures from others."""
        self.waiting = 0
        self.left_out = 0
        self._predicts = predicts
        self._waits_for_keyframe = False

    def fate(self, picture: WholePicture) -> Fate:
        """Of the next picture."""
        if self.waiting >= MOST_WAITING:
            self._waits_for_keyframe = True
        if self._waits_for_keyframe and (not picture.keyframe or self.waiting > MOST_SHOWN):
            self.left_out += 1
            return Fate.LEFT_OUT
        self._waits_for_keyframe = False
        if self.waiting <= MOST_SHOWN:
            return Fate.SHOWN
        self.left_out += 1
        return Fate.DECODED if self._predicts else Fate.LEFT_OUT


class Group:
    """The coded pictures since the last keyframe."""

    def __init__(self) -> None:
        self._pictures: list[WholePicture] = []
        self._bytes = 0
        self._whole = False

    def add(self, picture: WholePicture) -> None:
        if picture.keyframe:
            self._pictures, self._bytes, self._whole = [], 0, True
        if not self._whole:
            return
        self._pictures.append(picture)
        self._bytes += len(picture.data)
        if self._bytes > _MOST_GROUP_BYTES:
            self._pictures, self._bytes, self._whole = [], 0, False

    def __iter__(self) -> Iterator[WholePicture]:
        return iter(self._pictures)

    def __len__(self) -> int:
        return len(self._pictures)
