"""GStreamer's webrtcbin as a WHEP player of the program: a real server, a simulated teacher with a
film, and what GStreamer decodes, read from its pixels and samples. One player has H.264, another
VP8 alone. (aiortc as a player: `tests/browser/test_whip_whep.py`.)
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from benchmarks.rooms.contenders import DEBIAN_PYTHON, contenders
from mixer.composite.arrange import ProgramSeat, arrange
from mixer.composite.layouts import ProgramLayout
from server.simulate.identity import heard_tones, read_mark, tone_hz
from server.simulate.scene import Scene, SceneView
from tests.browser.county import County, post
from tests.browser.server_process import ServerProcess
from tests.faults.test_flash_and_beep_in_program import simulated_teacher
from tests.real_encoders import need_encoders

TEACHER = 6
SIZE = (640, 360)
RATE = 15
FILM_S = 4
# Where in the teacher's picture its mark stands: names of tiles do not lie there.
PART = (0.1, 0.04, 0.8, 0.66)
PATIENCE_S = 60.0
PICTURES = 10
_GSTREAMER = contenders()[2]


def part_of(size: tuple[int, int]) -> tuple[slice, slice]:
    """Rows and columns of the mark's place in a picture of this size."""
    left, top, wide, high = (
        round(part * side) for part, side in zip(PART, (*size, *size), strict=True)
    )
    return slice(top, top + high), slice(left, left + wide)


def write_film(path: Path) -> Path:
    """The teacher's: a picture with its mark and a counter, and its tone all the time."""
    rows, columns = part_of(SIZE)
    high, wide = rows.stop - rows.start, columns.stop - columns.start
    scene = Scene(SceneView(TEACHER, "Li Min", "", "teacher", wide, high, RATE))
    times = np.arange(FILM_S * 48_000) / 48_000
    tone = (8_000 * np.sin(2 * np.pi * tone_hz(TEACHER) * times)).astype(np.int16)
    with av.open(str(path), "w") as film:
        picture = film.add_stream("libx264", rate=RATE)
        assert isinstance(picture, av.VideoStream)
        picture.width, picture.height, picture.pix_fmt = *SIZE, "yuv420p"
        picture.options = {"preset": "ultrafast"}
        sound = film.add_stream("aac", rate=48_000, layout="mono")
        assert isinstance(sound, av.AudioStream)
        for number in range(FILM_S * RATE):
            planes = np.full((SIZE[1] * 3 // 2, SIZE[0]), 128, np.uint8)
            planes[rows, columns] = scene.picture(number)[:high]
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            film.mux(picture.encode(frame))
        for start in range(0, len(tone), 1024):
            piece = av.AudioFrame.from_ndarray(
                tone[None, start : start + 1024], format="s16", layout="mono"
            )
            piece.sample_rate, piece.pts, piece.time_base = 48_000, start, Fraction(1, 48_000)
            film.mux(sound.encode(piece))
        for stream in (picture, sound):
            film.mux(stream.encode(None))
    return path


class Player:
    """What a player's process has decoded so far."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self._process = process
        self._folder = folder

    def counters(self) -> list[int]:
        """Of the teacher's pictures in its place in the program, as they came."""
        assert self._process.poll() is None, "the player has ended"
        path = self._folder / "pictures"
        size = SIZE[0] * SIZE[1]
        count = path.stat().st_size // size if path.exists() else 0
        planes = np.fromfile(path, np.uint8, count * size) if count else np.zeros(0, np.uint8)
        seat = ProgramSeat("lead", "lead", ("teacher",))
        (tile,) = arrange(ProgramLayout.SPEAKER, [seat], *SIZE)
        rows, columns = part_of((tile.box.width, tile.box.height))
        found = []
        for picture in planes.reshape(count, SIZE[1], SIZE[0]):
            shown = picture[tile.box.y :, tile.box.x :][rows, columns]
            mark = read_mark(shown)
            if mark is not None and mark.identity == TEACHER:
                found.append(mark.counter)
        return found

    def tones(self) -> set[int]:
        """That sound in its last second."""
        path = self._folder / "sound"
        if not path.exists():
            return set()
        samples = np.frombuffer(path.read_bytes()[: path.stat().st_size // 2 * 2], "<i2")
        return heard_tones(samples[-48_000:].astype(np.float64) / 32_768, 48_000)


@contextmanager
def playing(address: str, codec: str, folder: Path) -> Iterator[Player]:
    """GStreamer, while it plays."""
    folder.mkdir()
    command = [DEBIAN_PYTHON, "-m", "tests.gst_whep_player", address, codec, str(folder)]
    process = subprocess.Popen(command)
    try:
        yield Player(process, folder)
    finally:
        process.kill()
        process.wait()


@pytest.mark.skipif(bool(_GSTREAMER.missing), reason=_GSTREAMER.missing)
@pytest.mark.timeout(180)
def test_gstreamer_plays_the_program_in_h264_and_in_vp8(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_encoders()
    film = write_film(tmp_path / "film.mp4")
    with ExitStack() as stack:
        server = ServerProcess(
            tmp_path / "data",
            settings={
                "TONGKE_PLAIN_HTTP": "true",
                "TONGKE_HOST": "127.0.0.1",
                "TONGKE_PROGRAMS": "1",
            },
        )
        server.start()
        stack.callback(server.stop)
        county = County.founded(server.origin, server.setup_key, profile="teacher-laptop")
        stack.callback(county.teacher.close)
        lesson_id = county.lesson_now(mode="blended")
        lead = post(county.teacher, f"/api/lessons/{lesson_id}/token", role="lead")["token"]
        stack.enter_context(simulated_teacher(server.origin, lead, film))
        watches = post(county.teacher, f"/api/lessons/{lesson_id}/token", role="observer")["token"]
        monkeypatch.setitem(os.environ, "WHEP_TOKEN", watches)
        address = f"{server.origin}/whep?source=program"
        players = [
            stack.enter_context(playing(address, codec, tmp_path / codec))
            for codec in ("H264", "VP8")
        ]
        deadline = time.monotonic() + PATIENCE_S
        while True:
            seen = [(player.counters(), player.tones()) for player in players]
            if all(len(set(ones)) >= PICTURES and tones == {TEACHER} for ones, tones in seen):
                break
            assert time.monotonic() < deadline, seen
            time.sleep(0.5)
