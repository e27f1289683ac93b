"""A room whose sound its agent carries, for tests: the real `tongke room` with sound devices that
are files, in a county of a real server.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from server.simulate.voice import speech_loop
from tests.browser.county import ROOMS, County
from tests.browser.server_process import ServerProcess
from tests.lesson_watcher import PATIENCE_S
from tests.ports import free_port
from tests.room_machine import PROFILE_NAME, PROGRAM, keep_profile, room_options
from tests.sound_devices import Sound, SoundDevices

PROFILE = """
inherits = "standard"
title_zh = "山河"
title_en = "Shanhe"
[sound]
echo_cancellation = false
noise_suppression = false
auto_gain_control = false
[sound.microphone]
device = "testmic"
{more}
"""


def voice(identity: int) -> Sound:
    loop = speech_loop(identity).astype(np.float32) / 32768

    def sound(first: int, count: int) -> Any:
        return loop[np.arange(first, first + count) % len(loop)]

    return sound


class AgentRoom:
    """The county, and a room's agent in it."""

    def __init__(
        self, folder: Path, server: ServerProcess, devices: SoundDevices, more: str = ""
    ) -> None:
        profiles = keep_profile(server.data_folder, PROFILE.format(more=more))
        self.county = County.founded(server.origin, server.setup_key, PROFILE_NAME)
        self.credential = self.county.credentials[ROOMS[0]]
        self.port, self.log = free_port(), folder / "agent.log"
        options = room_options(folder, profiles, server=server.origin, credential=self.credential)
        self._command = [PROGRAM, "room", *options, "--status-port", str(self.port)]
        self._environment = {**os.environ, "ALSA_CONFIG_PATH": devices.settings}
        self.process: subprocess.Popen[bytes] | None = None

    def start_agent(self) -> None:
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                self._command, stdout=out, stderr=out, env=self._environment
            )

    def end(self) -> None:
        if self.process is not None:
            self.process.terminate()
            assert self.process.wait(20) == 0, self.log.read_text()
        self.county.teacher.close()

    async def sound(self, **wanted: object) -> dict[str, Any]:
        """The status page's words on the sound, once they are these."""
        told: dict[str, Any] = {}
        try:
            async with asyncio.timeout(PATIENCE_S), httpx.AsyncClient() as client:
                while True:
                    try:
                        answer = await client.get(f"http://127.0.0.1:{self.port}/status.json")
                        told = answer.json()["sound"]
                        if all(told[key] == value for key, value in wanted.items()):
                            return told
                    except httpx.HTTPError:
                        pass
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"{told}\n{self.log.read_text()}") from None
