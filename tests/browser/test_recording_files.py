"""What the recorder makes, in the player it is for: a real Chromium's <video>.

The first test plays files of known content and reads the counter from the pixels; the second
records what a real Chromium publishes through the media core, and plays that.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright

from mixer.model import NodeSettings
from mixer.node import MediaNode
from mixer.node.stats import LayerStats
from recorder import control as c
from recorder.finish import finish
from recorder.manifest import Manifest
from recorder.recording_folder import read_recording
from recorder.records import Gap, SyncPoint, TrackEnded, TrackStarted
from server.recordings.recording import RecordingService
from signaling.log.entries import LessonRunning
from signaling.ports import LessonPlan, SeatPlan
from signaling.protocol.messages import Mode, Role, SendProfile
from tests.browser.media_page import ARGUMENTS, CHROMIUM, MediaPage, running_browser, until
from tests.recorded_media import (
    BITS,
    FRAME_RATE,
    SOUND,
    VIDEO,
    decoded_beeps,
    encode_sound,
    encode_video,
    packetise,
)
from tests.recorder_harness import RecorderHarness

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

SECONDS = 6.0

PLAYER = """<!doctype html><meta charset=utf-8><body><video id=v muted playsinline></video><script>
const v = document.getElementById('v');
const event = (name) => new Promise((resolve, reject) => {
  v.addEventListener(name, resolve, {once: true});
  v.addEventListener('error', () => reject(new Error(v.error.message)), {once: true});
});
async function load(src) {
  const ready = event('canplaythrough');
  v.src = src;
  await ready;
  return {duration: v.duration, width: v.videoWidth, height: v.videoHeight,
    seekable: v.seekable.length ? v.seekable.end(0) : 0};
}
async function seek(at) {
  const shown = new Promise(resolve => v.requestVideoFrameCallback
    ? v.requestVideoFrameCallback((_, m) => resolve(m.mediaTime)) : resolve(at));
  const done = event('seeked');
  v.currentTime = at;
  await done;
  const never = new Promise(resolve => setTimeout(resolve, 30000, -1));
  return v.videoWidth ? await Promise.race([shown, never]) : at;
}
function counter(bits) {
  const canvas = document.createElement('canvas');
  canvas.width = v.videoWidth; canvas.height = v.videoHeight;
  const context = canvas.getContext('2d');
  context.drawImage(v, 0, 0);
  const block = Math.floor(v.videoWidth / bits), row = Math.floor(v.videoHeight / 4);
  let number = 0;
  for (let bit = 0; bit < bits; bit++)
    if (context.getImageData(bit * block + Math.floor(block / 2), row, 1, 1).data[1] > 128)
      number |= 1 << bit;
  return number;
}
async function play(until) {
  await v.play();
  const limit = performance.now() + 60000;
  while (v.currentTime < until && performance.now() < limit)
    await new Promise(resolve => setTimeout(resolve, 50));
  v.pause();
  return {time: v.currentTime, sound: v.webkitAudioDecodedByteCount ?? 0,
    pictures: v.getVideoPlaybackQuality().totalVideoFrames};
}
</script>"""


@contextlib.asynccontextmanager
async def player_page(folder: Path) -> AsyncIterator[Page]:
    """A page beside the recording's files that plays them."""
    (folder / "player.html").write_text(PLAYER)
    async with async_playwright() as playwright:
        # The page's origin is a file's: reading its own video's pixels needs the flag.
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*ARGUMENTS, "--allow-file-access-from-files"]
        )
        try:
            page = await browser.new_page()
            await page.goto((folder / "player.html").as_uri())
            yield page
        finally:
            await browser.close()


def record(
    runtime: Path, folder: Path, codec: str, *, lost: tuple[float, float] = (0.0, 0.0)
) -> dict[str, Any]:
    """A recording of `SECONDS` of counted pictures and beeps; sound within `lost` never came."""
    picture = encode_video(codec, SECONDS, width=640, height=480, keyframe_every=50)
    sound = encode_sound(SECONDS, beeps=(1.0, 5.2))
    packets = [(at, "v", data) for at, data in packetise(VIDEO[codec], picture)]
    packets += [
        (at, "a", data) for at, data in packetise(SOUND, sound) if not lost[0] <= at < lost[1]
    ]
    began = time.time()
    packets += [
        (at + 0.001, track, stream.sender_report(at, began + at))
        for track, stream in (("v", VIDEO[codec]), ("a", SOUND))
        for at in range(round(SECONDS))
    ]
    with RecorderHarness(runtime) as recorder:
        recorder.open(folder)
        recorder.tap("v", VIDEO[codec], seat="lead", source="teacher")
        recorder.tap("a", SOUND, seat="lead", source="room")
        recorder.play((at, name, data) for at, name, data in packets)
        recorder.settle()
        recorder.say(c.CloseRecording(recording_id="rec1"))
        recorder.wait(c.Finished)
    return finish(folder).members()  # it stands: this reads the manifest


