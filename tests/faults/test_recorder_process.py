"""The recorder as a process: real media through real sockets, lost, reordered, killed, finished."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import random
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import pytest

from mixer.rtp.feedback import Pli
from mixer.rtp.rtcp import parse_compound
from recorder import control as c
from recorder.recording_folder import read_recording
from recorder.records import Closed, Gap, Resumed, SegmentEnded, SegmentStarted, TrackEnded
from recorder.segment_file import FRAGMENT_S
from tests.recorded_media import (
    FRAME_RATE,
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
from tests.recorder_harness import RecorderHarness

SECONDS = 6.0
BEEPS = (1.0, 2.0, 3.0, 4.0, 5.0)
STEP_S = 0.040  # lip-sync: what the ear and the eye forgive


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "recordings" / "rec1"


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[RecorderHarness]:
    with RecorderHarness(tmp_path) as harness:
        yield harness


def mixed(*flows: tuple[str, list[tuple[float, bytes]]]) -> list[tuple[float, str, bytes]]:
    """Several tracks' packets in the order of their times."""
    packets = [(at, name, data) for name, flow in flows for at, data in flow]
    return sorted(packets, key=lambda packet: packet[0])


def with_reports(stream: Stream, packets: list[tuple[float, bytes]]) -> list[tuple[float, bytes]]:
    """A sender report every second, by a sender whose clock is nine minutes off."""
    began = time.time() - 540.0
    reports = [
        (second + 0.001, stream.sender_report(float(second), began + second))
        for second in range(int(packets[-1][0]) + 1)
    ]
    return sorted([*packets, *reports], key=lambda packet: packet[0])


def manifest(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "manifest.json").read_text())


def offset_of_sound(part: Path) -> list[float]:
    """How long after its frame each beep is heard, in seconds."""
    shown = {number: at for at, number in decoded_counters(part)}
    beeps = decoded_beeps(part)
    assert len(beeps) == len(BEEPS)
    return [at - shown[round(beep * FRAME_RATE)] for beep, at in zip(BEEPS, beeps, strict=True)]


@pytest.mark.parametrize("codec", ["H264", "VP8"])
def test_a_lesson_is_recorded_whole_and_in_step(
    recorder: RecorderHarness, folder: Path, codec: str
) -> None:
    """2 % of the packets come up to 100 ms late, some twice: nothing is missing afterwards."""
    rng = random.Random(4)
    picture = encode_video(codec, SECONDS, width=640, height=480)
    sound = encode_sound(SECONDS, beeps=BEEPS)
    recorder.open(folder)
    recorder.wait(c.Running)
    recorder.tap("v", VIDEO[codec], seat="lead", source="teacher")
    recorder.tap("a", SOUND, seat="lead", source="room")
    packets = mixed(
        ("v", with_reports(VIDEO[codec], packetise(VIDEO[codec], picture))),
        ("a", with_reports(SOUND, packetise(SOUND, sound))),
    )
    late = [
        (at + rng.uniform(0.02, 0.1) if rng.random() < 0.02 and at > 0 else at, name, data)
        for at, name, data in packets
    ]
    twice = [packet for packet in late if rng.random() < 0.01 and packet[0] > 0]
    recorder.play(late + twice)
    recorder.settle()
    recorder.say(
        c.JournalEvent(
            recording_id="rec1",
            event_id="e1",
            event={"at": time.time(), "type": "floor_given", "seat_id": "room1"},
        )
    )
    recorder.say(c.CloseRecording(recording_id="rec1"))
    recorder.wait(c.Finished)
    story = manifest(folder)
    (part,) = story["parts"]
    assert part["mime"] == ("video/mp4" if codec == "H264" else "video/webm")
    assert (part["seat_id"], part["source"]) == ("lead", "teacher")
    assert (part["name"], part["school"]) == ("李老师", "一小")
    assert part["has_video"] and part["has_audio"]
    assert part["duration_s"] == pytest.approx(SECONDS, abs=0.2)
    assert story["duration_s"] == pytest.approx(part["start_s"] + part["duration_s"])
    assert [e["type"] for e in story["events"] if e["type"] != "settle"] == ["floor_given"]
    file = folder / part["file"]
    numbers = [number for _, number in decoded_counters(file)]
    assert numbers == list(range(round(SECONDS * FRAME_RATE)))
    assert max(map(abs, offset_of_sound(file))) <= STEP_S
    assert (folder / story["poster"]).read_bytes().startswith(b"\xff\xd8")
    assert not (folder / "tracks").exists()


