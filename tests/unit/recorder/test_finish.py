"""Finishing, whole: what a crash or a bad disk left of the tracks, and what is told of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mixer.reading.frames import Frame
from recorder.errors import FinishError
from recorder.finish import finish
from recorder.finishing import EXIT_MISSING, FinishingQueue
from recorder.journal import encode_line
from recorder.recording_folder import JOURNAL, MANIFEST, TRACKS, RecordingFolder
from recorder.records import ClockPoint, DiskRefused, Opened, Resumed, TrackStarted
from tests.recorded_lesson import Packet, RecordedLesson
from tests.recorded_media import (
    FRAME_RATE,
    SOUND,
    decoded_beeps,
    decoded_counters,
    encode_sound,
    encode_video,
    packetise,
)

SECONDS = 2.0
FRAME_S = 0.2  # few pictures, little sound, few bits: the files are torn at a thousand bytes
PICTURES = round(SECONDS / FRAME_S)
BEEPS = (0.3, 0.8, 1.3, 1.8)
SOUND_S = 0.06  # what is sent of each beep; between them its sender is silent (DTX)
BEGAN = 1_790_000_000.0
PATIENCE_S = 60.0


@dataclass(frozen=True)
class Made:
    """A recording's bytes, to be torn."""

    journal: bytes
    files: dict[str, bytes]  # by name

    def name(self, source: str) -> str:
        return next(name for name in self.files if source in name)

    def put(self, folder: Path, *, torn: dict[str, int] | None = None) -> None:
        """Write it into `folder`, files cut to these lengths by source."""
        (folder / TRACKS).mkdir(parents=True, exist_ok=True)
        (folder / JOURNAL).write_bytes(self.journal)
        (folder / MANIFEST).unlink(missing_ok=True)
        for name, data in self.files.items():
            length = next((n for source, n in (torn or {}).items() if source in name), len(data))
            (folder / TRACKS / name).write_bytes(data[:length])

    def fragments(self, source: str) -> list[int]:
        """Where the source's fragments begin, and where the last one ends."""
        data = self.files[self.name(source)]
        begins, at = [], -1
        while (at := data.find(b"moof", at + 1)) >= 0:
            begins.append(at - 4)
        return [*begins, len(data)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A teacher's picture and sound as a killed recorder leaves them: nothing closed."""
    path = tmp_path_factory.mktemp("made") / "rec1"
    folder = RecordingFolder(path, Opened(recording_id="rec1", lesson_id="l", at=BEGAN))
    for track_id, kind, source, codec, rate in (
        ("v", "video", "teacher", "H264", 90_000),
        ("a", "audio", "room", "opus", 48_000),
    ):
        folder.start_track(
            TrackStarted.model_validate(
                {
                    "at": BEGAN,
                    "track_id": track_id,
                    "seat_id": "lead",
                    "source": source,
                    "producer_id": f"p-{track_id}",
                    "device_id": "pc",
                    "kind": kind,
                    "codec": codec,
                    "clock_rate": rate,
                    "channels": 2,
                }
            )
        )
        folder.start_segment(track_id, rtp=0, width=64, height=48, at=BEGAN)
        for second in range(round(SECONDS)):
            folder.append(ClockPoint(track_id=track_id, rtp=second * rate, at=BEGAN + second))
    pictures = encode_video("H264", PICTURES / FRAME_RATE, width=64, height=48, moving=False)
    for number, frame in enumerate(pictures):
        pts = round(number * FRAME_S * 90_000)
        folder.write_frame("v", Frame(pts, frame.data, keyframe=frame.keyframe), pts)
    for sound in encode_sound(SECONDS, beeps=BEEPS, bit_rate=6_000):
        if not any(0 <= sound.time - beep + 0.01 < SOUND_S for beep in BEEPS):
            continue
        pts = round(sound.time * 48_000)
        folder.write_frame("a", Frame(pts, sound.data, keyframe=True, duration=960), pts)
    journal = (path / JOURNAL).read_bytes()
    folder.abandon()
    return Made(journal, {file.name: file.read_bytes() for file in (path / TRACKS).iterdir()})


def finished(folder: Path) -> dict[str, Any]:
    finish(folder)
    return json.loads((folder / MANIFEST).read_text())


@pytest.mark.parametrize(("resumed_s", "hole"), [(-1.0, (0.0, 0.0, 7.0)), (0.5, (0.0, 0.5, 8.0))])
def test_a_pause_before_the_first_picture_is_no_hole(
    made: Made, tmp_path: Path, resumed_s: float, hole: tuple[float, ...]
) -> None:
    """A disk that was full when the lesson began, or a recorder that was killed at once."""
    folder = tmp_path / "rec1"
    made.put(folder)
    opened, rest = made.journal.split(b"\n", 1)
    pause = (
        DiskRefused(at=BEGAN - 8.0, code="disk-full", text="Full."),
        Resumed(at=BEGAN + resumed_s),
    )
    lines = b"".join(encode_line(record.model_dump()) for record in pause)
    (folder / JOURNAL).write_bytes(opened + b"\n" + lines + rest)
    (told,) = finished(folder)["pauses"]
    assert (told["start_s"], told["duration_s"], told["before_s"]) == hole


@pytest.mark.timeout(900)  # a thousand recordings are finished
@pytest.mark.parametrize(
    "every", [pytest.param(1, marks=pytest.mark.thorough), 41], ids="every {} bytes".format
)
@pytest.mark.parametrize("source", ["teacher", "room"])
def test_torn_at_every_byte_of_the_last_three_fragments(
    made: Made, tmp_path: Path, source: str, every: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Picture or sound, the other whole: all that was whole is in the part.

    Every so many bytes, and on both sides of each fragment's end.
    """
    monkeypatch.setattr(os, "fsync", lambda _: None)  # nothing crashes here, and disks are slow
    folder = tmp_path / "rec1"
    *_, third_last, _, _, end = made.fragments(source)
    held: dict[int, tuple[int, int]] = {}  # pictures and beeps, by the end of what was whole
    lengths = {*range(third_last, end + 1, every)}
    lengths |= {at - before for at in made.fragments(source)[-3:] for before in (0, 1)}
    for length in sorted(lengths):
        made.put(folder, torn={source: length})
        story = finished(folder)
        (part,) = story["parts"]
        assert part["has_video"], length
        assert part["has_audio"], length
        assert story["missing"] == [], length
        assert not (folder / TRACKS).exists()
        whole = max(at for at in made.fragments(source) if at <= length)
        if whole not in held:
            numbers = [number for _, number in decoded_counters(folder / part["file"])]
            assert numbers == list(range(len(numbers)))
            held[whole] = (len(numbers), len(decoded_beeps(folder / part["file"])))
    pictures, beeps = zip(*(held[whole] for whole in sorted(held)), strict=True)
    torn, whole_one = (pictures, beeps) if source == "teacher" else (beeps, pictures)
    assert len(set(torn)) == 4, "each fragment adds something"
    assert torn[-1] == (PICTURES if source == "teacher" else len(BEEPS))
    assert set(whole_one) == {len(BEEPS) if source == "teacher" else PICTURES}


@pytest.mark.parametrize("source", ["teacher", "room"])
def test_a_track_without_a_frame_left_is_told_and_kept(
    made: Made, tmp_path: Path, source: str
) -> None:
    """The rest can be played; whoever runs it hears that it is not all."""
    folder = tmp_path / "rec1"
    first = made.fragments(source)[1]
    for length in (0, 10, first - 1):
        made.put(folder, torn={source: length})
        if length == 0:  # as the server runs it
            command = [sys.executable, "-m", "recorder.finish", str(folder)]
            ran = subprocess.run(command, capture_output=True, check=False)
            assert ran.returncode == EXIT_MISSING, ran.stderr
            assert json.loads(ran.stdout)["code"] == "something-missing"
        else:
            assert finish(folder).is_missing_something
        story = json.loads((folder / MANIFEST).read_text())
        (part,) = story["parts"]
        assert (part["has_video"], part["has_audio"]) == (source == "room", source == "teacher")
        (missing,) = story["missing"]
        assert (missing["seat_id"], missing["source"]) == ("lead", source)
        assert missing["file"] == made.name(source)
        assert missing["file"] in missing["text"]
        kept = {path.name: path.stat().st_size for path in (folder / TRACKS).iterdir()}
        assert kept == {name: len(d) for name, d in made.files.items()} | {
            made.name(source): length
        }
        # Asked again, it says the same and keeps them still.
        finish(folder)
        assert len(list((folder / TRACKS).iterdir())) == 2


Damage = Callable[[Made, Path], None]


def _journal_lines(made: Made, keep: Callable[[bytes], bool]) -> Damage:
    def damage(_: Made, folder: Path) -> None:
        lines = made.journal.splitlines(keepends=True)
        (folder / JOURNAL).write_bytes(b"".join(line for line in lines if keep(line)))

    return damage


def _flip_in_the_journal(made: Made, folder: Path) -> None:
    data = bytearray(made.journal)
    data[made.journal.index(b'"segment_started"') + 3] ^= 1
    (folder / JOURNAL).write_bytes(data)


def _half_a_file(source: str, *, came_on_s: int = 10) -> Damage:
    def damage(made: Made, folder: Path) -> None:
        path = folder / TRACKS / made.name(source)
        path.write_bytes(path.read_bytes()[: made.fragments(source)[2]])
        with (folder / JOURNAL).open("ab") as journal:  # packets came on for so long
            for second in range(3, 3 + came_on_s):
                for track_id, rate in (("v", 90_000), ("a", 48_000)):
                    point = ClockPoint(track_id=track_id, rtp=second * rate, at=BEGAN + second)
                    journal.write(encode_line(point.model_dump()))

    return damage


def _no_head(made: Made, source: str) -> Damage:
    def damage(made: Made, folder: Path) -> None:
        _journal_lines(made, lambda line: b"segment_started" not in line)(made, folder)
        path = folder / TRACKS / made.name(source)
        path.write_bytes(bytes(64) + path.read_bytes()[64:])

    return damage


DAMAGES: dict[str, tuple[Callable[[Made], Damage], str]] = {
    "a line with a wrong bit": (lambda _: _flip_in_the_journal, "1 of its lines"),
    "a track's line is gone": (
        lambda made: _journal_lines(made, lambda line: b"track_started" not in line),
        "the journal does not say what it is",
    ),
    "a file's line is gone": (
        lambda made: _journal_lines(made, lambda line: b"segment_started" not in line),
        "the journal does not say what it is",
    ),
    "half of a picture": (lambda _: _half_a_file("teacher"), "s of packets gave no frame"),
    "half of a sound": (lambda _: _half_a_file("room"), "s of packets gave no frame"),
    "a picture's last seconds": (
        lambda _: _half_a_file("teacher", came_on_s=2),
        "s of packets gave no frame",
    ),
    "a file's line, and its head": (
        lambda made: _no_head(made, "teacher"),
        "the journal does not say what it is",
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_what_is_lost_is_told_and_the_tracks_are_kept(
    made: Made, tmp_path: Path, name: str
) -> None:
    """Whatever a disk did to journal or tracks: nothing that could still be saved is removed."""
    folder = tmp_path / "rec1"
    made.put(folder)
    damage, words = DAMAGES[name]
    damage(made)(made, folder)
    files = {path: path.read_bytes() for path in (folder / TRACKS).iterdir()}
    try:
        story = finished(folder)
    except FinishError as refused:
        assert words in str(refused)
    else:
        assert any(words in one["text"] for one in story["missing"]), story["missing"]
    assert {path: path.read_bytes() for path in (folder / TRACKS).iterdir()} == files


def test_media_behind_the_journals_end_is_told(tmp_path: Path) -> None:
    """Half of the journal is gone: when the rest of the frames came nobody knows."""
    lesson = RecordedLesson(tmp_path / "rec1")
    lesson.open()
    lesson.track("a", SOUND)
    sound = packetise(SOUND, encode_sound(20.0, beeps=(1.0,)))
    lesson.receive([Packet(at, "a", data) for at, data in sound], until=20.5)
    lesson.kill()
    lines = (lesson.path / JOURNAL).read_bytes().splitlines(keepends=True)
    early = [line for line in lines if b'"clock"' not in line][:3]
    (lesson.path / JOURNAL).write_bytes(b"".join(early))
    story = finished(lesson.path)
    (missing,) = story["missing"]
    assert "are in no line of the journal" in missing["text"]
    assert (lesson.path / TRACKS / missing["file"]).exists()


def test_a_recorder_killed_as_a_file_began_has_lost_nothing(made: Made, tmp_path: Path) -> None:
    """No fragment was whole yet: that is what a kill costs, and not worth a word."""
    folder = tmp_path / "rec1"
    made.put(folder, torn={"room": made.fragments("room")[0]})
    lines = made.journal.splitlines(keepends=True)
    soon = [line for line in lines if not (b'"clock"' in line and b'"a"' in line)]
    first = ClockPoint(track_id="a", rtp=0, at=BEGAN)
    (folder / JOURNAL).write_bytes(b"".join([*soon, encode_line(first.model_dump())]))
    assert finished(folder)["missing"] == []
    assert not (folder / TRACKS).exists()


def test_nothing_left_of_what_was_recorded_is_not_nothing_recorded(
    made: Made, tmp_path: Path
) -> None:
    folder = tmp_path / "rec1"
    made.put(folder, torn={"teacher": 100, "room": 0})
    with pytest.raises(FinishError) as refused:
        finish(folder)
    assert refused.value.code == "nothing-readable"
    assert made.name("teacher") in str(refused.value)
    assert len(list((folder / TRACKS).iterdir())) == 2


def test_the_queue_takes_a_recording_with_something_missing_as_playable(
    made: Made, tmp_path: Path
) -> None:
    folder = tmp_path / "rec1"
    made.put(folder, torn={"room": 0})
    queue = FinishingQueue()
    queue.add("rec1", folder)
    done: list[tuple[str, object]] = []
    deadline = time.monotonic() + PATIENCE_S
    while not done:
        assert time.monotonic() < deadline
        done = list(queue.poll(time.monotonic()))
        os.sched_yield()
    assert done == [("rec1", None)]
