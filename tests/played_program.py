"""A program as its two taps bring it: counted pictures, a voice with beeps, and reports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mixer.model import Kind, TapInfo
from mixer.outputs.program_reader import ProgramPicture, ProgramSound
from mixer.outputs.segmenter import Segmenter
from tests.recorded_media import SOUND, VIDEO, Encoded, Stream, packetise

# When the first picture was seen in the rooms: 2026-09-01 08:00:00 in Beijing.
BEGAN_UNIX_S = 1_788_220_800.0

PICTURE = VIDEO["H264"]


def tap_of(stream: Stream, kind: Kind) -> TapInfo:
    return TapInfo(
        tap_id="t",
        producer_id="p",
        kind=kind,
        codec=stream.codec,
        payload_type=stream.payload_type,
        clock_rate=stream.clock_rate,
        channels=2 if kind is Kind.AUDIO else 0,
        ssrc=stream.ssrc,
        device_id="program",
    )


@dataclass(frozen=True)
class Arrival:
    """A datagram of one tap."""

    at: float
    stream: Stream
    data: bytes


def arrivals(stream: Stream, frames: list[Encoded], *, late_s: float = 0.0) -> list[Arrival]:
    """The packets of these frames, each as late as its reports say, and a report a second."""
    out = [Arrival(at + late_s, stream, data) for at, data in packetise(stream, frames)]
    last = max((frame.time for frame in frames), default=0.0)
    reports = [
        Arrival(second + late_s, stream, stream.sender_report(second, BEGAN_UNIX_S + second))
        for second in range(int(last) + 1)
    ]
    return sorted(out + reports, key=lambda one: one.at)


class PlayedProgram:
    """Both taps read into a segmenter, in virtual time."""

    def __init__(self, *, window_s: float = 60.0, height: int = 0) -> None:
        self.segmenter = Segmenter(window_s=window_s, height=height)
        self.picture = ProgramPicture(tap_of(PICTURE, Kind.VIDEO))
        self.sound = ProgramSound(tap_of(SOUND, Kind.AUDIO))
        self.now = 0.0

    def play(self, *streams: list[Arrival]) -> Iterator[float]:
        """All of it in its order; yields the time whenever there is something new to be read."""
        for one in sorted((one for stream in streams for one in stream), key=lambda one: one.at):
            self.now = one.at
            pictures, sounds = self.picture.poll(self.now), self.sound.poll(self.now)
            if one.stream is PICTURE:
                pictures += self.picture.handle_datagram(one.data, self.now)
            else:
                sounds += self.sound.handle_datagram(one.data, self.now)
            for picture in pictures:
                self.segmenter.take_picture(picture, self.now)
            for sound in sounds:
                self.segmenter.take_sound(sound)
            if self.segmenter.poll(self.now):
                yield self.now

    def play_all(self, *streams: list[Arrival]) -> None:
        for _ in self.play(*streams):
            pass
        self.now += 1.0
        self.segmenter.poll(self.now)
