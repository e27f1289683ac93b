"""The lesson's program in its recording: named as what it is, in step, and no voice twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from recorder.lesson_tracks import lead_of, lesson_tracks
from recorder.manifest import manifest_from
from recorder.records import PROGRAM_NAME, PROGRAM_SEAT
from tests.recorded_lesson import Packet, RecordedLesson
from tests.recorded_media import (
    SOUND,
    VIDEO,
    Encoded,
    Stream,
    decoded_beeps,
    decoded_counters,
    encode_sound,
    encode_video,
    packetise,
    with_ssrc,
)

SECONDS = 2.0


def sent(track: str, stream: Stream, frames: list[Encoded]) -> list[Packet]:
    return [Packet(at, track, data) for at, data in packetise(stream, frames)]


def test_it_is_a_part_of_its_own_and_its_voices_are_not_summed_again(tmp_path: Path) -> None:
    lesson = RecordedLesson(tmp_path / "rec")
    lesson.open()
    program, mix = with_ssrc(VIDEO["H264"], 0x7777), with_ssrc(SOUND, 0x8888)
    lesson.track("v", VIDEO["H264"])
    lesson.track("a", SOUND)
    lesson.track("pv", program, seat=PROGRAM_SEAT, source="program", device="program")
    lesson.track("pa", mix, seat=PROGRAM_SEAT, source="mix", device="program")
    packets = sent("v", VIDEO["H264"], encode_video("H264", SECONDS))
    packets += sent("pv", program, encode_video("H264", SECONDS, first=500))
    for track, stream in (("a", SOUND), ("pa", mix)):
        packets += sent(track, stream, encode_sound(SECONDS, beeps=(1.0,)))
    lesson.receive(sorted(packets, key=lambda one: one.at), until=SECONDS + 1)
    manifest = manifest_from(lesson.close(), where="this test")

    of_program = [part for part in manifest.parts if part.is_program]
    assert [(one.source, one.name, one.has_video, one.has_audio) for one in of_program] == [
        ("program", PROGRAM_NAME, True, True)
    ]
    numbers = [number for _, number in decoded_counters(lesson.path / of_program[0].file)]
    assert numbers[0] == 500 and len(numbers) > SECONDS * 10
    assert decoded_beeps(lesson.path / of_program[0].file) == [pytest.approx(1.0, abs=0.05)]
    tracks = [(one.kind, one.source) for one in lesson_tracks(manifest)]
    assert tracks == [("picture", "program"), ("picture", "teacher"), ("sound", "room")]
    assert lead_of(manifest) == "lead"


@pytest.mark.parametrize("with_program_first", [True, False])
def test_who_leads_is_never_the_program(tmp_path: Path, with_program_first: bool) -> None:
    """Of a recording that says nothing of who led."""

    def part(seat: str, source: str) -> dict[str, object]:
        return {
            "part_id": seat,
            "seat_id": seat,
            "source": source,
            "name": seat,
            "school": "",
            "file": f"{seat}.mp4",
            "mime": "video/mp4",
            "start_s": 0.0,
            "duration_s": 1.0,
            "has_video": True,
            "has_audio": True,
        }

    parts = [part(PROGRAM_SEAT, "program"), part("r1", "students")]
    if not with_program_first:
        parts.reverse()
    members = {"version": 1, "started_at": 0.0, "duration_s": 1.0, "parts": parts}
    assert lead_of(manifest_from(members, where="this test")) == "r1"
