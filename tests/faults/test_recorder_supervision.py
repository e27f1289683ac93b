"""The server's side of recording, with a real recorder: crashes, restarts, what is told to whom."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from mixer.model import Kind, TapInfo
from recorder.manifest import Manifest
from recorder.recording_folder import RecordingFolder, read_recording
from recorder.records import Closed, Happened, Opened, Resumed, TrackStarted
from server.errors import Refusal
from server.recordings.recording import RecordingService
from signaling.log import entries as log
from signaling.ports import LessonPlan, SeatPlan
from signaling.protocol.messages import Mode, Role, SendProfile
from tests.recorded_media import (
    FRAME_RATE,
    SOUND,
    VIDEO,
    decoded_counters,
    encode_sound,
    encode_video,
    packetise,
)
from tests.refusals import SmallDisk, small_disk

PATIENCE_S = 30.0
STREAMS = {"camera": VIDEO["VP8"], "microphone": SOUND}


class FakeCore:
    """The media core's taps: what is sent to a producer reaches every tap on it."""

    def __init__(self) -> None:
        self.taps: dict[str, tuple[str, str]] = {}
        self.refuse = 0
        self._count = 0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)

    async def tap(
        self, lesson_id: str, producer_id: str, socket_path: str, *, from_past: bool = False
    ) -> TapInfo:
        assert lesson_id == "lesson1"
        assert await asyncio.to_thread(Path(socket_path).is_socket)
        if self.refuse:
            self.refuse -= 1
            raise RuntimeError("no such producer yet")
        self._count += 1
        tap_id = f"tap{self._count}"
        self.taps[tap_id] = (producer_id, socket_path)
        stream = STREAMS[producer_id]
        return TapInfo(
            tap_id=tap_id,
            producer_id=producer_id,
            kind=Kind.AUDIO if stream.codec == "opus" else Kind.VIDEO,
            codec=stream.codec,
            payload_type=stream.payload_type,
            clock_rate=stream.clock_rate,
            channels=2 if stream.codec == "opus" else 0,
            ssrc=stream.ssrc,
            device_id="device1",
        )

    async def untap(self, lesson_id: str, tap_id: str) -> None:
        self.taps.pop(tap_id, None)

    async def send(self, producer_id: str, data: bytes) -> None:
        for producer, path in list(self.taps.values()):
            if producer == producer_id:
                await asyncio.to_thread(self._socket.sendto, data, path)

    def close(self) -> None:
        self._socket.close()


class FakeCatalogue:
    def __init__(self) -> None:
        self.rows: dict[str, str] = {}
        self.lessons: dict[str, str] = {}
        self.manifests: dict[str, dict[str, Any]] = {}
        self.reasons: list[str] = []

    async def added(self, recording_id: str, lesson_id: str, started_at: float) -> None:
        self.rows.setdefault(recording_id, "recording")
        self.lessons[recording_id] = lesson_id

    async def finished(self, recording_id: str, manifest: Manifest) -> None:
        self.rows[recording_id] = "ready"
        self.manifests[recording_id] = manifest.members()

    async def failed(self, recording_id: str, reason: str) -> None:
        self.rows[recording_id] = "failed"
        self.reasons.append(reason)

    async def finishing(self, recording_id: str) -> None:
        self.rows[recording_id] = "finishing"


class Scene:
    """A server's recording with everything around it faked but the recorder."""

    def __init__(self, folder: Path, runtime: Path) -> None:
        self.folder = folder
        self.core = FakeCore()
        self.catalogue = FakeCatalogue()
        self.lesson_live = True
        self.told: list[bool] = []
        self.faults: list[str] = []
        self._settled = 0
        self.recording = RecordingService(
            self.core,
            self.catalogue,
            folder=folder,
            runtime_folder=runtime,
            lesson_live=self._live,
        )
        self.recording.on_running = self._running

    async def _live(self, lesson_id: str) -> bool:
        return self.lesson_live

    async def _running(self, lesson_id: str, running: bool, fault: str) -> None:
        assert lesson_id == "lesson1"
        self.told.append(running)
        self.faults.append(fault)

    async def until(self, holds: Callable[[], bool], what: str) -> None:
        """Wait for something that must come; how long it takes proves nothing."""
        deadline = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < deadline, f"never: {what}"
            await asyncio.sleep(0.02)

    async def open(self, *, record: bool = True) -> None:
        await self.recording.lesson_opened(plan(record=record))

    async def publish(self, *producers: str) -> None:
        before = len(self.core.taps)
        for producer in producers:
            source = "room" if STREAMS[producer].codec == "opus" else "teacher"
            await self.recording.producer_added("lesson1", "lead", source, producer)
        await self.until(lambda: len(self.core.taps) == before + len(producers), "taps")

    async def settle(self) -> None:
        """Until all that was sent is with the recorder's files: an event goes the same way."""
        self._settled += 1
        mark = log.Chat(at=0.0, seat_id="", name="settle", text=str(self._settled))
        await self.recording.happened("lesson1", mark)
        (recording_id,) = self.catalogue.rows

        def written() -> bool:
            records = self.records(recording_id)
            return any(isinstance(r, Happened) and r.event == log.as_members(mark) for r in records)

        await self.until(written, "everything is written")

    def records(self, recording_id: str) -> list[Any]:
        return read_recording(self.folder / recording_id)

    async def close(self) -> None:
        await self.recording.close()
        self.core.close()


