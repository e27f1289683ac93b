"""A recorder that goes on after a kill is sent the last pictures again: they are shown once."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from tests.recorded_lesson import Packet, RecordedLesson
from tests.recorded_media import (
    FRAME_RATE,
    SOUND,
    VIDEO,
    decoded_beeps,
    decoded_counters,
    encode_sound,
    encode_video,
    packetise,
)

SECONDS = 9.0
KILLED_S = 4.6
BACK_S = 5.0
BEEPS = (0.5, 3.5, 4.2, 5.5, 8.0)


@pytest.mark.parametrize("codec", ["H264", "VP8"])
@pytest.mark.parametrize("sound", [False, True], ids=["a picture alone", "with sound"])
def test_what_came_twice_stands_in_one_part(tmp_path: Path, codec: str, *, sound: bool) -> None:
    lesson = RecordedLesson(tmp_path / "rec1")
    pictures = packetise(VIDEO[codec], encode_video(codec, SECONDS))
    sounds = packetise(SOUND, encode_sound(SECONDS, beeps=BEEPS)) if sound else []
    keyframe_s = 2.0

    def tracks(life: str) -> None:
        lesson.open()
        lesson.track(f"v{life}", VIDEO[codec], producer="camera")
        if sound:
            lesson.track(f"a{life}", SOUND, producer="microphone")

    tracks("1")
    sent = [Packet(at, "v1", data) for at, data in pictures]
    lesson.receive(sent + [Packet(at, "a1", data) for at, data in sounds], until=KILLED_S)
    lesson.kill()
    lesson.now = BACK_S
    tracks("2")
    # From its last keyframe on all at once, then as it comes.
    again = [Packet(max(at, BACK_S), "v2", data) for at, data in pictures if at >= 2 * keyframe_s]
    again += [Packet(at, "a2", data) for at, data in sounds]
    lesson.receive(again, until=SECONDS + 0.5)
    parts = [part for part in lesson.close()["parts"] if part["has_video"]]
    assert len(parts) == 2
    for before, after in pairwise(parts):
        assert before["start_s"] + before["duration_s"] <= after["start_s"] + 1 / FRAME_RATE
    seen = [
        (part["start_s"] + at, number)
        for part in parts
        for at, number in decoded_counters(lesson.path / part["file"])
    ]
    assert [number for _, number in seen] == list(range(round(SECONDS * FRAME_RATE)))
    for at, number in seen:
        assert at - seen[0][0] == pytest.approx(number / FRAME_RATE, abs=0.02)
    if sound:
        beeps = [
            part["start_s"] + at
            for part in parts
            for at in decoded_beeps(lesson.path / part["file"])
        ]
        assert [round(at - parts[0]["start_s"], 1) for at in beeps] == list(BEEPS)


def test_what_did_not_come_twice_is_all_kept(tmp_path: Path) -> None:
    """Two files overlap on the time line, as where packets came faster than they were made: what
    each has alone stays."""
    lesson = RecordedLesson(tmp_path / "rec1")
    pictures = packetise(VIDEO["H264"], encode_video("H264", SECONDS))
    lesson.open()
    lesson.track("v1", VIDEO["H264"], producer="camera")
    lesson.receive([Packet(at / 4, "v1", data) for at, data in pictures if at < 4.0], until=1.2)
    lesson.kill()
    lesson.now = 1.5
    lesson.open()
    lesson.track("v2", VIDEO["H264"], producer="camera")
    later = [Packet(1.5 + (at - 6.0) / 4, "v2", data) for at, data in pictures if at >= 6.0]
    lesson.receive(later, until=3.0)
    parts = [part for part in lesson.close()["parts"] if part["has_video"]]
    assert len(parts) == 2
    assert parts[1]["start_s"] < parts[0]["start_s"] + parts[0]["duration_s"] - 1.0
    seen = [number for part in parts for _, number in decoded_counters(lesson.path / part["file"])]
    assert seen[-75:] == list(range(150, 225))
    assert seen[:-75] == list(range(len(seen) - 75)) and len(seen) >= 75 + 87
