"""How much a picture moves: whether a shared screen changes, and which camera of a room shows life.

A picture is looked at as 64 × 36 fields of mean brightness: noise and compression vanish in the
mean, a turned page or a moving hand does not. Looked at now and then (twice a second), not at every
picture.
"""

from __future__ import annotations

import cv2

from mixer.composite.picture import Picture, Plane, cv_array

_FIELDS = (64, 36)

# A field has changed when its mean has by so much of 255; noise moves it by 1 or 2.
_STEP = 6

# A page that turns changes a tenth of the fields and more; a pointer, or a clock in a corner, less
# than ten of them.
SCREEN_CHANGES = 0.005


class Motion:
    """One source's motion. `observe` tells which share of it has changed since the last look."""

    def __init__(self) -> None:
        self._before: Plane | None = None

    def observe(self, picture: Picture) -> float:
        """0 … 1; 0 for the first picture."""
        if picture.width < 2 or picture.height < 2:
            return 0.0
        now = cv2.resize(cv_array(picture.y), _FIELDS, interpolation=cv2.INTER_AREA)
        before, self._before = self._before, now
        if before is None:
            return 0.0
        return float((cv2.absdiff(cv_array(before), cv_array(now)) >= _STEP).mean())