def test_what_is_recorded_is_for_the_servers_own_user(
    recorder: RecorderHarness, folder: Path
) -> None:
    """While it is recorded and when it can be played, whatever the umask."""

    def modes() -> dict[str, str]:
        paths = [folder, *folder.rglob("*")]
        return {path.name: oct(path.lstat().st_mode & 0o777) for path in paths}

    folder.parent.mkdir(mode=0o755)
    recorder.open(folder)
    recorder.wait(c.Running)
    recorder.tap("v", VIDEO["H264"], seat="lead", source="teacher")
    recorder.tap("a", SOUND, seat="lead", source="room")
    packets = mixed(
        ("v", packetise(VIDEO["H264"], encode_video("H264", 2.0, width=640, height=480))),
        ("a", packetise(SOUND, encode_sound(2.0, beeps=(1.0,)))),
    )
    for _, name, data in packets:
        recorder.send(name, data)
    recorder.settle()
    during = modes()
    assert {"journal.jsonl", "tracks"} < set(during)
    assert sum(name.startswith("lead-") for name in during) == 2
    recorder.say(c.CloseRecording(recording_id="rec1"))
    recorder.wait(c.Finished)
    after = modes()
    assert {"manifest.json", "poster.jpg"} < set(after)
    for found in (during, after):
        folders = {found.pop(name) for name in ("rec1", "tracks") if name in found}
        assert folders == {"0o700"}
        assert set(found.values()) == {"0o600"}, found


def test_lost_pictures_are_a_gap_up_to_the_next_keyframe(
    recorder: RecorderHarness, folder: Path
) -> None:
    picture = encode_video("VP8", SECONDS, width=640, height=480, keyframe_every=25)
    packets = packetise(VIDEO["VP8"], picture)
    lost_frame = 60
    recorder.open(folder)
    recorder.tap("v", VIDEO["VP8"], seat="room1", source="students")
    first = next(i for i, (at, _) in enumerate(packets) if at >= lost_frame / FRAME_RATE)
    before_keyframe = next(i for i, (at, _) in enumerate(packets) if at >= 75 / FRAME_RATE)
    for _, data in packets[:first] + packets[first + 1 : before_keyframe]:
        recorder.send("v", data)
    # It asks for a keyframe, by the way the packets came.
    pli = [p for p in parse_compound(recorder.core.recv(2048)) if isinstance(p, Pli)]
    assert [p.media_ssrc for p in pli] == [VIDEO["VP8"].ssrc]
    for _, data in packets[before_keyframe:]:
        recorder.send("v", data)
    recorder.settle()
    recorder.say(c.CloseRecording(recording_id="rec1"))
    recorder.wait(c.Finished)
    (part,) = manifest(folder)["parts"]
    numbers = [number for _, number in decoded_counters(folder / part["file"])]
    assert numbers == [*range(lost_frame), *range(75, round(SECONDS * FRAME_RATE))]
    gaps = [r for r in read_recording(folder) if isinstance(r, Gap)]
    assert [(gap.reason, gap.packets) for gap in gaps] == [("lost", 1)]


def test_lost_sound_stays_as_time(recorder: RecorderHarness, folder: Path) -> None:
    """Half a second of sound is lost; what follows is still heard at its time."""
    sound = encode_sound(SECONDS, beeps=BEEPS)
    recorder.open(folder)
    recorder.tap("a", SOUND, seat="room1", source="room")
    packets = packetise(SOUND, sound)
    recorder.play((at, "a", data) for at, data in packets if not 2.4 <= at < 2.9)
    recorder.settle()
    recorder.say(c.CloseRecording(recording_id="rec1"))
    recorder.wait(c.Finished)
    (part,) = manifest(folder)["parts"]
    assert (part["mime"], part["has_video"]) == ("audio/webm", False)
    beeps = decoded_beeps(folder / part["file"])
    assert beeps == pytest.approx(BEEPS, abs=0.02)


