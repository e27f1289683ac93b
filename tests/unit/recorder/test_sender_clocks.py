"""What a sender says of its clock may put its sound and picture in step, and never destroys them.

Whole recordings in virtual time (`recorded_lesson`), read back from the finished part's decoded
pictures and samples.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mixer.rtp.packet import RtpPacket
from mixer.rtp.rtcp import SenderReport, serialize_compound
from tests.recorded_lesson import BEGAN, Packet, RecordedLesson
from tests.recorded_media import (
    FRAME_RATE,
    MARKS,
    SOUND,
    VIDEO,
    Stream,
    decoded_counters,
    decoded_marks,
    encode_marks,
    encode_video,
    packetise,
)

SECONDS = 24.0
EVERY_S = 0.5
DELAY_S = 0.02
BEHIND_S = 0.15  # so much longer the picture is on its way
STEP_S = 0.040
MINUTE_S, HOUR_S, YEAR_S = 60.0, 3600.0, 365 * 86_400.0
STREAMS = {"a": SOUND, "v": VIDEO["H264"]}


@pytest.fixture(scope="module")
def media() -> list[Packet]:
    """Marks and counted pictures as they arrive; nothing is lost."""
    sound = encode_marks(SECONDS, every_s=EVERY_S)
    picture = encode_video("H264", SECONDS, width=64, height=48, moving=False, keyframe_every=125)
    return [Packet(at + DELAY_S, "a", data) for at, data in packetise(SOUND, sound)] + [
        Packet(at + DELAY_S + BEHIND_S, "v", data) for at, data in packetise(VIDEO["H264"], picture)
    ]


# By how much the sender's clock is off, at a moment of the lesson.
Clock = Callable[[float], float]


def reports(clock: Clock, *, every_s: float = 1.0) -> list[Packet]:
    """Of both tracks, not at the same moments: the one reports every second, the other half a
    second later."""
    found = []
    for track_id, since, late in (("a", 0.1, 0.0), ("v", 0.6, BEHIND_S)):
        for number in range(round((SECONDS - since) / every_s)):
            at = since + number * every_s
            data = STREAMS[track_id].sender_report(at, BEGAN + at + clock(at))
            found.append(Packet(at + DELAY_S + late, track_id, data))
    return found


def recorded(folder: Path, packets: list[Packet], *, until: float = SECONDS + 1) -> RecordedLesson:
    lesson = RecordedLesson(folder)
    lesson.open()
    for track_id, stream in STREAMS.items():
        lesson.track(track_id, stream)
    lesson.receive(packets, until=until)
    return lesson


def is_whole_and_in_step(lesson: RecordedLesson, *, within_s: float = STEP_S) -> None:
    story = lesson.close()
    (part,) = story["parts"]
    assert part["duration_s"] == pytest.approx(SECONDS, abs=0.2)
    assert story["duration_s"] == pytest.approx(SECONDS, abs=0.2)
    assert story["started_at"] == pytest.approx(BEGAN + DELAY_S, abs=STEP_S)
    file = lesson.path / part["file"]
    shown = decoded_counters(file)
    assert [number for _, number in shown] == list(range(round(SECONDS * FRAME_RATE)))
    for at, number in shown:
        assert at == pytest.approx(number / FRAME_RATE, abs=within_s)
    heard = decoded_marks(file)
    assert [mark.number for mark in heard] == [n % MARKS for n in range(round(SECONDS / EVERY_S))]
    for number, mark in enumerate(heard):
        at_picture = shown[round(number * EVERY_S * FRAME_RATE)][0]
        assert mark.time == pytest.approx(at_picture, abs=within_s)


STEPS = {
    "9 min": 9 * MINUTE_S,
    "2 h": 2 * HOUR_S,
    "-8 h": -8 * HOUR_S,
    "3 years": 3 * YEAR_S,
    "-30 years": -30 * YEAR_S,
    "0.7 s": 0.7,
    "-0.2 s": -0.2,
}


# In the first seconds, in the middle, at the end; for every step one of each.
SET = [("2 h", 0.4), ("-8 h", 3.0), ("-30 years", 12.3), ("-0.2 s", 12.3), ("0.7 s", 23.0)]
ALL_SET = [(step, 12.3) for step in STEPS] + [
    (step, at) for step in ("2 h", "-8 h", "0.7 s") for at in (0.4, 3.0, 23.0)
]


@pytest.mark.parametrize(
    ("step", "at"),
    [
        pytest.param(
            *one, marks=() if one in SET else pytest.mark.thorough, id=f"{one[0]}-{one[1]}"
        )
        for one in ALL_SET
    ],
)
def test_a_clock_set_anew(tmp_path: Path, media: list[Packet], step: str, at: float) -> None:
    """Sound and picture together, in the first seconds, in the middle, at the end."""
    clock = reports(lambda now: STEPS[step] if now >= at else 0.0)
    is_whole_and_in_step(recorded(tmp_path / "rec1", media + clock))


CLOCKS: dict[str, Clock] = {
    "years off": lambda _: -20 * YEAR_S,
    "set again and again": lambda now: HOUR_S * (round(now / 4) % 5),
    "back and forth": lambda now: 540.0 if round(now / 4) % 2 else 0.0,
    "slewed": lambda now: 0.0005 * now,
}


@pytest.mark.parametrize("name", CLOCKS)
def test_a_clock_that_is_wrong(tmp_path: Path, media: list[Packet], name: str) -> None:
    is_whole_and_in_step(recorded(tmp_path / "rec1", media + reports(CLOCKS[name])))


@pytest.mark.parametrize("speed", [0.0, 1.2, 3.0])
def test_a_clock_of_another_speed(tmp_path: Path, media: list[Packet], speed: float) -> None:
    """It tells little or nothing of the picture's delay; that is all it can do."""
    clock = reports(lambda now: (speed - 1) * now)
    lesson = recorded(tmp_path / "rec1", media + clock)
    is_whole_and_in_step(lesson, within_s=BEHIND_S + STEP_S)


