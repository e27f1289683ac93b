"""Every kind of source in one lesson, each at a second client that decodes it.

Two rooms' agents, one with three cameras on its network, an X11 screen and a microphone, one with a
USB camera, a film and the test picture; a third room has no agent but encoders of others, by RTMP,
SRT and WHIP, and a camera that the server asks. Each is told by its own mark: no source passes for
another, and neither a still picture nor silence for any. A test machine's kernel has no V4L2: its
answers are given in its place (`native/usb_camera.c`).
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from benchmarks.rooms.contenders import DEBIAN_PYTHON, contenders
from server.simulate import watch
from server.simulate.identity import COUNTER_RANGE
from server.simulate.scene import Scene, SceneView
from server.simulate.seat import SimulatedSeat
from server.simulate.watch import StreamSeen, tone_of
from tests.agent_room import voice
from tests.browser.county import ADMINISTRATOR, ROOMS, County, client, post
from tests.browser.server_process import ServerProcess
from tests.faults.attack import build
from tests.faults.test_screen_capture import Screen
from tests.lesson_watcher import PATIENCE_S, watching
from tests.network_camera import CameraModel, NetworkCamera, need_cameras
from tests.ports import free_port
from tests.real_encoders import ffmpeg, need_encoders, sending, voice_file
from tests.sound_devices import SoundDevices

# A dozen encoders, and what decodes all of them, take both processors of a small machine.
pytestmark = pytest.mark.alone

WIDTH, HEIGHT, RATE = 320, 240, 15
PASSED, H265, MJPEG, SCREEN, USB, FILM, RTMP, SRT, WHIP, MICROPHONE = range(2, 12)
PATTERN = -1  # it has no mark: it is compared with itself
ENOUGH = 8  # pictures
WAIT_S = 2 * PATIENCE_S  # a dozen encoders begin at one moment
SOURCES = ("teacher", "students", "board", "screen")
CAMERAS, DEVICES, ENCODERS = ROOMS
HEAD = """
inherits = "standard"
title_zh = "各种来源"
title_en = "Every kind"
[send.blended]
room = ["teacher", "students", "board", "screen"]
"""
SOURCE = """
[sources.{source}]
width = {width}
height = {height}
frame_rate = {rate}
codec = "H264"
layers = [{{ rid = "f", scale_down_by = 1, max_bitrate_bps = 600_000, max_frame_rate = {rate} }}]
[sources.{source}.camera]
{camera}
"""
SOUND = """
[sound]
echo_cancellation = false
noise_suppression = false
auto_gain_control = false
[sound.microphone]
device = "{device}"
"""
WEBRTCBIN = contenders()[2]


def scene(identity: int) -> Scene:
    return Scene(SceneView(identity, "Room", "County", "board", WIDTH, HEIGHT, RATE))


def profile(cameras: Mapping[str, str], sound: str = "") -> str:
    """`cameras`: by source what its camera is, as TOML."""
    size = {"width": WIDTH, "height": HEIGHT, "rate": RATE}
    sources = [SOURCE.format(source=name, camera=text, **size) for name, text in cameras.items()]
    return HEAD + "".join(sources) + sound


def network(camera: NetworkCamera) -> str:
    return f'streams = [{{ rid = "f", url = "{camera.url}" }}]'


def device(kind: str, name: str = "") -> str:
    named = f'device = "{name}"\n' if name else ""
    return f'kind = "{kind}"\n{named}streams = [{{ rid = "f" }}]'


def film(file: Path, identity: int) -> None:
    """Two seconds of marked pictures."""
    drawn = scene(identity)
    with av.open(str(file), "w") as out:
        stream = out.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"preset": "ultrafast"}
        for number in range(2 * RATE):
            frame = av.VideoFrame.from_ndarray(drawn.picture(number), format="yuv420p")
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def usb_camera(folder: Path, identity: int) -> dict[str, str]:
    """A USB camera with marked pictures, as an agent's environment; its name is `USB_CAMERA`."""
    drawn, device = scene(identity), folder / "usb-Classroom"
    with device.open("wb") as out:
        for number in range(2 * RATE):
            planes = drawn.picture(number)
            luma, (blue, red) = planes[:HEIGHT], planes[HEIGHT:].reshape(2, HEIGHT // 2, WIDTH // 2)
            picture = np.empty((HEIGHT, WIDTH, 2), np.uint8)  # YUYV
            picture[:, :, 0] = luma
            picture[:, 0::2, 1], picture[:, 1::2, 1] = blue.repeat(2, 0), red.repeat(2, 0)
            out.write(picture.tobytes())
    options = [f"-DWIDTH={WIDTH}", f"-DHEIGHT={HEIGHT}", f"-DRATE={RATE}"]
    kernel = build("usb_camera.c", folder, "-shared", "-fPIC", *options)
    return {"LD_PRELOAD": str(kernel), "USB_CAMERA": str(device)}


@contextmanager
def screen(folder: Path, identity: int) -> Iterator[str]:
    """An X11 screen on which marked pictures are painted; its name."""
    if shutil.which("Xvfb") is None:
        pytest.skip("needs Xvfb (Debian's package xvfb)")
    folder.mkdir()
    shown, drawn, over = Screen(folder), scene(identity), threading.Event()

    def paint() -> None:
        while not over.wait(1 / RATE):
            counter = int(time.time() * RATE) % COUNTER_RANGE
            colours = cv2.cvtColor(drawn.picture(counter), cv2.COLOR_YUV2RGB_I420)
            shown.show(np.asarray(colours, dtype=np.uint8))

    painting = threading.Thread(target=paint)
    painting.start()
    try:
        yield shown.name
    finally:
        over.set()
        painting.join()
        shown.close()


@contextmanager
def agent(
    folder: Path, county: County, room: str, text: str, environment: Mapping[str, str]
) -> Iterator[None]:
    """A room's agent with this profile."""
    home = folder / room
    (home / "rooms").mkdir(parents=True)
    (home / "rooms" / "kinds.toml").write_text(text, encoding="utf-8")
    (home / "credential").write_text(county.credentials[room])
    command = [str(Path(sys.executable).parent / "tongke"), "room", "--server", county.origin]
    command += ["--credential-file", str(home / "credential"), "--profile", "kinds"]
    command += ["--profiles-folder", str(home), "--status-port", str(free_port())]
    command += ["--state-folder", str(home / "state")]
    log = home / "agent.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=out, env={**os.environ, **environment}
        )
        try:
            yield
        finally:
            process.terminate()
            code = process.wait(20)
    assert code == 0, log.read_text()


