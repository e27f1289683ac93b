"""The agent's sound over its child: a real child with devices that are files; and its status."""

from __future__ import annotations

import asyncio
import html
import itertools
import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from hardware_profiles.errors import ProfileError
from hardware_profiles.loader import load_room_profile
from hardware_profiles.room_agent.agent import RoomAgent
from hardware_profiles.room_agent.camera import StreamState
from hardware_profiles.room_agent.sound import SentSound, SoundFeed, SoundSetup
from hardware_profiles.room_agent.sources.errors import SoundFailed
from hardware_profiles.room_agent.sources.rtsp.description import CameraTrack
from hardware_profiles.room_agent.status_page import response
from mixer.rtp.opus import OpusPacket
from mixer.rtp.packet import RtpPacket
from signaling.client.address import ServerAddress
from signaling.client.token_providers import OneToken
from tests.sound_devices import SoundDevices, tone

PATIENCE_S = 60.0


def setup(device: str | None = "testmic") -> SoundSetup:
    return SoundSetup(device, None, 40_000, echo=False, noise=False, gain=False)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110 - what is looked at tells nobody
            await asyncio.sleep(0.05)


@pytest.fixture
def devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoundDevices]:
    devices = SoundDevices(tmp_path)
    monkeypatch.setenv("ALSA_CONFIG_PATH", devices.settings)
    devices.plug_in(tone(700))
    yield devices
    devices.close()


async def test_packets_are_opus_of_20_ms_one_after_the_other_over_a_killed_child(
    devices: SoundDevices,
) -> None:
    feed = SoundFeed(setup(), first_timestamp=0xFFFF_FF00)
    came: list[SentSound] = []
    feed.listen(came.append)
    feed.start()
    try:
        await until(lambda: len(came) > 20)
        before = came[-1]
        assert feed._child is not None and feed._child._process is not None
        os.kill(feed._child._process.pid, signal.SIGKILL)
        await until(lambda: feed.state is StreamState.LOST)
        count = len(came)
        await until(lambda: len(came) > count + 20)
    finally:
        await feed.stop()
    assert {OpusPacket.parse(one.payload).samples for one in came} == {960}
    assert came[-1].level == pytest.approx(13, abs=2)
    step = came[count].timestamp - before.timestamp & 0xFFFF_FFFF
    assert 0 < step < PATIENCE_S * 48_000  # it went on by what had passed
    assert feed.state is StreamState.RESTS


async def test_a_camera_without_a_sound_is_told_and_one_with_it_is_heard() -> None:
    feed = SoundFeed(setup(None), first_timestamp=5)
    assert feed.camera is not None
    came: list[SentSound] = []
    feed.listen(came.append)
    feed.start()
    try:
        await until(lambda: isinstance(feed.trouble, SoundFailed))
        assert feed.trouble is not None and feed.trouble.word == "camera"
        feed.camera.begins(CameraTrack("audio", 8, "PCMA", 8_000, ""))
        loop, number = asyncio.get_running_loop(), 0
        async with asyncio.timeout(PATIENCE_S):
            while len(came) < 20:
                data = RtpPacket(8, number & 0xFFFF, number * 160, 7, payload=b"\xd5" * 160)
                assert feed.camera.packet(data.serialize(), loop.time(), control=False)
                number += 1
                await asyncio.sleep(0.02)
        assert feed.state is StreamState.SENDS
    finally:
        await feed.stop()
    steps = {b.timestamp - a.timestamp for a, b in itertools.pairwise(came)}
    assert steps == {960}


# --- what the agent makes of a profile, and its status page ---------------------------------------

MICROPHONE = 'inherits = "recording-room"\n[sound.microphone]\ndevice = "Yeti"\n'


def agent(folder: Path, text: str) -> RoomAgent:
    (folder / "rooms").mkdir(parents=True)
    (folder / "rooms" / "shanhe.toml").write_text(text, encoding="utf-8")
    return RoomAgent(
        ServerAddress.parse("https://tongke.example"),
        OneToken("t"),
        load_room_profile("shanhe", [folder]),
        {},
        rng=Random(1),
        say=lambda _: None,
    )


def asked(one: RoomAgent, path: str = "/") -> str:
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"
    return response(one, request.encode(), now=1e10).decode()


def test_a_room_may_have_a_microphone_alone(tmp_path: Path) -> None:
    one = agent(tmp_path, MICROPHONE)
    assert one.sound is not None and not one.cameras and not one.sound.plays


def test_without_echo_cancellation_it_is_said_before_the_lesson(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hardware_profiles.room_agent.agent.find_spec", lambda _: None)
    assert agent(tmp_path / "a", MICROPHONE).sound is not None  # the room's processor does it
    plays = MICROPHONE.replace("recording-room", "standard") + "[sound.loudspeaker]\n"
    with pytest.raises(ProfileError, match="pip install pywebrtc-audio"):
        agent(tmp_path / "b", plays)


def test_without_microphone_and_camera_there_is_nothing_to_do(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="no camera"):
        agent(tmp_path, 'inherits = "recording-room"\n')


@pytest.mark.parametrize(
    ("fault", "english", "chinese"),
    [
        ("nothing", "the microphone gives nothing", "麦克风没有任何声音"),
        ("clipped", "too loud and distorts", "声音过大而失真"),
        ("rate", "gives 44100 samples a second", "每秒给出 44100 个采样"),
    ],
)
def test_the_page_says_what_the_microphone_does_wrong(
    tmp_path: Path, fault: str, english: str, chinese: str
) -> None:
    one = agent(tmp_path, MICROPHONE)
    assert one.sound is not None
    one.sound.state, one.sound.fault, one.sound.rate = StreamState.SENDS, fault, 44_100
    page = asked(one)
    assert english in page and chinese in page
    told = json.loads(asked(one, "/status.json").partition("\r\n\r\n")[2])["sound"]
    assert told["fault"] == fault and told["in_step"] == "by_arrival"


@pytest.mark.parametrize(
    "word",
    ["missing", "ambiguous", "busy", "forbidden", "format", "hangs", "lost", "camera", "no-alsa",
     "no-opus", "no-processing"],
)  # fmt: skip
def test_every_trouble_says_in_both_languages_what_to_do(tmp_path: Path, word: str) -> None:
    one = agent(tmp_path, MICROPHONE)
    assert one.sound is not None
    trouble = SoundFailed(word)
    one.sound.state, one.sound.trouble = StreamState.LOST, trouble
    one.sound.speaker_trouble = trouble
    page = asked(one)
    assert "no microphone, asked for again and again" in page and "没有麦克风" in page
    assert page.count(html.escape(trouble.message_zh)) == 2
    assert trouble.message_en != trouble.message_zh


def test_the_page_says_when_the_rooms_page_has_the_sound(tmp_path: Path) -> None:
    one = agent(tmp_path, MICROPHONE)
    assert one.sound is not None
    one.sound.state, one.sound.carried = StreamState.SENDS, False
    page = asked(one)
    assert "page has the microphone" in page.replace("&#x27;", "'") and "教室网页采集" in page