def plan(*, record: bool = True) -> LessonPlan:
    profile = SendProfile(name="test", sources=[])
    seat = SeatPlan("lead", Role.LEAD, "李老师", "一小", profile)
    return LessonPlan("lesson1", "数学", Mode.BLENDED, 0.0, record, (seat,))


@pytest_asyncio.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    (tmp_path / "run").mkdir()
    scene = Scene(tmp_path / "recordings", tmp_path / "run")
    await scene.recording.start()
    yield scene
    await scene.close()


async def send_all(scene: Scene, *, start: float, seconds: float, live: bool = False) -> None:
    """Picture and sound of [start, start + seconds).

    All at once is what a tap may begin with: pictures kept since the last keyframe. `live` sends
    them at their time; the sleeping paces the source, no test waits on it.
    """
    picture = encode_video("VP8", seconds, first=round(start * FRAME_RATE))
    sound = encode_sound(seconds, beeps=())
    packets = [(at, "camera", data) for at, data in packetise(VIDEO["VP8"], picture)]
    packets += [(at, "microphone", data) for at, data in packetise(SOUND, sound)]
    loop = asyncio.get_running_loop()
    began = loop.time()
    for at, producer, data in sorted(packets, key=lambda packet: packet[0]):
        if live:
            await asyncio.sleep(began + at - loop.time())
        await scene.core.send(producer, data)


async def test_a_lesson_becomes_a_recording_in_the_library(scene: Scene) -> None:
    await scene.open()
    await scene.until(lambda: scene.told == [True], "the lesson knows that it is recorded")
    (recording_id,) = scene.catalogue.rows
    assert scene.catalogue.lessons == {recording_id: "lesson1"}
    await scene.publish("camera", "microphone")
    await send_all(scene, start=0.0, seconds=2.0)
    await scene.recording.happened(
        "lesson1", log.Chat(at=time.time(), seat_id="lead", name="李老师", text="好")
    )
    await scene.recording.producer_removed("lesson1", "microphone")
    assert [producer for producer, _ in scene.core.taps.values()] == ["camera"]
    await scene.recording.lesson_closed("lesson1")
    assert scene.core.taps == {}
    await scene.until(lambda: scene.catalogue.rows[recording_id] == "ready", "finished")
    manifest = scene.catalogue.manifests[recording_id]
    (part,) = manifest["parts"]
    assert (part["name"], part["school"], part["source"]) == ("李老师", "一小", "teacher")
    assert part["has_audio"] and part["has_video"]
    assert [event["text"] for event in manifest["events"]] == ["好"]
    assert manifest["poster"] == "poster.jpg"
    numbers = [n for _, n in decoded_counters(scene.folder / recording_id / part["file"])]
    assert numbers == list(range(2 * FRAME_RATE))


async def test_a_lesson_that_is_not_to_be_recorded_is_not(scene: Scene) -> None:
    await scene.open(record=False)
    await scene.recording.producer_added("lesson1", "lead", "teacher", "camera")
    await scene.recording.happened("lesson1", log.LessonRunning(at=0.0))
    await scene.recording.producer_removed("lesson1", "camera")
    await scene.recording.lesson_closed("lesson1")
    assert scene.catalogue.rows == {}
    assert scene.core.taps == {}
    assert not list(scene.folder.glob("*"))


