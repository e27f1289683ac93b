"""Sound stands at the time it was said, whatever was missing before it.

Whole recordings in virtual time (`recorded_lesson`), read back from the decoded samples of the
finished part: marks of different tones over a hum, so that silence imitates neither.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from mixer.rtp.packet import RtpPacket
from tests.recorded_lesson import BEGAN, Packet, RecordedLesson
from tests.recorded_media import (
    FRAME_RATE,
    MARK_S,
    MARKS,
    SOUND,
    VIDEO,
    Encoded,
    decoded_counters,
    decoded_marks,
    encode_marks,
    encode_video,
    packetise,
)

SECONDS = 24.0
EVERY_S = 0.5
DELAY_S = 0.02  # on the way
STEP_S = 0.040  # what ears and lips forgive
FRAMES_PER_S = 50


@pytest.fixture(scope="module")
def sound() -> list[Encoded]:
    return encode_marks(SECONDS, every_s=EVERY_S)


@pytest.fixture(scope="module")
def picture() -> list[Encoded]:
    return encode_video("H264", SECONDS, width=64, height=48, moving=False, keyframe_every=125)


# What becomes of a packet said at `said`: when it arrives, None if never. The seed is the test's.
Line = Callable[[float, random.Random], float | None]


def _without(*holes: tuple[float, float]) -> Line:
    def line(said: float, _: random.Random) -> float | None:
        return None if any(low <= said < high for low, high in holes) else said + DELAY_S

    return line


def _single_losses(said: float, rng: random.Random) -> float | None:
    return None if rng.random() < 0.03 else said + DELAY_S


def _jitter(said: float, rng: random.Random) -> float | None:
    return said + DELAY_S + min(0.3, rng.expovariate(1 / 0.03))


def _held_up(said: float, _: random.Random) -> float | None:
    """A line that stands still from 5.0 to 6.5 s and then gives out all that it held."""
    return max(said + DELAY_S, 6.5) if said >= 5.0 else said + DELAY_S


def _queue(said: float, _: random.Random) -> float | None:
    """A queue that fills and empties twice."""
    return said + DELAY_S + (0.6 if 4 <= said < 9 or 14 <= said < 19 else 0.0)


_bursts = random.Random(11)
LINES: dict[str, Line] = {
    "nothing missing": _without(),
    "a mute of 5 s": _without((2.0, 7.0)),
    "the floor taken and given three times": _without((0.0, 3.2), (6.1, 10.4), (12.9, 17.3)),
    "single losses": _single_losses,
    "ten times 0.1 s": _without(*((2 + k, 2.1 + k) for k in range(10))),
    "bursts": _without(
        *((k + _bursts.random(), k + 1 + _bursts.random() / 2) for k in range(1, 22, 3))
    ),
    "jitter": _jitter,
    "a line that holds all up": _held_up,
    "a queue that comes and goes": _queue,
}


# For every step with reports; `test_a_sender_that_stands_still_for_moments` without them, too.
REPORTED = [
    pytest.param(True, id="reports"),
    pytest.param(False, id="no reports", marks=pytest.mark.thorough),
]


def said(frames: list[Encoded], line: Line) -> tuple[list[Packet], set[int]]:
    """The packets as they arrive, and the marks that arrive whole."""
    rng = random.Random(5)
    arriving, whole = [], set(range(round(SECONDS / EVERY_S)))
    for at, data in packetise(SOUND, frames):
        arrives = line(at, rng)
        if arrives is None:
            whole -= {n for n in whole if n * EVERY_S - 0.021 < at < n * EVERY_S + MARK_S + 0.021}
        else:
            arriving.append(Packet(arrives, "a", data))
    return arriving, whole


def reports(*, of: str = "a", until: float = SECONDS) -> list[Packet]:
    """A report a second, as the media core passes them on."""
    stream = SOUND if of == "a" else VIDEO["H264"]
    return [
        Packet(second + DELAY_S + 0.001, of, stream.sender_report(second, BEGAN + second))
        for second in range(round(until))
    ]


def heard(story: dict[str, Any], path: Path) -> dict[int, float]:
    """Every mark in the parts' sound by its number: the second of the lesson it is heard in."""
    origin = story["started_at"] - BEGAN
    marks: dict[int, float] = {}
    for part in story["parts"]:
        if not part["has_audio"]:
            continue
        for mark in decoded_marks(path / part["file"]):
            at = origin + part["start_s"] + mark.time
            number = min(
                range(mark.number, round(SECONDS / EVERY_S) + MARKS, MARKS),
                key=lambda n: abs(n * EVERY_S - at),
            )
            assert number not in marks, f"mark {number} is heard twice"
            marks[number] = at
    return marks