def test_reports_that_are_invented(tmp_path: Path, media: list[Packet]) -> None:
    """Any timestamp with any time, ten a second, beside the true ones: within what arrivals say."""
    rng = random.Random(9)
    invented = [
        Packet(
            rng.uniform(0, SECONDS),
            track_id,
            serialize_compound(
                [
                    SenderReport(
                        STREAMS[track_id].ssrc,
                        rng.getrandbits(64),
                        rng.getrandbits(32),
                        0,
                        0,
                        reports=(),
                    )
                ]
            ),
        )
        for track_id in STREAMS
        for _ in range(round(SECONDS) * 10)
    ]
    story_of = recorded(tmp_path / "rec1", media + invented + reports(lambda _: 0.0)).close()
    (part,) = story_of["parts"]
    file = tmp_path / "rec1" / part["file"]
    assert [n for _, n in decoded_counters(file)] == list(range(round(SECONDS * FRAME_RATE)))
    assert len(decoded_marks(file)) == round(SECONDS / EVERY_S)
    for number, mark in enumerate(decoded_marks(file)):
        assert mark.time == pytest.approx(number * EVERY_S, abs=STEP_S)


def test_one_tracks_clock_is_another(tmp_path: Path, media: list[Packet]) -> None:
    """A camera that reports the time of day with its picture and its uptime with its sound."""
    both = reports(lambda _: 0.0)
    apart = [
        replace(r, data=STREAMS["a"].sender_report(r.at - DELAY_S, 1000.0 + r.at))
        if r.track_id == "a"
        else r
        for r in both
    ]
    lesson = recorded(tmp_path / "rec1", media + apart)
    (part,) = lesson.close()["parts"]
    heard = decoded_marks(lesson.path / part["file"])
    # By arrivals alone: the picture is late by what it was longer on its way.
    for at, number in decoded_counters(lesson.path / part["file"]):
        assert at == pytest.approx(number / FRAME_RATE + BEHIND_S, abs=STEP_S)
    for number, mark in enumerate(heard):
        assert mark.time == pytest.approx(number * EVERY_S, abs=STEP_S)


COUNTS: dict[str, Callable[[float, random.Random], float]] = {
    "twice as fast": lambda at, _: 2 * at,
    "half as fast": lambda at, _: at / 2,
    "standing still": lambda _at, _: 0.0,
    "nine seconds a packet": lambda at, _: at * 450,
    "backwards": lambda at, _: -at,
    "random": lambda _at, rng: rng.uniform(0, 80_000),
    "days": lambda at, _: at * 10_000,
}


@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize("whose", ["a", "v"])
def test_what_is_written_is_bounded_by_the_span_of_arrivals(
    tmp_path: Path, media: list[Packet], name: str, whose: str
) -> None:
    """A sender may count as it likes: no silence without end, no picture of hours."""
    rng = random.Random(2)
    stream: Stream = STREAMS[whose]
    lied: dict[int, int] = {}
    packets = []
    for packet in media:
        if packet.track_id != whose:
            packets.append(packet)
            continue
        rtp = RtpPacket.parse(packet.data)
        if rtp.timestamp not in lied:
            ticks = COUNTS[name](packet.at, rng) * stream.clock_rate
            lied[rtp.timestamp] = (stream.first_timestamp + round(ticks)) & 0xFFFF_FFFF
        packets.append(
            replace(packet, data=replace(rtp, timestamp=lied[rtp.timestamp]).serialize())
        )
    lesson = recorded(tmp_path / "rec1", packets + reports(lambda _: 0.0))
    story = lesson.close()
    assert story["started_at"] >= BEGAN - 2
    assert story["duration_s"] <= SECONDS + 4
    written = sum(file.stat().st_size for file in lesson.path.glob("part-*"))
    sent = sum(len(packet.data) for packet in packets)
    assert written < 2 * sent + 100_000
    # The other track is none the worse.
    parts = [(part, lesson.path / part["file"]) for part in story["parts"]]
    if whose == "a":
        numbers = [
            n for part, file in parts if part["has_video"] for _, n in decoded_counters(file)
        ]
        assert numbers == list(range(round(SECONDS * FRAME_RATE)))
    else:
        marks = [
            (part["start_s"] + mark.time, mark.number)
            for part, file in parts
            if part["has_audio"]
            for mark in decoded_marks(file)
        ]
        # A mark on the border of two parts is heard in both.
        tones = [tone for at, tone in marks if not any(0 < at - other < 0.2 for other, _ in marks)]
        assert tones == [n % MARKS for n in range(round(SECONDS / EVERY_S))]
