"""A simulated teacher with a film of flashes and beeps: the program's players see and hear them at
one moment.

The whole way: film → camera and microphone of a simulated seat → server → media core → compositor
(decoded, drawn, mixed, encoded) → taps → AAC and fragmented MP4 → a player of low-latency HLS,
which is libav here; read from decoded pictures and samples.
"""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import av
import httpx
import numpy as np
import pytest

from tests.browser.county import County, client, post
from tests.browser.server_process import ServerProcess
from tests.faults.test_flash_and_beep import write_film
from tests.recorded_media import decoded_marks

pytestmark = [pytest.mark.alone, pytest.mark.timeout(180)]

STEP_S = 0.040  # what ears and eyes notice, and the program's step
WATCHED_S = 16.0
SETTLES_S = 5.0  # what the first report was off by is made up in so long
PATIENCE_S = 60.0


@contextmanager
def simulated_teacher(origin: str, token: str, film: Path) -> Iterator[None]:
    seat = subprocess.Popen(
        [
            *(sys.executable, "-m", "server", "simulate", "--server", origin, "--insecure"),
            *("--token", token, "--video", str(film), "--height", "180", "--talk", "always"),
            *("--receive", "nothing", "--no-hands", "--frame-rate", "30"),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert seat.stderr is not None
    try:
        yield
        assert seat.poll() is None, seat.stderr.read().decode()
    finally:
        seat.kill()
        seat.wait()
        seat.stderr.close()


def watched(player: httpx.Client, address: str, file: Path) -> None:
    """The broadcast from the second segment on: then it has its pace. Its size stays."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        told = player.get(address.replace("index.m3u8", "media.m3u8"))
        header, _, rest = told.text.rpartition('#EXT-X-MAP:URI="')[2].partition('"')
        lengths = re.findall(r"^#EXTINF:([\d.]+),\n(\d+)\.m4s$", rest, re.MULTILINE)
        if sum(float(length) for length, _ in lengths[1:]) >= WATCHED_S:
            break
        assert time.monotonic() < deadline, told.text
        time.sleep(1)
    assert "#EXT-X-DISCONTINUITY\n" not in told.text
    assert header == "header0.mp4", "it began with the size that it keeps"
    names = [header, *(f"{number}.m4s" for _, number in lengths[1:])]
    pieces = [player.get(address.replace("index.m3u8", name)).content for name in names]
    file.write_bytes(b"".join(pieces))


def flashes(film: Path) -> list[float]:
    """When the picture turns white: the teacher's stands in its middle."""
    rows: list[tuple[float, float]] = []
    with av.open(str(film)) as container:
        for frame in container.decode(video=0):
            grey = frame.to_ndarray(format="gray")
            height, width = grey.shape
            middle = grey[height // 3 : height // 2, width // 3 : width // 2]
            rows.append((float(frame.time or 0.0), float(middle.mean())))
    levels = [level for _, level in rows]
    border = (max(levels) + min(levels)) / 2
    assert max(levels) - min(levels) > 100, "nothing flashes"
    return [at for (_, before), (at, level) in itertools.pairwise(rows) if before < border <= level]


def test_flash_and_beep_are_together_at_a_player_of_the_program(tmp_path: Path) -> None:
    with ExitStack() as stack:
        server = ServerProcess(tmp_path / "data", settings={"TONGKE_PROGRAMS": "1"})
        server.data_folder.mkdir()
        stack.callback(server.stop)
        server.start()
        county = County.founded(server.origin, server.setup_key, profile="teacher-laptop")
        stack.callback(county.teacher.close)
        lesson_id = county.lesson_now(mode="blended")
        token = post(county.teacher, f"/api/lessons/{lesson_id}/token", role="lead")["token"]
        film = write_film(tmp_path / "film.mp4")
        stack.enter_context(simulated_teacher(server.origin, token, film))
        address = post(county.teacher, f"/api/lessons/{lesson_id}/watch")["hls"]
        player = stack.enter_context(client(server.origin))
        deadline = time.monotonic() + PATIENCE_S
        while (told := player.get(address)).status_code != 200:
            assert time.monotonic() < deadline, told.text
            time.sleep(1)
        played = tmp_path / "played.mp4"
        watched(player, address, played)
    seen = flashes(played)
    heard = [mark.time for mark in decoded_marks(played)]
    begins = seen[0] + SETTLES_S
    both = [flash for flash in seen if begins < flash < heard[-1] + 0.2]
    late = [flash - min(heard, key=lambda beep: abs(beep - flash)) for flash in both]
    print("flashes after their beeps:", " ".join(f"{1000 * one:+.0f} ms" for one in late))
    assert len(late) >= WATCHED_S - SETTLES_S - 4
    assert abs(float(np.median(late))) <= STEP_S, late
    # A tick that a busy machine left out shows a flash later, once.
    assert sorted(map(abs, late))[-2] <= 2 * STEP_S, late