@pytest.mark.parametrize("reported", REPORTED)
@pytest.mark.parametrize("name", LINES)
def test_every_mark_is_heard_when_it_was_said(
    tmp_path: Path, sound: list[Encoded], name: str, reported: bool
) -> None:
    packets, whole = said(sound, LINES[name])
    lesson = RecordedLesson(tmp_path / "rec1")
    lesson.open()
    lesson.track("a", SOUND)
    lesson.receive(packets + (reports() if reported else []), until=SECONDS + 1)
    story = lesson.close()
    marks = heard(story, lesson.path)
    assert whole <= set(marks)
    assert len(whole) >= 15
    for number in sorted(whole):
        assert marks[number] == pytest.approx(number * EVERY_S + DELAY_S, abs=STEP_S), number
    assert story["missing"] == []


@pytest.mark.parametrize("reported", REPORTED)
@pytest.mark.parametrize("name", LINES)
def test_sound_and_picture_stay_together(
    tmp_path: Path, sound: list[Encoded], picture: list[Encoded], name: str, reported: bool
) -> None:
    """The picture is 60 ms longer on its way; with reports that is taken back."""
    behind = 0.06 if reported else 0.0
    packets, whole = said(sound, LINES[name])
    packets += [
        Packet(at + DELAY_S + behind, "v", data) for at, data in packetise(VIDEO["H264"], picture)
    ]
    if reported:
        packets += reports() + [
            replace(report, at=report.at + behind) for report in reports(of="v")
        ]
    lesson = RecordedLesson(tmp_path / "rec1")
    lesson.open()
    lesson.track("a", SOUND)
    lesson.track("v", VIDEO["H264"])
    lesson.receive(packets, until=SECONDS + 1)
    story = lesson.close()
    (part,) = [part for part in story["parts"] if part["has_video"]]
    start = story["started_at"] - BEGAN + part["start_s"]
    shown = {number: start + at for at, number in decoded_counters(lesson.path / part["file"])}
    assert sorted(shown) == list(range(round(SECONDS * FRAME_RATE)))
    marks = heard(story, lesson.path)
    assert whole <= set(marks)
    for number in sorted(whole):
        at_picture = shown[round(number * EVERY_S * FRAME_RATE)]
        assert marks[number] == pytest.approx(at_picture, abs=STEP_S), number


def test_a_senders_silence_is_as_long_as_it_was(tmp_path: Path, sound: list[Encoded]) -> None:
    """DTX (RFC 6716 §2.1.9): in pauses a packet of one byte every 400 ms, or nothing at all."""
    frames = []
    for frame in sound:
        speaks = frame.time < 3 or 9 <= frame.time < 12 or frame.time >= 20
        in_pause = round(frame.time * FRAMES_PER_S) % 20 == 0 and frame.time < 14
        if speaks:
            frames.append(frame)
        elif in_pause:
            frames.append(Encoded(frame.time, frame.data[:1], keyframe=True))
    packets = [Packet(at + DELAY_S, "a", data) for at, data in packetise(SOUND, frames)]
    lesson = RecordedLesson(tmp_path / "rec1")
    lesson.open()
    lesson.track("a", SOUND)
    lesson.receive(packets + reports(), until=SECONDS + 1)
    marks = heard(lesson.close(), lesson.path)
    for second in (1, 10, 11, 21, 22, 23):
        assert marks[2 * second] == pytest.approx(second + DELAY_S, abs=STEP_S)