@pytest.mark.parametrize("codec", ["H264", "VP8"])
def test_another_size_is_another_part(recorder: RecorderHarness, folder: Path, codec: str) -> None:
    """A simulcast layer switch in the middle: two parts, the sound split between them, no loss."""
    small = encode_video(codec, 2.0, width=320, height=240)
    large = encode_video(codec, 4.0, width=640, height=480, first=50)
    picture = small + [Encoded(f.time + 2.0, f.data, f.keyframe) for f in large]
    sound = encode_sound(SECONDS, beeps=BEEPS)
    recorder.open(folder)
    recorder.tap("v", VIDEO[codec], seat="lead", source="teacher")
    recorder.tap("a", SOUND, seat="lead", source="room")
    recorder.play(
        mixed(
            ("v", with_reports(VIDEO[codec], packetise(VIDEO[codec], picture))),
            ("a", with_reports(SOUND, packetise(SOUND, sound))),
        )
    )
    recorder.settle()
    recorder.say(c.CloseRecording(recording_id="rec1"))
    recorder.wait(c.Finished)
    first, second = manifest(folder)["parts"]
    assert second["start_s"] == pytest.approx(2.0, abs=0.05)
    sizes, numbers, beeps = [], [], []
    for part in (first, second):
        file = folder / part["file"]
        with av.open(str(file)) as container:
            stream = container.streams.video[0]
            sizes.append((stream.width, stream.height))
        numbers += [number for _, number in decoded_counters(file)]
        beeps += [at + part["start_s"] for at in decoded_beeps(file)]
    assert sizes == [(320, 240), (640, 480)]
    assert numbers == list(range(round(SECONDS * FRAME_RATE)))
    # The beep at 2 s lies on the border and may be heard in both halves of its packet's part.
    assert {round(at) for at in beeps} == set(BEEPS)
    assert all(abs(at - round(at)) < STEP_S for at in beeps)


@pytest.mark.parametrize("codec", ["H264", "VP8"])
def test_kill_9_loses_less_than_a_second_and_the_recording_goes_on(
    tmp_path: Path, folder: Path, codec: str
) -> None:
    picture = encode_video(codec, SECONDS, keyframe_every=25)
    sound = encode_sound(SECONDS, beeps=BEEPS)
    half = SECONDS / 2
    packets = mixed(("v", packetise(VIDEO[codec], picture)), ("a", packetise(SOUND, sound)))
    with RecorderHarness(tmp_path) as recorder:
        recorder.open(folder)
        recorder.tap("v", VIDEO[codec], seat="lead", source="teacher")
        recorder.tap("a", SOUND, seat="lead", source="room")
        for at, name, data in packets:
            if at < half:
                recorder.send(name, data)
        recorder.settle()
        recorder.kill()
    # What the next recorder finds is torn in the middle of a line and of a fragment.
    with (folder / "journal.jsonl").open("ab") as journal:
        journal.write(b'{"type":"happened","event_id":"to')
    for file in (folder / "tracks").iterdir():
        with file.open("ab") as track:
            track.write(b"\x00\x00\x10\x00moof\x00\x00\x00\x10mfhd")
    with RecorderHarness(tmp_path) as recorder:
        recorder.open(folder)
        recorder.tap("v2", VIDEO[codec], seat="lead", source="teacher")
        recorder.tap("a2", SOUND, seat="lead", source="room")
        for at, name, data in packets:
            if at >= half:
                recorder.send(f"{name}2", data)
        recorder.settle()
        recorder.say(c.CloseRecording(recording_id="rec1"))
        recorder.wait(c.Finished)
    records = read_recording(folder)
    assert sum(isinstance(r, Resumed) for r in records) == 1
    assert not any(getattr(r, "event_id", "") == "to" for r in records)
    numbers = [
        number
        for part in manifest(folder)["parts"]
        if part["has_video"]
        for _, number in decoded_counters(folder / part["file"])
    ]
    at_the_kill = [n for n in numbers if n < half * FRAME_RATE]
    afterwards = [n for n in numbers if n >= half * FRAME_RATE]
    assert at_the_kill == list(range(len(at_the_kill)))
    # All that had come in is there but for the last fragment; the other half second of the
    # promised one is for packets that wait for a lost one.
    assert len(at_the_kill) >= (half - FRAGMENT_S) * FRAME_RATE - 2
    assert afterwards == list(range(75, 150))
    assert afterwards[0] == half * FRAME_RATE


