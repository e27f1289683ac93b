"""Four cameras and a microphone of one room are in step: agent → media core → recorder → parts.

Every camera turns white, and every microphone beeps, as a second of the wall clock begins; what a
player decodes of it is laid side by side. Cameras and the network between are real processes.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import av
import numpy as np
import pytest

from hardware_profiles.room_agent.camera import CameraFeed
from hardware_profiles.room_agent.converting.target import Target
from hardware_profiles.room_agent.sending import CameraSending, SentCamera
from hardware_profiles.room_agent.sound import CameraSound, SoundFeed, SoundSetup
from hardware_profiles.room_agent.sources.rtsp.address import StreamAddress
from hardware_profiles.room_agent.sources.source import NetworkCamera as CameraSource
from mixer.model import NodeSettings, SourceOffer
from mixer.node import MediaNode
from recorder.manifest import Manifest
from server.recordings.recording import RecordingService
from signaling.log.entries import LessonRunning
from signaling.ports import LessonPlan, SeatPlan
from signaling.protocol.messages import Mode, Role, SendProfile, Source
from tests.network_camera import CameraModel, NetworkCamera, need_cameras
from tests.recorded_media import MARKS, decoded_marks, marked_sound
from tests.sound_devices import RATE, Sound, SoundDevices

pytestmark = pytest.mark.alone  # four cameras and a microphone play in real time

FRAME_RATE = 25
LESSON_S = 9.0
STEP_S = 0.040
# How far an AAC encoder looks ahead no report tells: this one by 1,600 samples of 16 kHz, of which
# the transform's own 1,024 are known. On a busy machine its packets of 64 ms come late besides.
AAC_LOOKS_AHEAD_S = 0.06
# A flash is a fifth of a second: whoever is late by more than that is told from the next one.
FLASH_S = 0.2
NAMES = (Source.TEACHER, Source.STUDENTS, Source.BOARD, Source.SCREEN)
# What encoders do between taking a picture and giving it a time is not ours to know.
MODEL = CameraModel(160, 96, FRAME_RATE, gop=FRAME_RATE, kbps=200, exact=True)


class Flashes:
    """White as a second begins, else grey with a bar that moves: nothing stands still."""

    def picture(self, counter: int, *, at: float) -> np.ndarray[Any, np.dtype[np.uint8]]:
        whole = np.full(MODEL.width * MODEL.height * 3 // 2, 128, np.uint8)
        luma = whole[: MODEL.width * MODEL.height].reshape(MODEL.height, MODEL.width)
        luma[:] = 230 if at % 1.0 < FLASH_S else 30
        luma[-20:, counter * 8 % MODEL.width :][:, :8] = 128
        return whole


def beeps(rate: int = RATE) -> np.ndarray[Any, np.dtype[np.int16]]:
    """A loop of all marks, one a second."""
    return marked_sound(float(MARKS), every_s=1.0)[:: RATE // rate]


def beeping() -> Sound:
    loop = beeps().astype(np.float32) / np.float32(32768)

    def sound(first: int, count: int) -> np.ndarray[Any, np.dtype[np.float32]]:
        return loop[np.arange(first, first + count) % len(loop)]

    return sound


def flashes(part: Path) -> list[float]:
    """When the picture turns white, as a player shows it."""
    begins, was_white = [], True
    with av.open(str(part)) as container:
        for frame in container.decode(video=0):
            white = float(frame.to_ndarray(format="gray")[10:70].mean()) > 128
            if white and not was_white:
                begins.append(float(frame.time or 0.0))
            was_white = white
    return begins


class Catalogue:
    """Where the finished recording is told."""

    manifest: Manifest | None = None
    folder = ""

    async def added(self, recording_id: str, lesson_id: str, started_at: float) -> None:
        self.folder = recording_id

    async def finished(self, recording_id: str, manifest: Manifest) -> None:
        self.manifest = manifest

    async def failed(self, recording_id: str, reason: str) -> None:
        raise AssertionError(reason)

    async def finishing(self, recording_id: str) -> None:
        raise AssertionError("nothing is tried twice here")


async def lesson(
    folder: Path, cameras: list[NetworkCamera], sound: SoundFeed, *, udp: bool = False
) -> dict[str, Any]:
    """Source → when its marks are, on the recording's time line: `LESSON_S` of the agent's own
    sending, into a media core whose recorder takes all of it.
    """
    catalogue = Catalogue()

    async def live(lesson_id: str) -> bool:
        return True

    node = MediaNode(NodeSettings(host="127.0.0.1", port=0))
    recording = RecordingService(node, catalogue, folder=folder / "r", lesson_live=live)
    feeds = [
        _feed(camera, None if number else sound.camera, number, udp=udp)
        for number, camera in enumerate(cameras)
    ]
    sent = [SentCamera(name, [feed]) for name, feed in zip(NAMES, feeds, strict=False)]
    sending = CameraSending(sent, rng=Random(1), sound=sound)
    await node.start()
    await recording.start()
    try:
        for feed in feeds:
            feed.start()
        sound.start()
        await _until(lambda: sound.packets > 10 and all(feed.packets > 10 for feed in feeds))
        await node.open_lesson("l", lambda _event: None)
        seat = SeatPlan("lead", Role.LEAD, "", "", SendProfile(name="test", sources=[]))
        await recording.lesson_opened(LessonPlan("l", "", Mode.BLENDED, 0.0, True, (seat,)))
        await recording.happened("l", LessonRunning(at=0.0))
        sdp, sources = await sending.offer()
        offers = {mid: SourceOffer(source.value, 1_000_000) for mid, source in sources.items()}
        answer = await node.publish("l", "agent", sdp, offers)
        await sending.take_answer(answer.sdp)
        for producer in answer.producers:
            await recording.producer_added("l", "lead", producer.label, producer.producer_id)
        await asyncio.sleep(LESSON_S)  # the lesson itself: what is recorded takes its time
        by_reports = [feed.path.clock.by_reports for feed in feeds]
        assert all(by_reports), by_reports
        await sending.close()
        await recording.lesson_closed("l")
        await _until(lambda: catalogue.manifest is not None)
    finally:
        await asyncio.gather(*(feed.stop() for feed in feeds), sound.stop())
        await recording.close()
        await node.close()
    assert catalogue.manifest is not None
    return await asyncio.to_thread(_marks, catalogue.manifest, folder / "r" / catalogue.folder)


def _marks(manifest: Manifest, folder: Path) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for part in manifest.parts:
        file = folder / part.file
        if part.has_video:
            found[part.source] = [part.start_s + at for at in flashes(file)]
        if part.has_audio:
            found["room"] = [part.start_s + mark.time for mark in decoded_marks(file)]
    return found


def _feed(
    camera: NetworkCamera, sound: CameraSound | None, number: int, *, udp: bool
) -> CameraFeed:
    address = StreamAddress.parse(camera.url)
    source = CameraSource(address, None, udp=udp, rng=Random(number), sound=sound)
    return CameraFeed(source, Target(160, 96, FRAME_RATE, 300_000), first_timestamp=number << 20)


async def _until(holds: Any) -> None:
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110 - what is looked at tells nobody
            await asyncio.sleep(0.1)


def apart(marks: dict[str, list[float]]) -> dict[str, float]:
    """By how much each source is behind the first camera, its middle over all seconds."""
    assert set(marks) == {name.value for name in NAMES} | {"room"}, json.dumps(marks)
    first, behind = marks[NAMES[0].value], {}
    for name, times in marks.items():
        beside = [min((one - at for one in times), key=abs) for at in first]
        beside = [one for one in beside if abs(one) < 0.5]
        assert len(beside) >= LESSON_S - 4, (name, marks)
        behind[name] = median(beside)
    return behind


@pytest.fixture
def cameras(tmp_path: Path) -> Iterator[list[NetworkCamera]]:
    need_cameras()
    made = [NetworkCamera(number, MODEL, scene=Flashes()) for number in range(len(NAMES))]
    yield made
    for camera in made:
        camera.kill()


def setup(device: str | None) -> SoundSetup:
    return SoundSetup(device, None, 40_000, echo=False, noise=False, gain=False)


async def test_a_microphone_of_the_machine_and_four_cameras(
    tmp_path: Path, cameras: list[NetworkCamera], monkeypatch: pytest.MonkeyPatch
) -> None:
    devices = SoundDevices(tmp_path)
    monkeypatch.setenv("ALSA_CONFIG_PATH", devices.settings)
    devices.plug_in(beeping())
    try:
        for camera in cameras:
            camera.start()
        sound = SoundFeed(setup("testmic"), first_timestamp=77)
        behind = apart(await lesson(tmp_path, cameras, sound))
    finally:
        devices.close()
    assert max(behind.values()) - min(behind.values()) <= STEP_S, behind


@pytest.mark.parametrize(("codec", "rate"), [("pcma", 8_000), ("g722", 16_000), ("aac", 16_000)])
async def test_a_cameras_own_microphone_and_four_cameras(
    tmp_path: Path, cameras: list[NetworkCamera], codec: str, rate: int
) -> None:
    file = tmp_path / "beeps"
    file.write_bytes(beeps(rate).astype("<i2").tobytes())
    cameras[0].model = replace(MODEL, sound=codec, sound_file=str(file))
    for camera in cameras:
        camera.start()
    sound = SoundFeed(setup(None), first_timestamp=77)
    behind = apart(await lesson(tmp_path, cameras, sound, udp=codec == "pcma"))
    assert sound.clock.by_reports
    looks_ahead = AAC_LOOKS_AHEAD_S if codec == "aac" else 0.0
    assert max(behind.values()) - min(behind.values()) <= STEP_S + looks_ahead, behind