async def test_a_recorder_that_is_killed_comes_back_and_nothing_is_forgotten(scene: Scene) -> None:
    await scene.open()
    await scene.publish("camera", "microphone")
    await send_all(scene, start=0.0, seconds=2.0)
    await scene.until(lambda: scene.told == [True], "running")
    first = scene.recording.recorder_pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    # What happens while nobody writes is kept for the next recorder.
    await scene.recording.happened("lesson1", log.HandRaised(at=1.0, seat_id="room"))
    await scene.until(lambda: scene.told == [True, False, True], "running again")
    await scene.until(lambda: len(scene.core.taps) == 2, "tapped again")
    await scene.recording.happened("lesson1", log.FloorGiven(at=2.0, seat_id="room", by="lead"))
    await send_all(scene, start=10.0, seconds=2.0, live=True)
    await scene.recording.lesson_closed("lesson1")
    (recording_id,) = scene.catalogue.rows
    await scene.until(lambda: scene.catalogue.rows[recording_id] == "ready", "finished")
    records = scene.records(recording_id)
    assert sum(isinstance(r, Opened) for r in records) == 1
    assert sum(isinstance(r, Resumed) for r in records) == 1
    manifest = scene.catalogue.manifests[recording_id]
    assert [e["type"] for e in manifest["events"]] == ["hand_raised", "floor_given"]
    numbers = [
        number
        for part in manifest["parts"]
        if part["has_video"]
        for _, number in decoded_counters(scene.folder / recording_id / part["file"])
    ]
    assert numbers[-50:] == list(range(250, 300))


async def test_a_recorder_that_is_killed_while_finishing_finishes_again(scene: Scene) -> None:
    await scene.open()
    await scene.publish("camera")
    await send_all(scene, start=0.0, seconds=1.0)
    await scene.settle()
    pid = scene.recording.recorder_pid
    assert pid is not None
    await scene.recording.lesson_closed("lesson1")
    os.kill(pid, signal.SIGKILL)
    (recording_id,) = scene.catalogue.rows
    await scene.until(lambda: scene.catalogue.rows[recording_id] == "ready", "finished")


async def test_a_server_that_is_killed_leaves_no_recorder_and_its_recording_goes_on(
    tmp_path: Path,
) -> None:
    """The recorder outlives nobody; the next server goes on in the same recording."""
    (tmp_path / "run").mkdir()
    first = Scene(tmp_path / "recordings", tmp_path / "run")
    await first.recording.start()
    await first.open()
    await first.publish("camera", "microphone")
    await send_all(first, start=0.0, seconds=2.0)
    (recording_id,) = first.catalogue.rows
    await first.close()  # to the recorder the same as a kill: its connection ends
    assert first.catalogue.rows == {recording_id: "recording"}
    assert not any(isinstance(r, Closed) for r in first.records(recording_id))

    second = Scene(tmp_path / "recordings", tmp_path / "run")
    await second.recording.start()
    await second.open()
    await second.until(lambda: second.catalogue.rows == {recording_id: "recording"}, "a row")
    await second.publish("camera", "microphone")
    await send_all(second, start=10.0, seconds=2.0)
    await second.recording.lesson_closed("lesson1")
    await second.until(lambda: second.catalogue.rows.get(recording_id) == "ready", "finished")
    manifest = second.catalogue.manifests[recording_id]
    numbers = [
        number
        for part in manifest["parts"]
        if part["has_video"]
        for _, number in decoded_counters(second.folder / recording_id / part["file"])
    ]
    assert numbers == [*range(50), *range(250, 300)]
    tracks = [r for r in second.records(recording_id) if isinstance(r, TrackStarted)]
    assert len({track.track_id for track in tracks}) == 4
    await second.close()


