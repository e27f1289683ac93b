"""A server's recording with a real recorder, and everything around it faked."""

from __future__ import annotations

import asyncio
import socket
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mixer.model import Kind, TapInfo, TapWant
from recorder.manifest import Manifest
from recorder.recording_folder import read_recording
from recorder.records import Happened
from server.recordings.places import RecordingPlaces
from server.recordings.recording import SMALL, RecordingService
from signaling.log import entries as log
from signaling.ports import LessonPlan, SeatPlan
from signaling.protocol.messages import Mode, Role, SendProfile
from tests.recorded_media import (
    FRAME_RATE,
    SOUND,
    VIDEO,
    encode_sound,
    encode_video,
    packetise,
)

PATIENCE_S = 30.0
STREAMS = {"camera": VIDEO["VP8"], "microphone": SOUND}


class FakeCore:
    """The media core's taps: what is sent to a producer reaches every tap on it."""

    def __init__(self) -> None:
        self.taps: dict[str, tuple[str, str]] = {}
        self.refuse = 0
        self.beside: dict[str, str] = {}  # which producer
        self.keeps_past = False  # what is sent from then on is there for who taps later
        self._past: dict[str, list[bytes]] = defaultdict(list)
        self._count = 0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)

    async def tap(
        self,
        lesson_id: str,
        producer_id: str,
        socket_path: str,
        want: TapWant = None,
        *,
        from_past: bool = False,
    ) -> TapInfo:
        assert lesson_id == "lesson1"
        assert want in (None, SMALL), "what is kept is kept at its best, and small beside it"
        assert await asyncio.to_thread(Path(socket_path).is_socket)
        if self.refuse:
            self.refuse -= 1
            raise RuntimeError("no such producer yet")
        self._count += 1
        tap_id = f"tap{self._count}"
        if want is None:
            self.taps[tap_id] = (producer_id, socket_path)
        else:
            self.beside[tap_id] = producer_id  # no source here has two layers: nothing comes
        for data in self._past[producer_id] if from_past and want is None else ():
            await asyncio.to_thread(self._socket.sendto, data, socket_path)
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
        self.beside.pop(tap_id, None)

    def set_tap_want(self, lesson_id: str, tap_id: str, want: TapWant) -> None:
        raise AssertionError("what is kept is kept at its best")

    async def send(self, producer_id: str, data: bytes) -> None:
        if self.keeps_past:
            self._past[producer_id].append(data)
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

    def __init__(self, folder: Path, runtime: Path, places: RecordingPlaces | None = None) -> None:
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
            places=places,
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
        await self.recording.happened("lesson1", log.LessonRunning(at=0.0))

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


async def rows(scene: Scene) -> dict[str, str]:
    await scene.until(lambda: bool(scene.catalogue.rows), "a row in the catalogue")
    return scene.catalogue.rows
