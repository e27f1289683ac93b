"""A camera watched: does it move, how large and how often is its picture really, and what is told.

Films and the test picture go the whole way: opened in a child, encoded, put together, decoded.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from hardware_profiles.doctor.findings import Both, Grade
from hardware_profiles.doctor.look import watch
from hardware_profiles.doctor.pictures import AskedPicture, Watched, judge_picture
from hardware_profiles.room_agent.converting.target import Target
from hardware_profiles.room_agent.sources.devices import LocalDevice

ASKED = AskedPicture("teacher", "f", 320, 240, 25, own_size=False)
GOOD, WEAK, BAD = Grade.GOOD, Grade.WEAK, Grade.BAD


def film(path: Path, picture: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> None:
    """Two seconds of one still picture."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for _ in range(50):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


async def seen(kind: str, device: str = "") -> tuple[Watched | None, Both | None]:
    (source,) = LocalDevice(kind, device, (Target(320, 240, 25, 600_000),)).layers
    return await watch(source, watched_s=1.0, first_s=20.0)


async def test_a_picture_that_moves() -> None:
    watched, trouble = await seen("pattern")
    assert watched is not None and trouble is None
    assert (watched.width, watched.height, watched.broken) == (320, 240, 0)
    # One a second is asked: how many more there are is this machine's affair.
    finding = judge_picture(replace(ASKED, frame_rate=1), watched, None)
    assert (finding.verdict, finding.todo) == (GOOD, None)
    assert "320×240" in finding.words.zh and "moving" in finding.words.en


@pytest.mark.parametrize(
    ("level", "words"),
    [pytest.param(0, "lens cap", marks=pytest.mark.thorough), (120, "stands still")],
)
async def test_a_picture_that_is_none(tmp_path: Path, level: int, words: str) -> None:
    picture = np.full((240, 320, 3), level, np.uint8)
    if level:
        picture[::8] = 255
    film(tmp_path / "still.mp4", picture)
    watched, _ = await seen("file", str(tmp_path / "still.mp4"))
    assert watched is not None and watched.pictures > 1
    finding = judge_picture(ASKED, watched, None)
    assert finding.verdict is BAD and words in (finding.todo or Both(zh="", en="")).en


async def test_a_camera_that_is_not_there_says_what_to_do() -> None:
    watched, trouble = await seen("usb", "no-such-camera")
    assert watched is None and trouble is not None
    finding = judge_picture(ASKED, watched, trouble)
    assert (finding.verdict, finding.todo) == (BAD, trouble)


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        ({}, GOOD),
        ({"change": 0.0}, BAD),
        ({"pictures": 15}, WEAK),
        ({"pictures": 5}, BAD),
        ({"width": 640, "height": 480}, WEAK),
        ({"brightness": 5.0, "spread": 40.0}, GOOD),  # a dark room with a bright board
        ({"brightness": 5.0, "spread": 1.0}, BAD),
    ],
)
def test_what_is_said_of_what_was_seen(given: dict[str, float], verdict: Grade) -> None:
    usual: dict[str, Any] = {"pictures": 25, "seconds": 1.0, "width": 320, "height": 240}
    more = {"brightness": 90.0, "spread": 40.0, "change": 1.0}
    watched = Watched(**{**usual, **more, **given})
    asked = AskedPicture("teacher", "f", 320, 240, 25, own_size=True)
    finding = judge_picture(asked, watched, None)
    assert finding.verdict is verdict
    assert (finding.todo is None) == (verdict is GOOD)


def test_a_screen_may_stand_still() -> None:
    asked = AskedPicture("screen", "f", 1920, 1080, 15, own_size=False)
    watched = Watched(2, 4.0, 1920, 1080, 200.0, 30.0, 0.0)
    assert judge_picture(asked, watched, None).verdict is GOOD
