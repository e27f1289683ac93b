"""A room with two network cameras in a network of its own, and what can go wrong with it.

cameras → `tongke room` → server → an observer: the first two stand in the room's network namespace,
whose cable can be pulled. What is measured is the way back: from the moment at which the cause is
gone (the plug is in again, the server ready, the process dead) until the observer has decoded a
picture of each camera that was taken afterwards. Nobody touches anything but the cause: the agent
is started again by what stands for its service (`Restart=always`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from random import Random

from server.service.room_unit import RESTART_S
from server.simulate.identity import COUNTER_RANGE, counter_step
from server.simulate.seat import SimulatedSeat
from tests.browser.county import ROOMS, County
from tests.browser.room_network import RoomNetwork, room_network
from tests.browser.server_process import ServerProcess
from tests.lesson_watcher import watching
from tests.network_camera import CameraModel, NetworkCamera
from tests.room_machine import PROFILE_NAME, PROGRAM, keep_profile, room_options

PASSWORD = "s3cret-geheim"
MODEL = CameraModel(password=PASSWORD, gop=30, profile="main")
CAMERAS = {"students": 9, "teacher": 10}  # what each shows, to be told from the other
CUT_S = 10.0  # longer than the protocol's patience (7 s), shorter than ICE's consent (30 s)
_PATIENCE_S = 30.0  # a way back that takes longer is none
_UNPLUGGED_S = 4.0  # longer than the agent's watch-dog
_PROFILE = """
inherits = "standard"
title_zh = "山河"
title_en = "Shanhe"
[send.delivery]
room = ["students", "teacher"]
"""
_SOURCE = """
[sources.{source}]
width = 320
height = 240
frame_rate = 15
layers = [{{ rid = "f", scale_down_by = 1, max_bitrate_bps = 1_000_000, max_frame_rate = 15 }}]
[sources.{source}.camera]
user = "admin"
password = "front"
streams = [{{ rid = "f", url = "{url}" }}]
"""


class Fault(Enum):
    """What happens to the room."""

    AGENT_KILLED = "the agent is killed"
    CAMERA_UNPLUGGED = "a camera is unplugged, and plugged in again"
    SERVER_RESTARTED = "the server is killed, and started again"
    NETWORK_CUT = f"the network is cut for {CUT_S:.0f} s"


@dataclass(frozen=True, slots=True)
class Return:
    """One fault and the seconds that it took to be back; None when it was not."""

    fault: Fault
    back_s: float | None


class AgentService:
    """The agent, started again when it ends, as systemd does by the unit we install."""

    def __init__(self, command: list[str], log: Path) -> None:
        self._command, self._log = command, log
        self._stopped = False
        self._process: asyncio.subprocess.Process | None = None
        self.starts = 0

    async def run(self) -> None:
        with self._log.open("ab") as out:
            while not self._stopped:
                self._process = await asyncio.create_subprocess_exec(
                    *self._command, stdout=out, stderr=out
                )
                self.starts += 1
                await self._process.wait()
                if not self._stopped:
                    await asyncio.sleep(RESTART_S)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()

    async def stop(self) -> int:
        """Its exit code."""
        assert self._process is not None
        self._stopped = True
        self._process.terminate()
        return await self._process.wait()


class RoomScene:
    """`suffer` a fault; tells how long the way back was."""

    def __init__(
        self,
        server: ServerProcess,
        cameras: list[NetworkCamera],
        agent: AgentService,
        network: RoomNetwork,
        observer: SimulatedSeat,
    ) -> None:
        self._server, self._cameras, self._agent = server, cameras, agent
        self._network, self._observer = network, observer
        self._faults: dict[Fault, Callable[[Random], object]] = {
            Fault.AGENT_KILLED: lambda rng: self._agent.kill(),
            Fault.CAMERA_UNPLUGGED: self._unplug,
            Fault.SERVER_RESTARTED: self._restart,
            Fault.NETWORK_CUT: self._cut,
        }

    async def suffer(self, fault: Fault, rng: Random) -> Return:
        # A picture that was under way when the cause went is none of those that count.
        await asyncio.to_thread(self._faults[fault], rng)
        gone_at = time.time()
        with suppress(TimeoutError):
            return Return(fault, await self._back(gone_at) - gone_at)
        return Return(fault, None)

    async def in_lesson(self) -> None:
        """Returns when both cameras are seen."""
        await self._back(time.time())

    async def _back(self, since: float) -> float:
        """When the observer first had, of every camera, a picture taken after `since`."""
        missing = set(CAMERAS.values())
        async with asyncio.timeout(_PATIENCE_S):
            while True:
                for seen in self._observer.seen.values():
                    counter = seen.last_counter
                    if counter is None or len(seen.identities) != 1:
                        continue
                    begin = int(since * MODEL.frame_rate) % COUNTER_RANGE
                    if counter_step(begin, counter) > 0:
                        missing -= seen.identities
                if not missing:
                    return time.time()
                await asyncio.sleep(0.02)

    def _unplug(self, rng: Random) -> None:
        camera = rng.choice(self._cameras)
        camera.kill()
        time.sleep(_UNPLUGGED_S)
        camera.start()

    def _restart(self, rng: Random) -> None:
        self._server.kill()
        self._server.start()

    def _cut(self, rng: Random) -> None:
        self._network.cut()
        time.sleep(CUT_S)
        self._network.join()


@asynccontextmanager
async def room_scene(folder: Path) -> AsyncIterator[RoomScene]:
    """A lesson in which the room's two cameras are seen. Needs root and GStreamer's RTSP server."""
    async with AsyncExitStack() as stack:
        network = stack.enter_context(room_network(4))
        inside = ("ip", "netns", "exec", network.name)
        cameras = [NetworkCamera(one, MODEL, inside=inside) for one in CAMERAS.values()]
        for camera in cameras:
            camera.start()
            stack.callback(camera.kill)
        server = ServerProcess(folder / "data", advertised=("127.0.0.1", network.host))
        sources = zip(CAMERAS, cameras, strict=True)
        parts = [_SOURCE.format(source=name, url=camera.url) for name, camera in sources]
        profiles = keep_profile(server.data_folder, _PROFILE + "".join(parts))
        stack.callback(server.stop)
        await asyncio.to_thread(server.start)
        county = await asyncio.to_thread(
            County.founded, server.origin, server.setup_key, PROFILE_NAME
        )
        stack.callback(county.teacher.close)
        agent = AgentService(
            [*inside, *_command(folder, profiles, network, server, county)],
            folder / "agent.log",
        )
        running = asyncio.create_task(agent.run())
        lesson_id = await asyncio.to_thread(county.lesson_now)
        try:
            async with watching(county, lesson_id) as observer:
                scene = RoomScene(server, cameras, agent, network, observer)
                await scene.in_lesson()
                yield scene
        finally:
            code = await agent.stop()
            await running
            assert code == 0
        assert PASSWORD not in (folder / "agent.log").read_text()


def _command(
    folder: Path, profiles: Path, network: RoomNetwork, server: ServerProcess, county: County
) -> list[str]:
    options = room_options(
        folder,
        profiles,
        server=f"https://{network.host}:{server.port}",
        credential=county.credentials[ROOMS[0]],
        password=PASSWORD,
    )
    return [
        PROGRAM,
        "room",
        *options,
        "--status-port",
        "0",
        "--state-folder",
        str(folder / "state"),
    ]