async def test_what_ended_while_the_server_was_down_is_finished(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    first = Scene(tmp_path / "recordings", tmp_path / "run")
    await first.recording.start()
    await first.open()
    await first.publish("camera")
    await send_all(first, start=0.0, seconds=1.0)
    await first.close()
    second = Scene(tmp_path / "recordings", tmp_path / "run")
    second.lesson_live = False
    await second.recording.start()
    (recording_id,) = first.catalogue.rows
    await second.until(lambda: second.catalogue.rows.get(recording_id) == "ready", "finished")
    await second.close()


async def test_of_two_interrupted_recordings_only_the_newer_goes_on(tmp_path: Path) -> None:
    """The older one can only stem from a server that lost its database; it is finished."""
    (tmp_path / "run").mkdir()
    for number, at in ((1, 100.0), (2, 200.0), (3, 150.0)):
        opened = Opened(recording_id=f"rec{number}", lesson_id="lesson1", at=at)
        RecordingFolder(tmp_path / "recordings" / f"rec{number}", opened).abandon()
    scene = Scene(tmp_path / "recordings", tmp_path / "run")
    await scene.recording.start()
    # There is nothing in them: finishing says so.
    await scene.until(lambda: len(scene.catalogue.reasons) == 2, "two are finished")
    assert scene.catalogue.rows == {"rec1": "failed", "rec2": "recording", "rec3": "failed"}
    await scene.open()
    await scene.until(lambda: scene.told == [True], "running")
    assert set(scene.catalogue.rows) == {"rec1", "rec2", "rec3"}
    await scene.close()


async def test_what_the_library_never_heard_of_is_told_to_it_once(tmp_path: Path) -> None:
    """The server was killed between the end of finishing and the library's row."""
    (tmp_path / "run").mkdir()
    first = Scene(tmp_path / "recordings", tmp_path / "run")
    await first.recording.start()
    await first.open()
    await first.publish("camera")
    await send_all(first, start=0.0, seconds=1.0)
    await first.recording.lesson_closed("lesson1")
    (recording_id,) = first.catalogue.rows
    await first.until(lambda: first.catalogue.rows[recording_id] == "ready", "finished")
    await first.close()
    filed = first.folder / recording_id / ".filed"
    filed.unlink()

    second = Scene(tmp_path / "recordings", tmp_path / "run")
    await second.recording.start()
    await second.until(lambda: second.catalogue.rows == {recording_id: "ready"}, "told")
    assert second.catalogue.lessons == {recording_id: "lesson1"}
    assert second.catalogue.manifests == first.catalogue.manifests
    await second.close()
    assert filed.is_file()

    third = Scene(tmp_path / "recordings", tmp_path / "run")
    await third.recording.start()
    await third.close()
    assert third.catalogue.rows == {}


async def test_a_folder_that_cannot_be_written_pauses_the_recording_and_nothing_else(
    scene: Scene,
) -> None:
    scene.folder.write_text("not a folder")
    await scene.open()
    await scene.until(lambda: scene.faults[-1:] == ["disk-error"], "the lesson knows")
    (recording_id,) = await rows(scene)
    interruption = scene.recording.interruption_of(recording_id)
    assert interruption is not None
    assert str(scene.folder) in interruption.text
    assert not interruption.over
    assert scene.told[-1] is False
    await scene.recording.producer_added("lesson1", "lead", "teacher", "camera")
    await scene.recording.happened("lesson1", log.LessonRunning(at=0.0))
    assert scene.core.taps == {}
    await scene.recording.lesson_closed("lesson1")
    assert scene.recording.recorder_pid is not None


@pytest_asyncio.fixture
async def small_scene(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Scene, SmallDisk]]:
    """Recording on a small disk of its own, and nobody waits long to try again."""
    monkeypatch.setattr("server.recordings.recording.LOOK_EVERY_S", 0.05)
    monkeypatch.setattr("server.recordings.filing.FINISH_AGAIN_AFTER_S", (0.1,) * 100)
    (tmp_path / "run").mkdir()
    with small_disk(tmp_path / "disk", 24) as disk:
        scene = Scene(disk.folder / "recordings", tmp_path / "run")
        await scene.recording.start()
        yield scene, disk
        await scene.close()


async def until_paused(scene: Scene) -> None:
    """The disk is full: what happens in the lesson finds that out."""
    for number in range(200):
        line = log.Chat(at=0.0, seat_id="", name="x", text=f"{number}")
        await scene.recording.happened("lesson1", line)
    await scene.until(lambda: scene.faults[-1:] == ["disk-full"], "the lesson knows")


