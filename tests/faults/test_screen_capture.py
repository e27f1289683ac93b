"""The screen of a room's PC as a source: a real X server whose memory is painted on."""

from __future__ import annotations

import asyncio
import mmap
import shutil
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from hardware_profiles.room_agent.camera import CameraFeed
from hardware_profiles.room_agent.converting.target import Target
from hardware_profiles.room_agent.passing.group import Passed
from hardware_profiles.room_agent.sources.devices import LocalDevice
from mixer.rtp.packet import RtpPacket
from tests.camera_media import Viewer
from tests.recorded_media import counter_picture

WIDTH, HEIGHT = 320, 240
TARGET = Target(WIDTH, HEIGHT, 15, 600_000)


class Screen:
    """`Xvfb` keeps its picture in a file of XWD's form: what is written there is seen at once."""

    def __init__(self, folder: Path) -> None:
        command = ["Xvfb", "-displayfd", "1", "-screen", "0", f"{WIDTH}x{HEIGHT}x24"]
        command += ["-fbdir", str(folder), "-nolisten", "tcp"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert self.process.stdout is not None
        self.name = f":{self.process.stdout.readline().decode().strip()}"
        file = (folder / "Xvfb_screen0").open("r+b")
        self._memory = mmap.mmap(file.fileno(), 0)
        file.close()
        fields = struct.unpack_from(">25I", self._memory)
        self._at, self._line = fields[0] + 12 * fields[19], fields[12]

    def show(self, picture: npt.NDArray[np.uint8]) -> None:
        """RGB, of the whole screen."""
        lines = np.zeros((HEIGHT, self._line // 4, 4), np.uint8)
        lines[:, :WIDTH, :3] = picture[:, :, ::-1]
        self._memory[self._at : self._at + lines.nbytes] = lines.tobytes()

    def close(self) -> None:
        self._memory.close()
        self.process.terminate()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Screen]:
    if shutil.which("Xvfb") is None:
        pytest.skip("needs Xvfb (Debian's package xvfb)")
    screen = Screen(tmp_path)
    yield screen
    screen.close()


@pytest.mark.thorough
async def test_what_is_on_the_screen_is_sent_and_a_screen_that_goes_is_a_loss(
    screen: Screen,
) -> None:
    feed = CameraFeed(
        LocalDevice("screen", screen.name, (TARGET,)).layers[0], TARGET, first_timestamp=5
    )
    viewer, number = Viewer(), 0

    def take(one: Passed) -> None:
        nonlocal number
        number += 1
        viewer.take(RtpPacket(96, number & 0xFFFF, 0, 1, payload=one.payload, marker=one.marker))

    feed.listen(take)
    feed.start()
    try:
        async with asyncio.timeout(60):
            for shown in (7, 99, 201):
                screen.show(counter_picture(shown, WIDTH, HEIGHT))
                while viewer.counters[-1:] != [shown]:  # noqa: ASYNC110 - the screen has no event
                    await asyncio.sleep(0.02)
            screen.process.terminate()
            while feed.trouble is None:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.02)
    finally:
        await feed.stop()
