"""The preview strip shows each moment of the lesson at its place: pictures carry their numbers."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from recorder import strip
from recorder.manifest import manifest_from
from recorder.repairing import Repair
from recorder.strip import StripPart, make_strip
from recorder.verification import ArchiveCondition, verify
from tests.recorded_lesson import Packet, RecordedLesson
from tests.recorded_media import FRAME_RATE, VIDEO, encode_video, packetise, read_counter

SECONDS = 12.0


def recorded(folder: Path) -> dict[str, object]:
    lesson = RecordedLesson(folder)
    lesson.open()
    lesson.track("v", VIDEO["H264"])
    frames = encode_video("H264", SECONDS, width=320, height=180, keyframe_every=25)
    packets = [Packet(at, "v", data) for at, data in packetise(VIDEO["H264"], frames)]
    lesson.receive(packets, until=SECONDS + 1)
    return lesson.close()


def numbers(folder: Path, name: str, count: int) -> list[int]:
    sheet = cv2.imread(str(folder / name), cv2.IMREAD_GRAYSCALE)
    assert sheet is not None
    places = [divmod(number, strip.COLUMNS) for number in range(count)]
    return [
        read_counter(
            np.asarray(
                sheet[
                    row * strip.HEIGHT : (row + 1) * strip.HEIGHT,
                    column * strip.WIDTH : (column + 1) * strip.WIDTH,
                ]
            )
        )
        for row, column in places
    ]


def test_each_moment_stands_at_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strip, "LEAST_EVERY_S", 1.0)
    folder = tmp_path / "rec1"
    manifest = manifest_from(recorded(folder), where="this test")
    told = manifest.strip
    assert told is not None
    assert (told.count, told.columns) == (pytest.approx(SECONDS, abs=1), strip.COLUMNS)
    assert told.every_s == pytest.approx(1.0, abs=0.1)
    assert told.file in manifest.files
    for number, shown in enumerate(numbers(folder, told.file, told.count)):
        middle = (number + 0.5) * told.every_s * FRAME_RATE
        assert middle - FRAME_RATE - 2 <= shown <= middle + 1, "the keyframe before its middle"
    assert verify(folder).condition is ArchiveCondition.WHOLE


def test_a_long_lesson_costs_what_a_short_one_does(tmp_path: Path) -> None:
    folder = tmp_path / "rec1"
    manifest = manifest_from(recorded(folder), where="this test")
    part = StripPart(folder / manifest.parts[0].file, 0.0, 4 * 3600.0)
    made = make_strip([part], 4 * 3600.0, tmp_path / "long.jpg")
    assert made is not None
    assert made.count <= strip.MOST
    assert made.every_s * made.count == pytest.approx(4 * 3600.0, rel=0.05)


def test_what_cannot_be_decoded_has_none(tmp_path: Path) -> None:
    (tmp_path / "none.mp4").write_bytes(b"no film")
    parts = [StripPart(tmp_path / "none.mp4", 0.0, 10.0)]
    assert make_strip(parts, 10.0, tmp_path / "strip.jpg") is None
    assert not (tmp_path / "strip.jpg").exists()


def test_one_that_is_torn_costs_itself_alone(tmp_path: Path) -> None:
    folder = tmp_path / "rec1"
    before = manifest_from(recorded(folder), where="this test")
    assert before.strip is not None
    (folder / before.strip.file).write_bytes(b"torn")
    repair = Repair(folder)
    repair.run()
    assert [one.code for one in repair.done] == ["strip-lost"]
    assert verify(folder).condition is ArchiveCondition.WHOLE