async def test_four_seconds_of_a_full_disk_cost_four_seconds(
    small_scene: tuple[Scene, SmallDisk],
) -> None:
    """It pauses, lesson and library are told, it goes on by itself, nothing said is lost."""
    scene, disk = small_scene
    await scene.open()
    await scene.publish("camera")
    await send_all(scene, start=0.0, seconds=1.0)
    await scene.settle()
    disk.fill()
    await until_paused(scene)
    (recording_id,) = scene.catalogue.rows
    paused = scene.recording.interruption_of(recording_id)
    assert paused is not None
    assert (paused.code, paused.over) == ("disk-full", False)
    await scene.until(lambda: not scene.core.taps, "nothing is tapped for nothing")
    paused_at = time.time()
    disk.clear()
    await scene.until(lambda: scene.told[-1], "it goes on")
    await scene.until(lambda: len(scene.core.taps) == 1, "tapped again")
    resumed_at = time.time()
    await send_all(scene, start=10.0, seconds=1.0)
    await scene.settle()
    assert scene.recording.interruption_of(recording_id) == replace(paused, over=True)
    await scene.recording.lesson_closed("lesson1")
    await scene.until(lambda: scene.catalogue.rows[recording_id] == "ready", "finished")
    manifest = scene.catalogue.manifests[recording_id]
    (pause,) = manifest["pauses"]
    assert pause["code"] == "disk-full"
    began = manifest["started_at"] + pause["start_s"]
    assert began <= paused_at <= began + pause["duration_s"] <= resumed_at
    assert "full" in manifest["incomplete"]
    texts = [e["text"] for e in manifest["events"] if e.get("name") == "x"]
    assert texts == [str(number) for number in range(200)]
    numbers = [
        number
        for part in manifest["parts"]
        for _, number in decoded_counters(scene.folder / recording_id / part["file"])
    ]
    # Up to the fragment that the full disk did not take, and all from then on.
    assert numbers[-FRAME_RATE:] == list(range(250, 250 + FRAME_RATE))
    assert set(range(FRAME_RATE // 2)) <= set(numbers)


async def test_a_lesson_that_ends_on_a_full_disk_is_finished_when_there_is_room(
    small_scene: tuple[Scene, SmallDisk],
) -> None:
    scene, disk = small_scene
    await scene.open()
    await scene.publish("camera")
    await send_all(scene, start=0.0, seconds=2.0)
    await scene.settle()
    disk.fill()
    await until_paused(scene)
    await scene.recording.lesson_closed("lesson1")
    (recording_id,) = scene.catalogue.rows
    await scene.until(lambda: len(scene.catalogue.reasons) >= 3, "tried again and again")
    assert scene.recording.totals().failed + scene.recording.totals().finishing == 1
    disk.clear()
    await scene.until(lambda: scene.catalogue.rows[recording_id] == "ready", "finished")
    manifest = scene.catalogue.manifests[recording_id]
    assert [pause["code"] for pause in manifest["pauses"]] == ["disk-full"]
    texts = [e["text"] for e in manifest["events"] if e.get("name") == "x"]
    assert texts == [str(number) for number in range(200)]
    assert scene.recording.totals().failed == 0


async def test_a_finish_that_failed_is_tried_again_by_itself_and_by_hand(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.recordings.recording.LOOK_EVERY_S", 0.05)
    await scene.open()
    await scene.publish("camera")
    await send_all(scene, start=0.0, seconds=1.0)
    await scene.settle()
    (recording_id,) = scene.catalogue.rows
    # Finishing cannot make its first part: a folder stands there.
    obstacle = scene.folder / recording_id / "part-0001.webm"
    obstacle.mkdir()
    with pytest.raises(Refusal):  # it is still being recorded
        scene.recording.finish_again(recording_id)
    await scene.recording.lesson_closed("lesson1")
    await scene.until(lambda: scene.catalogue.rows[recording_id] == "failed", "failed")
    tries = len(scene.catalogue.reasons)
    scene.recording.finish_again(recording_id)
    await scene.until(lambda: len(scene.catalogue.reasons) > tries, "failed again")
    obstacle.rmdir()
    scene.recording.finish_again(recording_id)
    scene.recording.finish_again(recording_id)  # two people press it
    await scene.until(lambda: scene.catalogue.rows[recording_id] == "ready", "finished")
    assert scene.catalogue.manifests[recording_id]["incomplete"] == ""


async def rows(scene: Scene) -> dict[str, str]:
    await scene.until(lambda: bool(scene.catalogue.rows), "a row in the catalogue")
    return scene.catalogue.rows


async def test_a_source_that_cannot_be_tapped_yet_is_tried_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.children.tapping.RETRY_S", 0.01)
    scene.core.refuse = 2
    await scene.open()
    await scene.publish("camera")
    assert scene.core.refuse == 0


async def test_every_event_is_written_once_and_in_order(scene: Scene) -> None:
    await scene.open()
    for number in range(500):
        await scene.recording.happened("lesson1", log.HandRaised(at=0.0, seat_id=str(number)))
    await scene.until(lambda: bool(scene.told), "running")
    await scene.recording.lesson_closed("lesson1")
    (recording_id,) = await rows(scene)
    # Nothing was sent in this lesson: there is nothing to play, and that is said.
    await scene.until(lambda: scene.catalogue.rows[recording_id] == "failed", "failed")
    assert "No picture and no sound" in scene.catalogue.reasons[0]
    events = [
        int(str(r.event["seat_id"])) for r in scene.records(recording_id) if isinstance(r, Happened)
    ]
    assert events == list(range(500))