def test_the_server_is_gone_and_the_files_are_closed(tmp_path: Path, folder: Path) -> None:
    picture = encode_video("H264", 2.3)
    recorder = RecorderHarness(tmp_path)
    recorder.open(folder)
    recorder.tap("v", VIDEO["H264"], seat="lead", source="teacher")
    for _, data in packetise(VIDEO["H264"], picture):
        recorder.send("v", data)
    recorder.settle()
    assert recorder.close() == 0
    records = read_recording(folder)
    assert not any(isinstance(r, Closed) for r in records)
    (segment,) = [r for r in records if isinstance(r, SegmentStarted)]
    (ended,) = [r for r in records if isinstance(r, SegmentEnded)]
    (track,) = [r for r in records if isinstance(r, TrackEnded)]
    assert ended.frames == len(picture)
    assert (track.lost_packets, track.dropped_frames) == (0, 0)
    file = folder / "tracks" / segment.file
    assert len(decoded_counters(file)) == len(picture)
    assert list(tmp_path.glob("v.sock")) == []


def test_a_recording_left_by_an_earlier_recorder_is_finished(tmp_path: Path, folder: Path) -> None:
    with RecorderHarness(tmp_path) as recorder:
        recorder.open(folder)
        recorder.tap("v", VIDEO["VP8"], seat="lead", source="teacher")
        for _, data in packetise(VIDEO["VP8"], encode_video("VP8", 1.0)):
            recorder.send("v", data)
        recorder.settle()
        recorder.kill()
    # A finishing that was cut short left this.
    (folder / ".part-0001.tmp").write_bytes(b"half")
    (folder / "part-0009.webm").write_bytes(b"half")
    with RecorderHarness(tmp_path) as recorder:
        recorder.say(c.FinishRecording(recording_id="rec1", folder=str(folder)))
        recorder.wait(c.Finished)
        # Asked again (the server died before it heard): the answer is the same.
        before = (folder / "manifest.json").stat().st_mtime_ns
        recorder.say(c.FinishRecording(recording_id="rec1", folder=str(folder)))
        recorder.wait(c.Finished)
    assert (folder / "manifest.json").stat().st_mtime_ns == before
    assert sorted(p.name for p in folder.iterdir()) == [
        "journal.jsonl",
        "manifest.json",
        "part-0001.webm",
        "poster.jpg",
    ]


def test_an_empty_lesson_is_told_as_such(recorder: RecorderHarness, folder: Path) -> None:
    recorder.open(folder)
    recorder.say(c.CloseRecording(recording_id="rec1"))
    assert recorder.wait(c.RecordingFailed).code == "nothing-recorded"


