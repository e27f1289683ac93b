"""A simulated seat with a film of flashes and beeps, recorded: both are played at one moment.

The whole way: film → simulated camera and microphone → aiortc → media core → tap → recorder → part;
read from the part's decoded pictures and samples.
"""

from __future__ import annotations

import asyncio
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from mixer.model import NodeSettings, SourceOffer
from mixer.node import MediaNode
from recorder.manifest import Manifest
from recorder.recording_folder import read_recording
from recorder.records import ClockPoint
from server.recordings.recording import RecordingService
from server.simulate.sending import SentPicture, SimulatedSending, Studio
from server.simulate.settings import Appearance
from signaling.log.entries import LessonRunning
from signaling.ports import LessonPlan, SeatPlan
from signaling.protocol.messages import Mode, Role, SendProfile, Source
from tests.recorded_media import MARK_S, decoded_marks, marked_sound

pytestmark = pytest.mark.alone  # a camera and a microphone play in real time

FILM_S = 5.0
LESSON_S = 8.0
STEP_S = 0.040
RATE = 30.0  # of the seat's camera


def write_film(path: Path) -> Path:
    """A white flash and a mark at every second: the picture's grey tells which second it is."""
    with av.open(str(path), "w") as film:
        picture = film.add_stream("libx264", rate=25)
        assert isinstance(picture, av.VideoStream)
        picture.width, picture.height, picture.pix_fmt = 320, 180, "yuv420p"
        picture.options = {"preset": "ultrafast"}
        sound = film.add_stream("aac", rate=48_000, layout="mono")
        assert isinstance(sound, av.AudioStream)
        for number in range(round(FILM_S * 25)):
            flashes = number % 25 < round(MARK_S * 25) + 1
            luma = np.full((180, 320), 230 if flashes else 16, np.uint8)
            grey = np.full((90, 320), 128, np.uint8)
            frame = av.VideoFrame.from_ndarray(np.concatenate((luma, grey)), format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            film.mux(picture.encode(frame))
        samples = marked_sound(FILM_S, every_s=1.0)
        for start in range(0, len(samples), 1024):
            piece = av.AudioFrame.from_ndarray(
                samples[None, start : start + 1024], format="s16", layout="mono"
            )
            piece.sample_rate, piece.pts, piece.time_base = 48_000, start, Fraction(1, 48_000)
            film.mux(sound.encode(piece))
        for stream in (picture, sound):
            film.mux(stream.encode(None))
    return path


def flashes(part: Path) -> list[float]:
    """When the picture turns white."""
    begins, was_white = [], True
    with av.open(str(part)) as container:
        for frame in container.decode(video=0):
            white = float(frame.to_ndarray(format="gray")[20:100].mean()) > 128
            if white and not was_white:
                begins.append(float(frame.time or 0.0))
            was_white = white
    return begins


class Catalogue:
    """Where the finished recording is told."""

    def __init__(self) -> None:
        self.manifest: dict[str, Any] = {}
        self.folder = ""

    async def added(self, recording_id: str, lesson_id: str, started_at: float) -> None:
        self.folder = recording_id

    async def finished(self, recording_id: str, manifest: Manifest) -> None:
        self.manifest = manifest.members()

    async def failed(self, recording_id: str, reason: str) -> None:
        raise AssertionError(reason)

    async def finishing(self, recording_id: str) -> None:
        raise AssertionError("nothing is tried twice here")


def recorded_sources(recordings: Path) -> set[str]:
    """The tracks whose packets are coming."""
    return {
        record.track_id
        for folder in recordings.glob("*")
        for record in read_recording(folder)
        if isinstance(record, ClockPoint)
    }


async def simulated_lesson(recordings: Path, film: Path) -> Path:
    """The part of one simulated seat, recorded for `LESSON_S`."""
    catalogue = Catalogue()

    async def live(lesson_id: str) -> bool:
        return True

    node = MediaNode(NodeSettings(host="127.0.0.1", port=0))
    await node.start()
    recording = RecordingService(node, catalogue, folder=recordings, lesson_live=live)
    await recording.start()
    sending = SimulatedSending()
    try:
        await node.open_lesson("l", lambda _event: None)
        seat = SeatPlan("lead", Role.LEAD, "", "", SendProfile(name="test", sources=[]))
        await recording.lesson_opened(LessonPlan("l", "", Mode.BLENDED, 0.0, True, (seat,)))
        await recording.happened("l", LessonRunning(at=0.0))
        studio = Studio("A", "B", Appearance(identity=1, media_file=film))
        sent = SentPicture(Source.TEACHER, 320, 180, RATE, "H264", 300_000)
        pictures = await studio.pictures(sent)
        sending.add_microphone(await studio.sound(), lambda: True)
        sending.add_picture(sent, pictures, lambda: False)
        sdp, sources = await sending.offer()
        answer = await node.publish(
            "l",
            "pc",
            sdp,
            {mid: SourceOffer(source.value, 300_000) for mid, source in sources.items()},
        )
        await sending.take_answer(answer.sdp)
        for producer in answer.producers:
            await recording.producer_added("l", "lead", producer.label, producer.producer_id)
        async with asyncio.timeout(60):
            while len(recorded_sources(recordings)) < 2:  # noqa: ASYNC110 - a folder tells nobody
                await asyncio.sleep(0.1)
        await asyncio.sleep(LESSON_S)  # the lesson itself: what is recorded takes its time
        await sending.close()
        await recording.lesson_closed("l")
        async with asyncio.timeout(60):
            while not catalogue.manifest:  # noqa: ASYNC110 - nor do the chores behind it
                await asyncio.sleep(0.1)
    finally:
        await recording.close()
        await node.close()
    (part,) = [p for p in catalogue.manifest["parts"] if p["has_video"]]
    assert part["has_audio"], json.dumps(catalogue.manifest)
    return recordings / catalogue.folder / part["file"]


async def test_flash_and_beep_are_played_together(tmp_path: Path) -> None:
    film = await asyncio.to_thread(write_film, tmp_path / "film.mp4")
    part = await simulated_lesson(tmp_path / "recordings", film)
    seen = await asyncio.to_thread(flashes, part)
    heard = [mark.time for mark in await asyncio.to_thread(decoded_marks, part)]
    # What came before the microphone's first packet, or after its last, has no beep.
    both = [flash for flash in seen if heard[0] - 0.2 < flash < heard[-1] + 0.2]
    late = [-min((beep - flash for beep in heard), key=abs) for flash in both]
    assert len(late) >= LESSON_S - 3
    assert abs(float(np.median(late))) <= STEP_S, late
    # A starved camera leaves a picture out: its flash comes with the next.
    assert min(late) >= -STEP_S, late
    assert max(late) <= STEP_S + 1 / RATE, late