@contextmanager
def encoders(folder: Path, county: County, pulled: NetworkCamera) -> Iterator[None]:
    """The third room's: RTMP with sound, SRT, WHIP, and a camera that the server asks."""
    path = f"/api/classrooms/{county.room_ids[ENCODERS]}/source_keys"
    with client(county.origin) as admin, ExitStack() as stack:
        post(admin, "/api/session", **ADMINISTRATOR)

        def key(way: str, source: str, **more: str) -> dict[str, Any]:
            return post(admin, path, label=way, source=source, way=way, **more)

        rtmp, srt, whip = key("rtmp", "teacher"), key("srt", "students"), key("whip", "board")
        key("rtsp", "screen", camera_url=pulled.url)
        by_rtmp = f"{rtmp['address']}/{rtmp['secret']}"
        by_srt = f"{srt['address']}?mode=caller&pbkeylen=16&passphrase={srt['secret']}"
        tone = voice_file(folder, RTMP)
        stack.enter_context(sending(ffmpeg(by_rtmp, "flv", tone), RTMP))
        stack.enter_context(sending(ffmpeg(by_srt, "mpegts", None), SRT))
        box = [DEBIAN_PYTHON, "-m", "tests.gst_whip_encoder", whip["address"], str(tone)]
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(os.environ, "WHIP_TOKEN", whip["secret"])
            stack.enter_context(sending(box, WHIP))
        yield


