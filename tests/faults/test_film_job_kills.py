"""A film that a server makes for somebody: its child and the server are killed while it is made.

What is killed stands still at a moment that the test has named, so that each of them is met: beside
each renaming of the child's. Whoever asked is told in words, nothing of it stays, and what is made
when it is asked for again is what ffprobe reads.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from server.recordings.lesson_files import LESSON_FILES
from tests.browser.county import County
from tests.browser.filed_recording import enter_finished
from tests.browser.server_process import ServerProcess
from tests.unit.recorder.exchange.exported import probed, record

SECONDS = 4.0
LIMIT_S = 120.0  # a busy test machine; nothing is measured here
FILE = "/api/recordings/rec1/file?kind=film&language=en"

# How far it is stands half written beside it; the film is whole and has not its name; it has.
MOMENTS = ("before .share", "before .mp4", "after .mp4")
_STANDS_STILL = '''
"""Every Python of the server reads it: the film's child stands still where it is told."""

import os
import signal
from pathlib import Path

_HERE = Path(__file__).parent
_rename = os.rename


def _renamed(source, target, **given):
    moment = (_HERE / "moment").read_text()
    of_a_film = ".lesson_files" in str(target)
    for when in ("before", "after"):
        if of_a_film and moment == f"{when} {os.path.splitext(target)[1]}":
            (_HERE / "stands.tmp").write_text(str(os.getpid()))
            _rename(_HERE / "stands.tmp", _HERE / "stands")
            os.kill(os.getpid(), signal.SIGSTOP)
        if when == "before":
            _rename(source, target, **given)


os.rename = _renamed
'''


class FilmScene:
    """A server with a recorded lesson, whose films are made up to a moment and no further."""

    def __init__(self, folder: Path, server: ServerProcess, teacher: httpx.Client) -> None:
        self._hook = folder
        self.server = server
        self.teacher = teacher
        self.films = server.data_folder / "recordings" / LESSON_FILES

    def ask(self, moment: str) -> int:
        """The process that stands still at this moment."""
        stands = self._hook / "stands"
        stands.unlink(missing_ok=True)
        (self._hook / "moment").write_text(moment)
        assert self.teacher.post(FILE).raise_for_status().json()["state"] in ("waiting", "making")
        until(stands.exists)
        child = int(stands.read_text())
        until(lambda: state_of(child) == "T")
        return child

    def standing(self) -> dict[str, Any]:
        told: dict[str, Any] = self.teacher.get(FILE).raise_for_status().json()
        return told

    def kept(self) -> list[str]:
        """The ends of the names of all that is there."""
        return sorted(path.suffix for path in self.films.iterdir()) if self.films.is_dir() else []


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def state_of(pid: int) -> str:
    """As proc(5) has it; "" when there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def has_ended(pid: int) -> bool:
    return state_of(pid) in ("", "Z")


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[FilmScene]:
    hook, data = tmp_path / "hook", tmp_path / "data"
    hook.mkdir()
    data.mkdir()
    (hook / "sitecustomize.py").write_text(_STANDS_STILL)
    (hook / "moment").write_text("")
    settings = {"TONGKE_HOST": "127.0.0.1", "PYTHONPATH": str(hook)}
    server = ServerProcess(data, settings=settings)
    with ExitStack() as stack:
        stack.callback(server.stop)
        server.start()
        county = County.founded(server.origin, server.setup_key, profile="old-pc")
        stack.callback(county.teacher.close)
        folder = data / "recordings" / "rec1"
        folder.parent.mkdir(exist_ok=True)
        record(folder, seconds=SECONDS)
        enter_finished(server, county.lesson_now(mode="blended"), folder)
        yield FilmScene(hook, server, county.teacher)


@pytest.mark.thorough
def test_a_film_that_is_cut_short_is_told_and_made_when_it_is_asked_for_again(
    scene: FilmScene, tmp_path: Path
) -> None:
    assert scene.standing()["state"] == "none"
    for moment in MOMENTS:
        child = scene.ask(moment)
        assert (".mp4" in scene.kept()) is (moment == "after .mp4")
        os.kill(child, signal.SIGKILL)
        until(lambda: scene.standing()["state"] == "failed")
        told = scene.standing()
        assert (told["address"], told["bytes"]) == (None, 0)
        assert "没有生成成功" in told["message_zh"] and "could not be made" in told["message_en"]
        assert scene.teacher.get("/media/lessons/rec1?kind=film&language=en").status_code == 404
        until(lambda: scene.kept() == [])
    for moment in MOMENTS:
        child = scene.ask(moment)
        scene.server.kill()
        until(partial(has_ended, child))
        scene.server.start()
        told = scene.standing()
        assert (told["state"], told["address"]) == ("none", None)
        assert "重新启动" in told["message_zh"] and "started again" in told["message_en"]
        assert scene.kept() == [".asked"]
        assert scene.teacher.get("/media/lessons/rec1?kind=film&language=en").status_code == 404

    (tmp_path / "hook" / "moment").write_text("")
    scene.teacher.post(FILE).raise_for_status()
    until(lambda: scene.standing()["state"] not in ("waiting", "making"))
    told = scene.standing()
    assert (told["state"], told["message_en"]) == ("ready", "")
    until(lambda: scene.kept() == [".mp4"])
    film = tmp_path / "film.mp4"
    film.write_bytes(scene.teacher.get(told["address"]).raise_for_status().content)
    assert film.stat().st_size == told["bytes"]
    found = probed(film)
    assert [one["codec_name"] for one in found["streams"]] == ["h264", "aac"]
    assert float(found["format"]["duration"]) == pytest.approx(SECONDS, abs=0.3)
    assert read_to_its_end(film) == ""


def read_to_its_end(film: Path) -> str:
    """What ffmpeg complains of who decodes all of it."""
    command = ["ffmpeg", "-v", "error", "-i", str(film), "-f", "null", "-"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stderr
