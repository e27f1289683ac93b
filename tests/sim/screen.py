"""A browser behind a weak line, in virtual time: what a person there sees and hears.

Owns the receiving half: transport-wide feedback, asking for lost packets and for keyframes, which
frames can be shown and which words have to be made up. The delays are those of Chromium (libwebrtc:
a NACK at once and after every round trip, ten times; a keyframe asked for when none was there for
0.2 s, or no frame for 3 s).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from mixer.rtp.nack import MissingList
from mixer.rtp.twcc import FeedbackBuilder, TransportWideFeedback
from tests.sim.network import Clock

ROUND_TRIP_S = 0.1
ASKS_MOST = 10
KEYFRAME_AFTER_S, FRAME_AFTER_S = 0.2, 3.0
PARKED_AFTER_S = 1.0  # a picture of which nothing comes is parked, not lost
REPORT_S = 0.1  # of arrivals
LOOK_S = 0.02  # at what is missing
RTCP_BYTES = 34  # the headers of a message and SRTCP's tag
NACK_BYTES, PLI_BYTES = 60, 50
CLOCK_AHEAD_S = 77.7  # its clock is its own
# Sound is played at most so late: past this the jitter buffer has made the word up long ago.
SOUND_LATE_S = 0.5


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet as it is sent to a subscriber; `number` counts the packets of its stream."""

    stream: str
    number: int
    size_bytes: int
    frame: int = 0
    last_of_frame: int | None = None  # the number of its frame's last packet; None: sound
    keyframe: bool = False
    layer: int = 0
    made_at: float = 0.0


def last_of(packet: Packet) -> int:
    """The number of the last packet of a picture's frame."""
    assert packet.last_of_frame is not None
    return packet.last_of_frame


@dataclass
class Shown:
    """A picture as it comes out of the decoder; `frames` says when each frame did."""

    frames: list[float] = field(default_factory=list)
    packets: dict[int, Packet] = field(default_factory=dict)
    next_number: int | None = None  # the first packet of the next frame; None: a keyframe's
    waits_since: float = 0.0
    asked_at: float = float("-inf")

    def take(self, packet: Packet, now: float) -> None:
        """A packet has come; every frame that is whole now is shown."""
        self.packets[packet.number] = packet
        while self._show(now):
            pass

    def _show(self, now: float) -> bool:
        """Decode the next frame, or the newest whole keyframe, if all of it is there."""
        begin = self.next_number
        if begin is None or begin not in self.packets:
            begin = self._whole_keyframe(begin)
        if begin is None:
            return False
        first = self.packets[begin]
        numbers = range(begin, last_of(first) + 1)
        if not all(number in self.packets for number in numbers):
            begin = self._whole_keyframe(begin + 1)
            if begin is None:
                return False
            first = self.packets[begin]
        self.next_number = last_of(first) + 1
        self.packets = {n: p for n, p in self.packets.items() if n >= self.next_number}
        self.frames.append(now)
        self.waits_since = now
        return True

    def _whole_keyframe(self, least: int | None) -> int | None:
        begins = [
            n
            for n, packet in self.packets.items()
            if packet.keyframe and n >= (least or 0) and self._first_of(packet) == n
        ]
        for begin in sorted(begins, reverse=True):
            last = last_of(self.packets[begin])
            if all(number in self.packets for number in range(begin, last + 1)):
                return begin
        return None

    def _first_of(self, packet: Packet) -> int:
        before = packet.number
        while before - 1 in self.packets and self.packets[before - 1].frame == packet.frame:
            before -= 1
        return before

    def longest_still_s(self, begin: float, end: float) -> float:
        """The longest time without a new frame."""
        moments = [begin, *(when for when in self.frames if begin <= when <= end), end]
        return max(later - before for before, later in itertools.pairwise(moments))


@dataclass
class Heard:
    """A voice as it is played: when each packet was made, of those there in time."""

    in_time: dict[int, float] = field(default_factory=dict)

    def take(self, packet: Packet, now: float) -> None:
        """A packet has come."""
        if now - packet.made_at < SOUND_LATE_S:
            self.in_time.setdefault(packet.number, packet.made_at)


class Screen:
    """Takes packets, gives feedback: `send(size_bytes, deliver)` puts it on the line up."""

    def __init__(
        self,
        clock: Clock,
        *,
        send: Callable[[int, Callable[[], None]], None],
        hear: Callable[[TransportWideFeedback], None],
        ask_again: Callable[[str, list[int]], None],
        ask_keyframe: Callable[[str], None],
    ) -> None:
        self.clock = clock
        self.pictures: dict[str, Shown] = {}
        self.voices: dict[str, Heard] = {}
        self._send, self._hear = send, hear
        self._ask_again, self._ask_keyframe = ask_again, ask_keyframe
        self._builder = FeedbackBuilder(sender_ssrc=1, media_ssrc=2)
        self._missing: dict[str, MissingList] = {}
        self._heard_at: dict[str, float] = {}
        clock.every(REPORT_S, self._report)
        clock.every(LOOK_S, self._ask)

    def arrive(self, sequence: int, packet: Packet) -> None:
        """A packet has come."""
        now, name = self.clock.now, packet.stream
        self._builder.add(sequence, int((now + CLOCK_AHEAD_S) * 1e9))
        if not name:
            return  # a probe's filling
        missing = self._missing.setdefault(
            name, MissingList(reorder_s=0, repeat_s=ROUND_TRIP_S, max_asks=ASKS_MOST)
        )
        missing.handle_packet(packet.number & 0xFFFF, now)
        self._heard_at[name] = now
        if packet.last_of_frame is not None:
            self.pictures.setdefault(name, Shown(waits_since=now)).take(packet, now)
        else:
            self.voices.setdefault(name, Heard()).take(packet, now)

    def _report(self) -> None:
        for message in self._builder.build():
            size_bytes = len(message.body()) + RTCP_BYTES
            self._send(size_bytes, partial(self._hear, message))

    def _ask(self) -> None:
        now = self.clock.now
        for name, missing in self._missing.items():
            if numbers := missing.poll(now):
                self._send(NACK_BYTES, partial(self._ask_again, name, numbers))
        for name, picture in self.pictures.items():
            after_s = KEYFRAME_AFTER_S if not picture.frames else FRAME_AFTER_S
            waits_s = now - max(picture.waits_since, picture.asked_at)
            if waits_s > after_s and now - self._heard_at[name] < PARKED_AFTER_S:
                picture.asked_at = now
                self._send(PLI_BYTES, partial(self._ask_keyframe, name))
