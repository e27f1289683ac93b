"""Flash and beep in virtual time: what happened together in a room is together in the program.

A room's camera takes long and its clock runs wrong; its pictures and sounds go the program's way
(jitter buffer, ticks, reports), and a receiver puts them in step by the program's reports alone.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from mixer.composite.jitter_buffer import JitterBuffer, Play
from mixer.composite.lesson_time import LessonTime, MeanDelay
from mixer.composite.process.rtp_sender import RtpSender, StreamNames
from mixer.model import Kind, TapInfo
from mixer.rtp.packet import RtpPacket
from mixer.rtp.rtcp import SenderReport, parse_compound
from mixer.rtp.sequence import ntp_from_unix_ns, timestamp_distance, unix_ns_from_ntp

PICTURE_S, SOUND_S, TICK_S = 1 / 30, 0.02, 0.04
FLASH_EVERY_S = 10.0
REPORT_S = 5.0
TOC = bytes([31 << 3])  # 20 ms, mono (RFC 6716 §3.1)
UNIX_S = 1_700_000_000.0


def tap(kind: Kind, ssrc: int, *, device: str = "camera") -> TapInfo:
    rate = 90_000 if kind is Kind.VIDEO else 48_000
    return TapInfo(kind.value, "p", kind, "opus", 96, rate, 0, ssrc, device_id=device)


def report_of(one: TapInfo, device_s: float, timestamp: int) -> SenderReport:
    ntp = ntp_from_unix_ns(round((UNIX_S + device_s) * 1e9))
    return SenderReport(one.ssrc, ntp, timestamp & 0xFFFF_FFFF, 1, 1)


@dataclass
class Stream:
    """One of the program's streams: what its receivers know of it."""

    rate: int
    ssrc: int
    sender: RtpSender = field(init=False)
    told: tuple[float, int] = (0.0, 0)

    def __post_init__(self) -> None:
        self.sender = RtpSender(StreamNames(self.ssrc, 96, self.rate, "c"), unix_offset_s=UNIX_S)

    def send(self, at: float, delay_s: float) -> None:
        self.sender.packets([b"x"], at)
        if (data := self.sender.report(at, delay_s=delay_s)) is not None:
            for report in parse_compound(data):
                if isinstance(report, SenderReport):
                    self.told = unix_ns_from_ntp(report.ntp) / 1e9, report.rtp_timestamp

    def happened(self, at: float) -> float:
        """When a receiver believes that what was sent at `at` had happened."""
        ntp_s, rtp = self.told
        return ntp_s + timestamp_distance(self.sender.timestamp(at), rtp) / self.rate