class Patterns:
    """How like the test picture each stream's newest picture is."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.likeness: dict[int, float] = {}
        self._see = watch.see_picture
        source = f"testsrc2=size={WIDTH}x{HEIGHT}:rate={RATE}"
        with av.open(source, format="lavfi") as container:
            frame = next(container.decode(video=0))
        self._own = frame.to_ndarray(format="gray").astype(np.float64)
        patch.setattr(watch, "see_picture", self._look)

    def _look(self, frame: av.VideoFrame, seen: StreamSeen, **more: Any) -> None:
        self._see(frame, seen, **more)
        shown = frame.to_ndarray(format="gray").astype(np.float64)
        if shown.shape == self._own.shape:
            self.likeness[id(seen)] = float(np.corrcoef(shown.ravel(), self._own.ravel())[0, 1])


async def all_are_seen(
    observer: SimulatedSeat, patterns: Patterns, wanted: Mapping[tuple[str, str], int]
) -> None:
    """Waits until each (seat, source) shows its own pictures, one after the other."""
    missing = dict(wanted)
    began: dict[int, int | None] = {}
    try:
        async with asyncio.timeout(WAIT_S):
            while missing:
                for one in list(observer.seen.values()):
                    identity = missing.get((one.seat_id, one.source))
                    if identity is None or one.frames < ENOUGH:
                        continue
                    if identity == PATTERN:
                        is_seen = patterns.likeness.get(id(one), 0.0) > 0.8
                    else:
                        before = began.setdefault(id(one), one.last_counter)
                        is_seen = one.identities == {identity} and one.last_counter != before
                    if is_seen:
                        del missing[one.seat_id, one.source]
                await asyncio.sleep(0.05)
    except TimeoutError:
        told = [one.summary() for one in observer.seen.values()]
        raise AssertionError(f"not seen: {missing}; seen: {told}") from None


async def all_are_heard(observer: SimulatedSeat, wanted: Mapping[str, int]) -> None:
    """Waits until each seat is heard with its own tone and no other."""
    async with asyncio.timeout(WAIT_S):
        while True:
            heard = {one.seat_id: one.tones for one in observer.seen.values() if one.tones}
            if heard == {seat: {tone_of(identity)} for seat, identity in wanted.items()}:
                return
            await asyncio.sleep(0.05)


@pytest.mark.skipif(bool(WEBRTCBIN.missing), reason=WEBRTCBIN.missing)
async def test_every_kind_of_source_in_one_lesson(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_cameras()
    need_encoders()
    settings = {
        "TONGKE_PLAIN_HTTP": "true",
        "TONGKE_HOST": "127.0.0.1",
        "TONGKE_RTMP_PORT": str(free_port()),
        "TONGKE_SRT_PORT": str(free_port()),
    }
    with ExitStack() as stack:
        models = {PASSED: "h264", H265: "h265", MJPEG: "jpeg"}
        cameras = {who: NetworkCamera(who, CameraModel(codec=c)) for who, c in models.items()}
        for camera in cameras.values():
            await asyncio.to_thread(camera.start)
            stack.callback(camera.kill)
        devices = SoundDevices(tmp_path)
        stack.callback(devices.close)
        devices.plug_in(voice(MICROPHONE))
        film(tmp_path / "film.mp4", FILM)
        shown = stack.enter_context(screen(tmp_path / "screen", SCREEN))
        with_cameras = profile(
            dict(
                zip(
                    SOURCES, [*map(network, cameras.values()), device("screen", shown)], strict=True
                )
            ),
            SOUND.format(device=devices.microphone),
        )
        usb = usb_camera(tmp_path, USB)
        with_devices = profile(
            {
                "teacher": device("usb", usb["USB_CAMERA"]),
                "students": device("file", str(tmp_path / "film.mp4")),
                "board": device("pattern"),
            }
        )
        server = ServerProcess(tmp_path / "data", settings=settings)
        rooms = server.data_folder / "hardware_profiles" / "rooms"
        rooms.mkdir(parents=True)
        (rooms / "kinds.toml").write_text(with_cameras, encoding="utf-8")
        stack.callback(server.stop)
        await asyncio.to_thread(server.start)
        county = County.founded(server.origin, server.setup_key, "kinds")
        stack.callback(county.teacher.close)
        alsa = {"ALSA_CONFIG_PATH": devices.settings}
        stack.enter_context(agent(tmp_path, county, CAMERAS, with_cameras, alsa))
        stack.enter_context(agent(tmp_path, county, DEVICES, with_devices, usb))
        lesson_id = await asyncio.to_thread(county.lesson_now, mode="blended")
        stack.enter_context(encoders(tmp_path, county, cameras[PASSED]))
        seats = county.seats(lesson_id)
        wanted = {
            CAMERAS: (PASSED, H265, MJPEG, SCREEN),
            DEVICES: (USB, FILM, PATTERN),
            ENCODERS: (RTMP, SRT, WHIP, PASSED),
        }
        patterns = Patterns(monkeypatch)
        async with watching(county, lesson_id) as observer:
            await all_are_seen(
                observer,
                patterns,
                {
                    (seats[room], source): identity
                    for room, identities in wanted.items()
                    for source, identity in zip(SOURCES, identities, strict=False)
                },
            )
            await all_are_heard(observer, {seats[CAMERAS]: MICROPHONE, seats[ENCODERS]: RTMP})