def test_an_unwritable_folder_fails_the_recording_alone(
    recorder: RecorderHarness, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    recorder.open(tmp_path / "file" / "rec0", recording_id="rec0")
    failed = recorder.wait(c.RecordingFailed)
    assert (failed.recording_id, failed.code) == ("rec0", "disk-error")
    assert str(tmp_path / "file") in failed.text
    recorder.open(folder)
    assert recorder.wait(c.Running).recording_id == "rec1"


def test_strangers_media_is_not_recorded(recorder: RecorderHarness, folder: Path) -> None:
    picture = encode_video("VP8", 1.0)
    foreign = with_ssrc(VIDEO["VP8"], 0xBAD)
    recorder.open(folder)
    recorder.tap("v", VIDEO["VP8"], seat="lead", source="teacher")
    rng = random.Random(9)
    for _, data in packetise(foreign, picture):
        recorder.send("v", data)
        recorder.send("v", rng.randbytes(rng.randint(0, 1200)))
    for _, data in packetise(VIDEO["VP8"], picture):
        recorder.send("v", data)
        recorder.send("v", b"")
    recorder.settle()
    recorder.say(c.CloseRecording(recording_id="rec1"))
    recorder.wait(c.Finished)
    (part,) = manifest(folder)["parts"]
    numbers = [number for _, number in decoded_counters(folder / part["file"])]
    assert numbers == list(range(FRAME_RATE))


def test_a_codec_that_is_not_recorded_is_refused_by_name(
    recorder: RecorderHarness, folder: Path
) -> None:
    recorder.open(folder)
    stream = Stream("AV1", 1, 45, 90_000)
    recorder.tap("v", stream, seat="lead", source="teacher")
    failed = recorder.wait(c.TapFailed)
    assert failed.track_id == "v"
    assert "AV1" in failed.text
    assert not failed.passes


def test_a_source_for_which_no_socket_can_be_bound_may_be_offered_again(
    recorder: RecorderHarness, folder: Path, tmp_path: Path
) -> None:
    """A folder that is not there stands for a file system that is full for a while."""
    recorder.open(folder)
    full = tmp_path / "full"
    opening = c.OpenTap(
        recording_id="rec1",
        track_id="v",
        socket_path=str(full / "v.sock"),
        seat_id="lead",
        source="teacher",
        producer_id="p1",
    )
    recorder.say(opening)
    failed = recorder.wait(c.TapFailed)
    assert failed.passes and str(full) in failed.text
    full.mkdir()
    recorder.say(opening)
    assert recorder.wait(c.TapReady).track_id == "v"


def test_a_full_disk_stops_the_recording_and_keeps_what_there_is(
    recorder: RecorderHarness, tmp_path: Path
) -> None:
    """A real full file system: a small tmpfs (mounting needs root; the machine's CI is)."""
    mount = tmp_path / "small"
    mount.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root may mount the small file system that is filled here")
    if os.system(f"mount -t tmpfs -o size=1m tmpfs {mount}") != 0:  # noqa: S605 - our own words
        pytest.skip("this machine does not let root mount a tmpfs")
    try:
        folder = mount / "rec1"
        recorder.open(folder)
        recorder.wait(c.Running)
        recorder.tap("v", VIDEO["VP8"], seat="lead", source="teacher")
        picture = encode_video("VP8", 2.0, keyframe_every=10)
        packets = packetise(VIDEO["VP8"], picture)
        for _, data in packets[: len(packets) // 2]:
            recorder.send("v", data)
        recorder.settle()
        filler = mount / "filler"
        with filler.open("wb", buffering=0) as file:
            try:
                while file.write(bytes(4096)):
                    continue
            except OSError:
                pass
        with contextlib.suppress(FileNotFoundError, ConnectionError):
            for _, data in packets[len(packets) // 2 :]:
                recorder.send("v", data)  # until it takes no more: the tap is closed then
        for _ in range(400):  # an event a line: the journal's page is full soon
            recorder.say(
                c.JournalEvent(recording_id="rec1", event_id="e", event={"text": "x" * 100})
            )
        failed = recorder.wait(c.RecordingFailed)
        assert failed.code == "disk-full"
        assert "Free some space" in failed.text
        filler.unlink()
        recorder.say(c.CloseRecording(recording_id="rec1"))
        recorder.wait(c.Finished)
        story = manifest(folder)
        assert "full" in story["incomplete"]
        numbers = [n for _, n in decoded_counters(folder / story["parts"][0]["file"])]
        assert numbers == list(range(len(numbers)))
        assert len(numbers) >= 10
    finally:
        os.system(f"umount -l {mount}")  # noqa: S605 - as above


def test_a_recording_is_finished_while_others_are_stuck(
    recorder: RecorderHarness, tmp_path: Path
) -> None:
    """Somebody else holds three recordings; the fourth is finished before they are given up."""
    (tmp_path / "made").mkdir()
    with RecorderHarness(tmp_path / "made") as other:
        other.open(tmp_path / "good")
        other.tap("v", VIDEO["VP8"], seat="lead", source="teacher")
        for _, data in packetise(VIDEO["VP8"], encode_video("VP8", 1.0)):
            other.send("v", data)
        other.settle()
    held = []
    for number in range(3):
        folder = tmp_path / f"stuck{number}"
        shutil.copytree(tmp_path / "good", folder)
        held.append((folder / "journal.jsonl").open("rb"))
        fcntl.flock(held[-1], fcntl.LOCK_EX)
    try:
        for name in ("stuck0", "stuck1", "stuck2", "good"):
            recorder.say(c.FinishRecording(recording_id=name, folder=str(tmp_path / name)))
        assert recorder.wait(c.Finished).recording_id == "good"
        assert not any(isinstance(report, c.RecordingFailed) for report in recorder.seen)
    finally:
        for journal in held:
            journal.close()
    assert {recorder.wait(c.Finished).recording_id for _ in range(3)} == {
        "stuck0",
        "stuck1",
        "stuck2",
    }
