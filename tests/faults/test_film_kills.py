"""`tongke archive film` killed while it makes one: begun again, it is what it would have been."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from recorder.lesson_file_order import temporary_of
from tests.unit.recorder.exchange.exported import contents, probed, record

LIMIT_S = 60.0
KILLS = 2


def film(data: Path, to: Path) -> subprocess.Popen[bytes]:
    program = str(Path(sys.executable).with_name("tongke"))
    command = [program, "archive", "film", "rec1", "--to", str(to), "--data-folder", str(data)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


def packets(path: Path) -> list[tuple[str, int]]:
    return [(one["codec_name"], int(one["nb_read_packets"])) for one in probed(path)["streams"]]


@pytest.mark.thorough
def test_a_film_that_was_cut_short_is_made_when_it_is_asked_for_again(tmp_path: Path) -> None:
    data, killed, whole = tmp_path / "data", tmp_path / "killed", tmp_path / "whole"
    for folder in (data / "recordings", killed, whole):
        folder.mkdir(parents=True)
    record(data / "recordings" / "rec1", seconds=8.0)
    recording = contents(data / "recordings")
    place = killed / "rec1.mp4"
    for _ in range(KILLS):
        making = film(data, killed)
        deadline = time.monotonic() + LIMIT_S
        while not temporary_of(place).exists() or temporary_of(place).stat().st_size == 0:
            assert making.poll() is None, "it was to be killed while it is at work"
            assert time.monotonic() < deadline
            time.sleep(0.005)
        making.send_signal(signal.SIGKILL)
        assert making.wait() == -signal.SIGKILL
        assert not place.exists(), "what stands there is whole"
    assert film(data, killed).wait(LIMIT_S) == 0
    assert [path.name for path in killed.iterdir()] == [place.name]
    assert film(data, whole).wait(LIMIT_S) == 0
    assert packets(place) == packets(whole / "rec1.mp4")
    assert contents(data / "recordings") == recording
    shutil.rmtree(killed)
