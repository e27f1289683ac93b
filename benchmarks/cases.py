"""The cases of the forwarding benchmark: who sends, who receives, how much.

Every picture is 300 packets/s with payloads of 1,100 bytes (2.6 Mb/s: 30 frames of ten packets,
sent a millisecond apart as a browser's pacer does), every sound 50 packets/s of 80 bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

VIDEO_PACKETS_PER_S, AUDIO_PACKETS_PER_S = 300, 50


@dataclass(frozen=True, slots=True)
class Case:
    """`publishers` seats send; each of `subscribers` receives every publisher but itself.

    Seats are numbered from 0; in a lesson with `with_audio` every seat sends sound too.
    """

    name: str
    publishers: tuple[int, ...]
    subscribers: tuple[int, ...]
    with_audio: bool

    def wanted_by(self, seat: int) -> tuple[int, ...]:
        """The publishers whose streams this seat receives."""
        return tuple(publisher for publisher in self.publishers if publisher != seat)

    @property
    def streams_out(self) -> int:
        """How many publisher-to-subscriber relations there are."""
        return sum(len(self.wanted_by(seat)) for seat in self.subscribers)


def one_to(receivers: int) -> Case:
    """One picture to so many receivers."""
    seats = tuple(range(1, receivers + 1))
    return Case(f"1-to-{receivers}", (0,), seats, with_audio=False)


def classroom(seats: int) -> Case:
    """Everybody sends picture and sound and receives everybody else."""
    everyone = tuple(range(seats))
    return Case(f"{seats}-seats", everyone, everyone, with_audio=True)


CASES = {case.name: case for case in (one_to(3), one_to(10), one_to(30), classroom(4))}
