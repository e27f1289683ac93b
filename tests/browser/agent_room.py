"""A county one of whose rooms is an agent with two RTSP cameras (and a microphone, where a test
gives it one), beside a page in kiosk mode.

The page is opened by the agent itself, in the Chromium that it finds on its way (`PATH`): a script
that starts Debian's without a window, with the room's microphone, and lets a test look in.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
from playwright.sync_api import Error as NotThere
from playwright.sync_api import Page, Playwright

from tests.browser.county import ROOMS, County
from tests.browser.fake_devices import FakeDevice
from tests.browser.screens import CHROMIUM, WAIT_S
from tests.browser.server_process import ServerProcess
from tests.network_camera import CameraModel, NetworkCamera
from tests.ports import free_port
from tests.room_machine import PROFILE_NAME, PROGRAM, keep_profile, room_options
from tests.sound_devices import SoundDevices

PASSWORD = "s3cret-geheim"
CAMERAS = {"students": 9, "teacher": 10}  # what each shows
_PROFILE = """
inherits = "standard"
title_zh = "山河"
title_en = "Shanhe"
[send.delivery]
room = {rooms}
"""
_SOURCE = """
[sources.{source}]
width = {width}
height = {height}
frame_rate = {rate}
layers = [{{ rid = "f", scale_down_by = 1, max_bitrate_bps = 2_000_000, max_frame_rate = {rate} }}]
[sources.{source}.camera]
user = "admin"
password = "front"
streams = [{{ rid = "f", url = "{url}" }}]
"""
# As it is: what cleans a voice would take a tone for noise.
_MICROPHONE = """
[sound]
echo_cancellation = false
noise_suppression = false
auto_gain_control = false
[sound.microphone]
device = "{device}"
"""
# Of these the agent's own are what is tested; of the rest headless and root are the machine's.
_BROWSER = """#!/bin/sh
exec {chromium} --headless=new --disable-gpu --remote-debugging-port={port} \\
    --use-fake-device-for-media-stream --use-file-for-fake-audio-capture={audio} "$@"
"""


@dataclass
class AgentRoom:
    """The room is `ROOMS[0]`; its `page` is the kiosk's."""

    server: ServerProcess
    county: County
    cameras: list[NetworkCamera]
    status_port: int
    debugging_port: int
    log: Path

    def status(self) -> dict[str, object]:
        """What the agent says of itself."""
        answer = httpx.get(f"http://127.0.0.1:{self.status_port}/status.json")
        return dict(answer.json())

    def sends(self) -> None:
        """Returns when every camera sends."""
        until = time.monotonic() + WAIT_S
        while time.monotonic() < until:
            with suppress(httpx.HTTPError):
                cameras = self.status()["cameras"]
                assert isinstance(cameras, list)
                if all(one["state"] == "sends" for one in cameras):
                    return
            time.sleep(0.1)
        raise AssertionError(self.log.read_text()[-2000:])

    def kiosk_page(self, playwright: Playwright) -> Page:
        """The page that the agent has opened."""
        until = time.monotonic() + WAIT_S
        while True:
            try:
                browser = playwright.chromium.connect_over_cdp(
                    f"http://127.0.0.1:{self.debugging_port}"
                )
                for page in browser.contexts[0].pages:
                    if page.url.endswith("/room"):
                        return page
                browser.close()
            except NotThere:
                pass
            assert time.monotonic() < until, self.log.read_text()[-2000:]
            time.sleep(0.2)


@contextmanager
def agent_room(
    folder: Path,
    model: CameraModel,
    *,
    microphone: FakeDevice | None = None,
    cameras: Sequence[str] = tuple(CAMERAS),
    devices: SoundDevices | None = None,
) -> Iterator[AgentRoom]:
    """With a `microphone`, which is the page's, the agent opens the page; without, there are the
    cameras alone. `devices` are the agent's own.
    """
    with ExitStack() as stack:
        networked = [NetworkCamera(CAMERAS[source], model) for source in cameras]
        for camera in networked:
            camera.start()
            stack.callback(camera.kill)
        server = ServerProcess(folder / "data")
        profile = _PROFILE.format(rooms=json.dumps(list(cameras)))
        parts = [
            _SOURCE.format(
                source=source,
                url=camera.url,
                width=model.width,
                height=model.height,
                rate=model.frame_rate,
            )
            for source, camera in zip(cameras, networked, strict=True)
        ]
        if devices is not None:
            parts.append(_MICROPHONE.format(device=devices.microphone))
        profiles = keep_profile(server.data_folder, profile + "".join(parts))
        stack.callback(server.stop)
        server.start()
        county = County.founded(server.origin, server.setup_key, PROFILE_NAME)
        stack.callback(county.teacher.close)
        room = AgentRoom(server, county, networked, free_port(), free_port(), folder / "agent.log")
        options = room_options(
            folder,
            profiles,
            server=server.origin,
            credential=county.credentials[ROOMS[0]],
            password=PASSWORD,
        )
        command = [PROGRAM, "room", *options, "--status-port", str(room.status_port)]
        command += ["--state-folder", str(folder / "state")]
        environment = dict(os.environ)
        if devices is not None:
            environment["ALSA_CONFIG_PATH"] = devices.settings
        if microphone is not None:
            command += ["--kiosk", *(["--kiosk-as-root"] if os.geteuid() == 0 else [])]
            environment |= _with_browser(folder, room.debugging_port, microphone)
        with room.log.open("wb") as out:
            agent = subprocess.Popen(command, stdout=out, stderr=out, env=environment)
        try:
            yield room
        finally:
            agent.terminate()
            code = agent.wait(20)
        assert code == 0
        assert PASSWORD not in room.log.read_text()


def _with_browser(folder: Path, port: int, microphone: FakeDevice) -> dict[str, str]:
    programs = folder / "bin"
    programs.mkdir()
    browser = programs / "google-chrome"  # the first name that is looked for
    browser.write_text(_BROWSER.format(chromium=CHROMIUM, port=port, audio=microphone.audio))
    browser.chmod(0o700)
    return {"PATH": f"{programs}:{os.environ['PATH']}", "DISPLAY": ":0"}