@pytest.mark.parametrize("reported", REPORTED)
@pytest.mark.parametrize("pause", [0.4, 2.0, 8.0, 11.5])
def test_a_sender_that_stands_still_and_stops_counting(
    tmp_path: Path, sound: list[Encoded], pause: float, reported: bool
) -> None:
    """Its timestamps go on as if nothing had been; all it says after is said later by the pause."""
    stood_at = 7.0

    def world(media: float) -> float:
        return media if media < stood_at else media + pause

    packets = [Packet(world(at) + DELAY_S, "a", data) for at, data in packetise(SOUND, sound)]
    if reported:
        # The media core counts the last report on until the sender reports again, after 5 s.
        since = 0.0
        for second in range(round(SECONDS + pause)):
            if not stood_at <= second < stood_at + pause and second >= since + 5:
                since = float(second)
            base = since if since < stood_at else since - pause
            data = SOUND.sender_report(base + second - since, BEGAN + second)
            packets.append(Packet(second + DELAY_S + 0.002, "a", data))
    lesson = RecordedLesson(tmp_path / "rec1")
    lesson.open()
    lesson.track("a", SOUND)
    lesson.receive(packets, until=SECONDS + pause + 1)
    story = lesson.close()
    by_tone = [
        (story["started_at"] - BEGAN + part["start_s"] + mark.time, mark.number)
        for part in story["parts"]
        for mark in decoded_marks(lesson.path / part["file"])
    ]
    expected = [(world(n * EVERY_S) + DELAY_S, n % MARKS) for n in range(round(SECONDS / EVERY_S))]
    assert [tone for _, tone in by_tone] == [tone for _, tone in expected]
    for (at, tone), (due, _) in zip(by_tone, expected, strict=True):
        assert at == pytest.approx(due, abs=STEP_S), tone


STALLS: dict[str, list[tuple[float, float]]] = {  # (media time, for how long)
    "50 ms": [(7.0, 0.05)],
    "95 ms twice": [(7.0, 0.095), (15.0, 0.095)],
    "40 ms eight times": [(2.0 + 2 * k, 0.04) for k in range(8)],
    "20 ms ten times a second": [(9.0 + 0.1 * k, 0.02) for k in range(10)],
}


@pytest.mark.parametrize("reported", [True, False], ids=["reports", "no reports"])
@pytest.mark.parametrize("name", STALLS)
def test_a_sender_that_stands_still_for_moments(
    tmp_path: Path, sound: list[Encoded], picture: list[Encoded], name: str, reported: bool
) -> None:
    """A busy PC's microphone: its count is behind by each, for good, the picture's never is.

    However small each is, they do not add up, and the picture is not torn away by them.
    """

    def world(media: float) -> float:
        return media + sum(lasts for at, lasts in STALLS[name] if media >= at)

    rng = random.Random(3)
    behind = 0.06
    packets = [
        Packet(world(at) + DELAY_S + min(0.02, rng.expovariate(1 / 0.003)), "a", data)
        for at, data in packetise(SOUND, sound)
    ]
    packets += [
        Packet(at + DELAY_S + behind, "v", data) for at, data in packetise(VIDEO["H264"], picture)
    ]
    if reported:
        for second in range(round(SECONDS)):
            data = SOUND.sender_report(second, BEGAN + world(second) + rng.uniform(0, 0.008))
            packets.append(Packet(world(second) + DELAY_S + 0.01, "a", data))
            data = VIDEO["H264"].sender_report(second, BEGAN + second)
            packets.append(Packet(second + DELAY_S + behind + 0.001, "v", data))
    lesson = RecordedLesson(tmp_path / "rec1")
    lesson.open()
    lesson.track("a", SOUND)
    lesson.track("v", VIDEO["H264"])
    lesson.receive(packets, until=SECONDS + 2)
    story = lesson.close()
    (part,) = [part for part in story["parts"] if part["has_video"]]
    start = story["started_at"] - BEGAN + part["start_s"]
    marks = decoded_marks(lesson.path / part["file"])
    assert len(marks) == round(SECONDS / EVERY_S)
    for number, mark in enumerate(marks):
        assert mark.number == number % MARKS
        due = world(number * EVERY_S) + DELAY_S
        assert start + mark.time == pytest.approx(due, abs=STEP_S), number
    late = DELAY_S if reported else DELAY_S + behind
    for at, number in decoded_counters(lesson.path / part["file"]):
        assert start + at == pytest.approx(number / FRAME_RATE + late, abs=STEP_S), number


