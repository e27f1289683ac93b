"""A lesson's packets, each at its time, as the media core sends them to whoever records them."""

from __future__ import annotations

import heapq
import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from benchmarks.archived_lesson import (
    FRAMES_PER_S,
    LessonShape,
    loop_of_pictures,
    loop_of_sound,
)
from mixer.rtp.packet import RtpPacket

# As browsers cut their pictures.
PAYLOAD_BYTES = 1100
PICTURE_TYPE, SOUND_TYPE = 102, 111
# As often as the core's pump drains what a reader did not take.
_STEP_S = 0.002

_FU_A = 28  # RFC 6184 §5.8


@dataclass(slots=True)
class SentSource:
    """A camera or a microphone; `waiting` are packets that its reader has not taken yet."""

    track_id: str
    seat_id: str
    ssrc: int
    is_sound: bool
    phase: float
    sequence: int = 0
    sent_units: int = 0
    waiting: deque[bytes] = field(default_factory=deque)


class SentLesson:
    """The sources of a lesson of this shape: pictures `v0`, `v1` …, sounds `a0`, `a1` …; `times`
    lessons of it at once have further ones, `1v0`, `1a0` …, at moments of their own.
    """

    def __init__(self, shape: LessonShape, *, times: int = 1) -> None:
        self._shape = shape
        self.sources: list[SentSource] = []
        for lesson in range(times):
            before, ssrc, later_s = f"{lesson or ''}", 1000 * lesson, lesson / 170
            self.sources += [
                SentSource(f"{before}v{n}", f"seat{n}", ssrc + 100 + n, False, n / 200 + later_s)
                for n in range(shape.pictures)
            ]
            self.sources += [
                SentSource(f"{before}a{n}", f"seat{n}", ssrc + 200 + n, True, n / 250 + later_s)
                for n in range(shape.sounds)
            ]

    def play(
        self,
        seconds: float,
        drain: Callable[[SentSource], None],
        between: Callable[[], None] = lambda: None,
        begun: Callable[[], bool] = lambda: True,
    ) -> float:
        """Send so many seconds of the lesson in as many, counted from when it has `begun`. Returns
        when the last unit was sent, in seconds of the lesson. `drain` sends what of a source waits,
        `between` is done now and then.
        """
        began = time.monotonic()
        due = [(source.phase, number) for number, source in enumerate(self.sources)]
        heapq.heapify(due)
        now, until = 0.0, math.inf
        while now < until:
            now = time.monotonic() - began
            if until == math.inf and begun():
                until = now + seconds
            while due[0][0] <= now:
                at, number = heapq.heappop(due)
                source = self.sources[number]
                source.waiting.extend(self._packets(source))
                heapq.heappush(due, (at + _interval(source), number))
            for source in self.sources:
                drain(source)
            between()
            time.sleep(_STEP_S)
        return now

    def sent(self) -> dict[str, int]:
        """Frames or packets of sound sent so far, by track."""
        return {source.track_id: source.sent_units for source in self.sources}

    def _packets(self, source: SentSource) -> Iterator[bytes]:
        unit = source.sent_units
        source.sent_units += 1
        if source.is_sound:
            sounds = loop_of_sound()
            yield self._rtp(source, sounds[unit % len(sounds)], unit * 960, marker=False)
            return
        pictures = loop_of_pictures(self._shape.picture_bps, self._shape.keyframe_every_s)
        payloads = list(_payloads(pictures[unit % len(pictures)][0]))
        step = 90_000 // FRAMES_PER_S
        for number, payload in enumerate(payloads):
            yield self._rtp(source, payload, unit * step, marker=number == len(payloads) - 1)

    def _rtp(self, source: SentSource, payload: bytes, timestamp: int, *, marker: bool) -> bytes:
        packet = RtpPacket(
            payload_type=SOUND_TYPE if source.is_sound else PICTURE_TYPE,
            sequence_number=source.sequence & 0xFFFF,
            timestamp=timestamp & 0xFFFF_FFFF,
            ssrc=source.ssrc,
            marker=marker,
            payload=payload,
        )
        source.sequence += 1
        return packet.serialize()


def _interval(source: SentSource) -> float:
    return 0.02 if source.is_sound else 1 / FRAMES_PER_S


def _payloads(frame: bytes) -> Iterator[bytes]:
    """A frame's NAL units as RFC 6184 §5.6 and §5.8 send them."""
    for unit in frame.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1"):
        if not unit:
            continue
        if len(unit) <= PAYLOAD_BYTES:
            yield unit
            continue
        indicator, kind, body = unit[0] & 0xE0 | _FU_A, unit[0] & 0x1F, unit[1:]
        for at in range(0, len(body), PAYLOAD_BYTES):
            begins, ends = at == 0, at + PAYLOAD_BYTES >= len(body)
            header = begins << 7 | ends << 6 | kind
            yield bytes((indicator, header)) + body[at : at + PAYLOAD_BYTES]