@pytest.mark.parametrize("codec", ["H264", "VP8"])
async def test_a_part_plays_and_seeks(tmp_path: Path, codec: str) -> None:
    folder = tmp_path / "rec1"
    manifest = await asyncio.to_thread(record, tmp_path, folder, codec, lost=(2.0, 3.5))
    (part,) = manifest["parts"]
    async with player_page(folder) as page:
        loaded = await page.evaluate("src => load(src)", part["file"])
        assert loaded["duration"] == pytest.approx(SECONDS, abs=0.2)
        assert loaded["duration"] == pytest.approx(part["duration_s"], abs=0.1)
        assert (loaded["width"], loaded["height"]) == (640, 480)
        assert loaded["seekable"] == pytest.approx(loaded["duration"])
        for at in (5.1, 0.5, 2.7):
            assert await page.evaluate("t => seek(t)", at) == pytest.approx(at, abs=0.06)
            number = await page.evaluate("b => counter(b)", BITS)
            assert number == pytest.approx(at * FRAME_RATE, abs=1)
        # Over the hole in the sound: the player's clock, which is the sound's, does not jump.
        await page.evaluate("t => seek(t)", 1.5)
        played = await page.evaluate("t => play(t)", 4.0)
        assert 4.0 <= played["time"] < SECONDS
        assert played["sound"] > 0

        async def shows_what_is_heard() -> bool:  # a slow machine's picture may come after it
            number = await page.evaluate("b => counter(b)", BITS)
            return bool(number == pytest.approx(played["time"] * FRAME_RATE, abs=3))

        await until(shows_what_is_heard, what=f"the picture of {played['time']} s")


class _Catalogue:
    """Where the finished recording is told."""

    def __init__(self) -> None:
        self.manifests: dict[str, dict[str, Any]] = {}

    async def added(self, recording_id: str, lesson_id: str, started_at: float) -> None: ...

    async def finished(self, recording_id: str, manifest: Manifest) -> None:
        self.manifests[recording_id] = manifest.members()

    async def failed(self, recording_id: str, reason: str) -> None:
        raise AssertionError(reason)

    async def finishing(self, recording_id: str) -> None:
        raise AssertionError("nothing is tried twice here")


LESSON_S = 6.0  # with all layers
SIZE = (640, 360)
LAYERS: list[dict[str, object]] = [
    {"rid": "q", "scaleResolutionDownBy": 4, "maxBitrate": 150_000},
    {"rid": "f", "maxBitrate": 600_000},
]


async def recorded_lesson(recordings: Path, codec: str) -> tuple[Path, dict[str, Any], int]:
    """The folder and manifest of what a browser published, and how many packets never came."""
    catalogue = _Catalogue()

    async def live(lesson_id: str) -> bool:
        return True

    node = MediaNode(NodeSettings(host="127.0.0.1", port=0))
    await node.start()
    recording = RecordingService(node, catalogue, folder=recordings, lesson_live=live)
    await recording.start()
    try:
        await node.open_lesson("lesson1", lambda _event: None)
        profile = SendProfile(name="test", sources=[])
        seat = SeatPlan("lead", Role.LEAD, "李老师", "一小", profile)
        await recording.lesson_opened(
            LessonPlan("lesson1", "数学", Mode.BLENDED, 0.0, True, (seat,))
        )
        await recording.happened("lesson1", LessonRunning(at=0.0))
        async with running_browser() as (browser, address):
            lead = MediaPage(await browser.new_page(), node, "lesson1", "lead-pc")
            await lead.page.goto(address)
            for label, info in (await lead.publish(codec, LAYERS, size=SIZE)).items():
                await recording.producer_added("lesson1", "lead", label, info.producer_id)

            async def all_layers_come() -> bool:
                return all(layer["live"] for layer in layers())

            def layers() -> list[LayerStats]:
                producers = node.lesson_stats("lesson1")["producers"]
                return [layer for producer in producers for layer in producer["layers"]]

            await until(all_layers_come, what="both layers")
            await asyncio.sleep(LESSON_S)  # the lesson itself: what is recorded takes its time
            never_came = sum(layer["lost"] - layer["recovered"] for layer in layers())
            await recording.lesson_closed("lesson1")

        async def finished() -> bool:
            return bool(catalogue.manifests)

        await until(finished, what="the end of finishing")
    finally:
        await recording.close()
        await node.close()
    ((recording_id, manifest),) = catalogue.manifests.items()
    return recordings / recording_id, manifest, never_came


@pytest.mark.parametrize("codec", ["H264", "VP8"])
async def test_what_a_browser_publishes_is_recorded_and_plays(tmp_path: Path, codec: str) -> None:
    """Chromium → media core → tap → recorder → files → Chromium."""
    folder, manifest, never_came = await recorded_lesson(tmp_path / "recordings", codec)
    records = read_recording(folder)
    tracks = [r for r in records if isinstance(r, TrackStarted)]
    assert {t.device_id for t in tracks} == {"lead-pc"}
    reported = {r.track_id for r in records if isinstance(r, SyncPoint)}
    assert reported == {t.track_id for t in tracks}, "both tracks know the sender's clock"
    # A machine that is too busy to read its sockets loses packets; what came is recorded.
    assert {r.reason for r in records if isinstance(r, Gap)} <= {"lost"}
    assert sum(r.lost_packets for r in records if isinstance(r, TrackEnded)) <= never_came
    # The layers come up one after the other, so there may be a small picture before the large.
    parts = [part for part in manifest["parts"] if part["has_video"]]
    assert all(part["has_audio"] for part in parts)
    assert sum(part["duration_s"] for part in parts) > 0.8 * LESSON_S
    assert (folder / manifest["poster"]).is_file()
    async with player_page(folder) as page:
        for part in reversed(parts):
            loaded = await page.evaluate("src => load(src)", part["file"])
            if (loaded["width"], loaded["height"]) == SIZE and loaded["duration"] > 3:
                break
        assert (loaded["width"], loaded["height"]) == SIZE
        played = await page.evaluate("t => play(t)", 2.0)
        assert played["time"] >= 2.0
        assert played["pictures"] > 10
        middle = loaded["duration"] / 2
        assert await page.evaluate("t => seek(t)", middle) == pytest.approx(middle, abs=0.3)
    # Chromium's fake microphone beeps once a second.
    beeps = [part["start_s"] + at for part in parts for at in decoded_beeps(folder / part["file"])]
    assert len(beeps) >= LESSON_S / 2