def test_a_sender_that_counts_anew(tmp_path: Path, sound: list[Encoded]) -> None:
    """Every 6 s its timestamps jump: by hours, by minutes, back to where they were."""
    packets = []
    for at, data in packetise(SOUND, sound):
        packet = RtpPacket.parse(data)
        jump = (0, 3600, -90, 40_000)[int(at // 6)]
        timestamp = (packet.timestamp + jump * 48_000) & 0xFFFF_FFFF
        packets.append(Packet(at + DELAY_S, "a", replace(packet, timestamp=timestamp).serialize()))
    lesson = RecordedLesson(tmp_path / "rec1")
    lesson.open()
    lesson.track("a", SOUND)
    lesson.receive(packets, until=SECONDS + 1)
    marks = heard(lesson.close(), lesson.path)
    for number in range(round(SECONDS / EVERY_S)):
        assert marks[number] == pytest.approx(number * EVERY_S + DELAY_S, abs=STEP_S), number


@pytest.mark.parametrize("jump", [0.3, 5.0, -0.3, -5.0])
def test_a_clock_that_timestamps_are_made_from_is_set(
    tmp_path: Path, sound: list[Encoded], picture: list[Encoded], jump: float
) -> None:
    """A camera whose timestamps are its clock's: both step, packets come as before."""
    set_at = 10.0
    packets = []
    for of, stream, media in (("a", SOUND, sound), ("v", VIDEO["H264"], picture)):
        for at, data in packetise(stream, media):
            packet = RtpPacket.parse(data)
            ticks = round(jump * stream.clock_rate) if at >= set_at else 0
            timestamp = (packet.timestamp + ticks) & 0xFFFF_FFFF
            packets.append(
                Packet(at + DELAY_S, of, replace(packet, timestamp=timestamp).serialize())
            )
        for second in range(round(SECONDS)):
            media_time = second + (jump if second >= set_at else 0.0)
            report = stream.sender_report(media_time, BEGAN + media_time)
            packets.append(Packet(second + DELAY_S + 0.001, of, report))
    lesson = RecordedLesson(tmp_path / "rec1")
    lesson.open()
    lesson.track("a", SOUND)
    lesson.track("v", VIDEO["H264"])
    lesson.receive(packets, until=SECONDS + 1)
    story = lesson.close()
    marks = heard(story, lesson.path)
    for number in range(round(SECONDS / EVERY_S)):
        assert marks[number] == pytest.approx(number * EVERY_S + DELAY_S, abs=STEP_S), number
    shown = [
        (story["started_at"] - BEGAN + part["start_s"] + at, number)
        for part in story["parts"]
        if part["has_video"]
        for at, number in decoded_counters(lesson.path / part["file"])
    ]
    assert [number for _, number in shown] == list(range(round(SECONDS * FRAME_RATE)))
    for at, number in shown:
        assert at == pytest.approx(number / FRAME_RATE + DELAY_S, abs=STEP_S), number
    assert story["missing"] == []


def test_a_count_set_ahead_while_two_packets_change_places(
    tmp_path: Path, sound: list[Encoded]
) -> None:
    set_at, jump = 10.0, 3.0
    packets = []
    for at, data in packetise(SOUND, sound):
        packet = RtpPacket.parse(data)
        ticks = round(jump * SOUND.clock_rate) if at >= set_at else 0
        timestamp = (packet.timestamp + ticks) & 0xFFFF_FFFF
        late = 0.03 if at == set_at else 0.0
        packets.append(
            Packet(at + DELAY_S + late, "a", replace(packet, timestamp=timestamp).serialize())
        )
    lesson = RecordedLesson(tmp_path / "rec1")
    lesson.open()
    lesson.track("a", SOUND)
    lesson.receive(packets, until=SECONDS + 1)
    story = lesson.close()
    marks = heard(story, lesson.path)
    for number in range(round(SECONDS / EVERY_S)):
        assert marks[number] == pytest.approx(number * EVERY_S + DELAY_S, abs=STEP_S), number
    assert story["missing"] == []


def test_a_recorder_killed_and_back(
    tmp_path: Path, sound: list[Encoded], picture: list[Encoded]
) -> None:
    """Killed at 6 s and, hardly back, at 9 and 14 s: sound and picture stand where they were."""
    flows = [Packet(at + DELAY_S, "a", data) for at, data in packetise(SOUND, sound)]
    flows += [Packet(at + DELAY_S, "v", data) for at, data in packetise(VIDEO["H264"], picture)]
    flows += reports() + reports(of="v")
    lesson = RecordedLesson(tmp_path / "rec1")
    for life, (begins, ends) in enumerate([(0.0, 6.0), (7.1, 9.0), (9.6, 14.0), (15.0, 25.0)]):
        lesson.now = begins
        lesson.open()
        lesson.track(f"a{life}", SOUND)
        lesson.track(f"v{life}", VIDEO["H264"])
        named = [replace(p, track_id=f"{p.track_id}{life}") for p in flows if p.at < ends]
        lesson.receive(named, until=ends)
        if ends < SECONDS:
            lesson.kill()
    story = lesson.close()
    assert abs(story["started_at"] - BEGAN) < 0.1
    assert story["duration_s"] == pytest.approx(SECONDS, abs=0.1)
    for number, at in heard(story, lesson.path).items():
        assert at == pytest.approx(number * EVERY_S + DELAY_S, abs=STEP_S), number
    shown = [
        (story["started_at"] - BEGAN + part["start_s"] + at, number)
        for part in story["parts"]
        if part["has_video"]
        for at, number in decoded_counters(lesson.path / part["file"])
    ]
    for at, number in shown:
        assert at == pytest.approx(number / FRAME_RATE + DELAY_S, abs=STEP_S)
    numbers = [number for _, number in shown]
    # Each life costs what was not yet written, and until a keyframe comes.
    assert numbers == sorted(set(numbers))
    assert max(b - a for a, b in pairwise(numbers)) < 7 * FRAME_RATE


@pytest.mark.parametrize("lived", [0.7, 1.5, 4.9])
def test_a_recorder_killed_soon_after_a_tracks_start(
    tmp_path: Path, sound: list[Encoded], lived: float
) -> None:
    """The track has its place, and so has everybody else's beginning."""
    lesson = RecordedLesson(tmp_path / "rec1")
    lesson.open()
    lesson.track("a", SOUND)
    packets = [Packet(at + DELAY_S, "a", data) for at, data in packetise(SOUND, sound)]
    lesson.receive([p for p in packets if p.at < lived], until=lived)
    lesson.kill()
    story = lesson.close()
    assert story["started_at"] == pytest.approx(BEGAN + DELAY_S, abs=STEP_S)
    assert story["duration_s"] <= lived
    marks = heard(story, lesson.path)
    assert marks[0] == pytest.approx(DELAY_S, abs=STEP_S)


@pytest.mark.parametrize("killed_at", [11.7, 14.9, 17.6])
def test_a_killed_recorder_costs_a_second(
    tmp_path: Path, sound: list[Encoded], picture: list[Encoded], killed_at: float
) -> None:
    """However long ago arrivals were noted last: on an even line the first of a window is noted."""
    lesson = RecordedLesson(tmp_path / "rec1")
    lesson.open()
    lesson.track("a", SOUND)
    lesson.track("v", VIDEO["H264"])
    flows = [Packet(at + DELAY_S, "a", data) for at, data in packetise(SOUND, sound)]
    flows += [Packet(at + DELAY_S, "v", data) for at, data in packetise(VIDEO["H264"], picture)]
    lesson.receive([p for p in flows if p.at < killed_at], until=killed_at)
    lesson.kill()
    story = lesson.close()
    marks = heard(story, lesson.path)
    assert set(marks) >= set(range(int((killed_at - 1) / EVERY_S)))
    for number, at in marks.items():
        assert at == pytest.approx(number * EVERY_S + DELAY_S, abs=STEP_S), number
    (part,) = [part for part in story["parts"] if part["has_video"]]
    shown = decoded_counters(lesson.path / part["file"])
    assert len(shown) >= (killed_at - 1) * FRAME_RATE
    for at, number in shown:
        assert at == pytest.approx(number / FRAME_RATE, abs=STEP_S), number
    assert story["missing"] == []
