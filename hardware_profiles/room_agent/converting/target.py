"""How a picture that is encoded here goes out: a layer of the profile, in pixels and bits."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """The most that is sent of each."""

    width: int
    height: int
    frame_rate: float
    bitrate_bps: int

    def size_for(self, width: int, height: int) -> tuple[int, int]:
        """A picture's size when it goes out: its own proportions, never larger, even numbers."""
        scale = min(1.0, self.width / width, self.height / height)
        return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


class EvenPace:
    """Lets so many pictures a second through, evenly. Times in ticks of the pictures' clock."""

    def __init__(self, frame_rate: float, clock_rate: int) -> None:
        self._every = clock_rate / frame_rate
        self._due: float | None = None

    def takes(self, timestamp: int) -> bool:
        """Whether this one goes; a quarter of the time early is still in time."""
        if self._due is None or abs(timestamp - self._due) > 4 * self._every:
            self._due = timestamp  # the first one, or time has stepped
        if timestamp < self._due - self._every / 4:
            return False
        self._due = max(self._due + self._every, timestamp - self._every / 2)
        return True
