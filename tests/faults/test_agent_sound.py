"""A room whose sound the agent carries: microphone → `tongke room` → server → a second client, with
the room's page beside it. Each voice is read back by its own tone: another's cannot pass for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import numpy as np
import pytest

from server.simulate.behaviour import Habits, Talk
from server.simulate.identity import heard_tones
from server.simulate.seat import SimulatedSeat
from server.simulate.settings import Appearance, Receive, SeatSettings
from server.simulate.watch import StreamSeen, tone_of
from signaling.client.address import ServerAddress
from signaling.client.token_providers import RoomTokens
from tests.agent_room import AgentRoom, voice
from tests.browser.county import ROOMS
from tests.browser.server_process import ServerProcess
from tests.lesson_watcher import PATIENCE_S, hears, watching
from tests.sound_devices import RATE, SoundDevices

CEILING, PAGE, FAR = 3, 5, 7  # whose voices they are


@pytest.fixture
def devices(tmp_path: Path) -> Iterator[SoundDevices]:
    devices = SoundDevices(tmp_path)
    yield devices
    devices.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path / "data")
    server.start()
    yield server
    server.stop()


@asynccontextmanager
async def page_of(room: AgentRoom) -> AsyncIterator[SimulatedSeat]:
    """The room's page: a client that does as the protocol says of a seat's second device."""
    settings = SeatSettings(
        Appearance(identity=PAGE, pictures=0),
        Habits(hands=False, talk=Talk.ALWAYS),
        Receive.NOTHING,
    )
    address = ServerAddress.parse(room.county.origin, insecure=True)
    seat = SimulatedSeat(
        address,
        RoomTokens(address, room.credential),
        settings,
        rng=Random(2),
        say=lambda _: None,
    )
    task = asyncio.create_task(seat.run())
    try:
        yield seat
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_one_microphone_a_seat_whatever_happens_to_it(
    tmp_path: Path, server: ServerProcess, devices: SoundDevices
) -> None:
    devices.plug_in(voice(CEILING))
    room = await asyncio.to_thread(AgentRoom, tmp_path, server, devices)
    try:
        lesson_id = await asyncio.to_thread(room.county.lesson_now, mode="blended")
        async with watching(room.county, lesson_id) as observer, page_of(room):
            page = await hears(observer, PAGE)
            observer.seen.clear()
            room.start_agent()
            ceiling = await hears(observer, CEILING)
            told = await room.sound(state="sends", fault="")
            assert told["level_db"] > -40 and not told["plays"]
            # The page's microphone is off: its stream is no more, and nothing of it is heard.
            await _alone(observer, ceiling, CEILING, not_any_more=page)

            observer.seen.clear()
            devices.pull_out()
            await room.sound(state="lost", carried=False)
            page = await hears(observer, PAGE)
            await _alone(observer, page, PAGE, not_any_more=ceiling)

            observer.seen.clear()
            devices.plug_in(voice(CEILING))
            await room.sound(state="sends", carried=True)
            ceiling = await hears(observer, CEILING)
            await _alone(observer, ceiling, CEILING, not_any_more=page)
    finally:
        await asyncio.to_thread(room.end)
    said = room.log.read_text()
    assert "Microphone: it is there and gives nothing at all" in said
    assert "Microphone: it is back" in said


async def _alone(
    observer: SimulatedSeat, heard: StreamSeen, identity: int, *, not_any_more: StreamSeen
) -> None:
    """Of this room one microphone is heard, and another no more."""
    ended_s, began_s = not_any_more.sound_s, heard.sound_s
    async with asyncio.timeout(PATIENCE_S):
        while heard.sound_s < began_s + 2.0:  # noqa: ASYNC110 - what is heard tells nobody
            await asyncio.sleep(0.1)
    assert not_any_more.sound_s == ended_s
    assert heard.tones == {tone_of(identity)}
    assert len(observer.seen) == 1


async def test_the_agent_plays_the_others_and_tells_of_a_mute_microphone(
    tmp_path: Path, server: ServerProcess, devices: SoundDevices
) -> None:
    devices.plug_in(lambda first, count: np.zeros(count, np.float32))  # muted at its neck
    more = '[sound.loudspeaker]\ndevice = "testspeaker"\n'
    room = await asyncio.to_thread(AgentRoom, tmp_path, server, devices, more)
    try:
        await asyncio.to_thread(room.county.lesson_now, mode="blended")
        far = SimulatedSeat(
            address := ServerAddress.parse(room.county.origin, insecure=True),
            RoomTokens(address, room.county.credentials[ROOMS[1]]),
            SeatSettings(
                Appearance(identity=FAR, pictures=0),
                Habits(hands=False, talk=Talk.ALWAYS),
                Receive.NOTHING,
            ),
            rng=Random(3),
            say=lambda _: None,
        )
        speaking = asyncio.create_task(far.run())
        room.start_agent()
        told = await room.sound(state="sends", fault="nothing")
        assert told["plays"] and told["loudspeaker_en"] == ""
        async with asyncio.timeout(PATIENCE_S):
            while _played_tone(devices) != tone_of(FAR):  # noqa: ASYNC110 - a file tells nobody
                await asyncio.sleep(0.2)
        speaking.cancel()
        await asyncio.gather(speaking, return_exceptions=True)
    finally:
        await asyncio.to_thread(room.end)


def _played_tone(devices: SoundDevices) -> int | None:
    """Whose voice the loudspeaker has played in its last two seconds."""
    if not devices.played.exists():
        return None
    data = devices.played.read_bytes()
    last = data[max(0, len(data) - len(data) % 2 - 4 * RATE) : len(data) - len(data) % 2]
    found = heard_tones(np.frombuffer(last, "<i2") / 32768, RATE)
    return next(iter(found)) if len(found) == 1 else None