@dataclass
class Room:
    """Its device's clock, and how long picture and sound take to arrive."""

    ppm: float = 0.0
    picture_lag_s: float = 0.15
    sound_lag_s: float = 0.02
    jitter_s: float = 0.01
    with_reports: bool = True

    def offsets(self, seconds: float) -> Iterator[float]:
        """Beep less flash, as a receiver plays them, of every flash."""
        rng = random.Random(5)
        time = LessonTime()
        pictures, sounds = tap(Kind.VIDEO, 1), tap(Kind.AUDIO, 2)
        speed = 1 + self.ppm / 1e6
        buffer, waiting_sound, lag = JitterBuffer(), MeanDelay(0.0), MeanDelay(0.0)
        shown = MeanDelay(TICK_S / 2)
        picture, sound = Stream(90_000, 3), Stream(48_000, 4)
        numbers = {"picture": 0, "sound": 0}
        flashed: dict[int, float] = {}
        beeped: dict[int, float] = {}
        newest: tuple[float, int] | None = None
        owed, reported = 0.0, float("-inf")
        for step in range(round(seconds / SOUND_S)):
            now = step * SOUND_S
            if self.with_reports and now - reported >= REPORT_S:
                reported = now
                for one in (pictures, sounds):
                    rtp = round(now * speed * one.clock_rate)
                    time.handle_report(one, report_of(one, now * speed, rtp))
            # What has arrived by now: captured by the device's clock, sent by its line.
            while (at := numbers["picture"] * PICTURE_S / speed + self.picture_lag_s) <= now:
                at += rng.uniform(0, self.jitter_s)
                timestamp = round(numbers["picture"] * PICTURE_S * 9e4) & 0xFFFF_FFFF
                lag_s = time.lag_s(pictures, timestamp, at)
                newest = at - lag_s, numbers["picture"]
                numbers["picture"] += 1
            while (at := numbers["sound"] * SOUND_S / speed + self.sound_lag_s) <= now:
                at += rng.uniform(0, self.jitter_s)
                number = numbers["sound"]
                numbers["sound"] += 1
                timestamp = number * 960 & 0xFFFF_FFFF
                lag.note(time.lag_s(sounds, timestamp, at))
                payload = TOC + number.to_bytes(4, "big")
                buffer.push(RtpPacket(111, number & 0xFFFF, timestamp, 2, payload), at)
            # The program's ticks.
            owed += SOUND_S
            while owed > 1e-9:
                out = buffer.pop(now)
                if isinstance(out, Play):
                    which = int.from_bytes(out.payload[1:], "big")
                    if which % round(FLASH_EVERY_S / SOUND_S) == 0:
                        beeped[which // round(FLASH_EVERY_S / SOUND_S)] = now
                owed -= 0.01 if isinstance(out, Play) and out.hurry else SOUND_S
            waiting_sound.note(buffer.waiting_s + lag.delay_s)
            sound.send(now, waiting_sound.delay_s)
            if step % round(TICK_S / SOUND_S) == 0:
                if newest is not None:
                    shown.note(max(0.0, now - newest[0]))
                    which = newest[1] // round(FLASH_EVERY_S / PICTURE_S)
                    flashed.setdefault(which, now)
                    newest = None
                picture.send(now, shown.delay_s)
            for flash in sorted(flashed.keys() & beeped.keys()):
                yield sound.happened(beeped.pop(flash)) - picture.happened(flashed[flash])


@pytest.mark.parametrize("ppm", [-200, 0, 200])
@pytest.mark.parametrize("picture_lag_s", [0.03, 0.15, 0.3])
def test_flash_and_beep_are_together_in_the_program(ppm: int, picture_lag_s: float) -> None:
    offsets = list(Room(ppm=ppm, picture_lag_s=picture_lag_s).offsets(120))[2:]
    assert len(offsets) >= 9
    assert max(map(abs, offsets)) <= 0.04


@pytest.mark.thorough
@pytest.mark.parametrize("ppm", [-200, 200])
def test_they_stay_together_over_two_hours_of_another_clock(ppm: int) -> None:
    offsets = list(Room(ppm=ppm).offsets(7200))[2:]
    assert len(offsets) >= 700
    assert max(map(abs, offsets)) <= 0.04


def test_without_the_senders_reports_a_slow_camera_is_out_of_step() -> None:
    offsets = list(Room(picture_lag_s=0.15, with_reports=False).offsets(120))[2:]
    assert min(map(abs, offsets)) > 0.06, "the reports are what puts it right"


def test_a_clock_that_is_set_begins_anew() -> None:
    time, pictures = LessonTime(), tap(Kind.VIDEO, 1)
    time.handle_report(pictures, report_of(pictures, 10.0, 900_000))
    assert time.lag_s(pictures, 900_000, 10.0) == 0
    assert time.lag_s(pictures, 909_000, 10.25) == pytest.approx(0.15, abs=1e-3)
    time.handle_report(pictures, report_of(pictures, 5000.0, 909_000))  # set by an hour and more
    assert time.lag_s(pictures, 909_000, 10.3) == 0
    assert time.lag_s(pictures, 918_000, 10.45) == pytest.approx(0.05, abs=1e-3)


def test_devices_and_streams_are_not_mixed_up() -> None:
    time = LessonTime()
    one, other = tap(Kind.VIDEO, 1, device="a"), tap(Kind.AUDIO, 2, device="b")
    time.handle_report(one, report_of(other, 10.0, 900_000))  # another stream's: not believed
    assert time.lag_s(one, 0, 20.0) == 0
    time.handle_report(one, report_of(one, 10.0, 900_000))
    time.handle_report(other, report_of(other, 9.0, 480_000))
    assert time.lag_s(one, 900_000, 10.0) == 0
    assert time.lag_s(other, 480_000, 10.0) == 0, "each device has a clock of its own"
    time.forget(one)
    assert time.lag_s(one, 0, 30.0) == 0
