"""The agent without a network: which cameras it takes, and what its status page tells to whom."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from random import Random

import pytest

from hardware_profiles.errors import ProfileError
from hardware_profiles.loader import load_room_profile
from hardware_profiles.room_agent.agent import RoomAgent
from hardware_profiles.room_agent.camera import CameraFeed, StreamState
from hardware_profiles.room_agent.kiosk import Kiosk, KioskState
from hardware_profiles.room_agent.room_tokens import TimetabledTokens
from hardware_profiles.room_agent.sources.rtsp.errors import LoginRefused
from hardware_profiles.room_agent.status_page import response, serve_status
from hardware_profiles.room_agent.timetable import READY_BEFORE_S
from hardware_profiles.room_agent.timetable_file import TimetableFile, steady
from mixer.rtp.sequence import ntp_from_unix_ns
from signaling.client.address import ServerAddress
from signaling.client.device import Phase
from signaling.client.token_providers import OneToken, RoomTokens, TokenProvider

SECRET = "s3cret-geheim"
CAMERAS = """
inherits = "recording-room"
title_en = "Shanhe"
[sources.teacher.camera]
user = "admin"
password = "front"
streams = [{ rid = "f", url = "rtsp://10.0.0.5/main" }, { rid = "q", url = "rtsp://10.0.0.5/sub" }]
[sources.board.camera]
streams = [{ rid = "f", url = "rtsp://10.0.0.6/board" }]
"""


def made(
    folder: Path, text: str, passwords: dict[str, str], tokens: TokenProvider | None = None
) -> RoomAgent:
    (folder / "rooms").mkdir()
    (folder / "rooms" / "shanhe.toml").write_text(text, encoding="utf-8")
    return RoomAgent(
        ServerAddress.parse("https://tongke.example"),
        tokens or OneToken("t"),
        load_room_profile("shanhe", [folder]),
        passwords,
        rng=Random(1),
        say=lambda _: None,
    )


@pytest.fixture
def agent(tmp_path: Path) -> RoomAgent:
    return made(tmp_path, CAMERAS, {"front": SECRET})


def test_it_takes_the_profiles_cameras_the_smallest_layer_first(agent: RoomAgent) -> None:
    found = {camera.source.value: list(camera.streams) for camera in agent.cameras}
    assert found == {"teacher": ["q", "f"], "board": ["f"]}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (CAMERAS, "has no 'front'"),
        ('inherits = "standard"\n', "has no camera"),
    ],
)
def test_what_keeps_it_from_starting(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ProfileError, match=says) as caught:
        made(tmp_path, text, {})
    assert caught.value.message_zh != caught.value.message_en


def asked(agent: RoomAgent, path: str = "/", host: str = "127.0.0.1:7889", how: str = "GET") -> str:
    request = f"{how} {path} HTTP/1.1\r\nHost: {host}\r\n\r\n"
    return response(agent, request.encode(), now=1e10).decode()


def test_the_page_tells_in_both_languages_and_no_secrets(agent: RoomAgent) -> None:
    stream = agent.cameras[0].streams["f"]
    stream.state, stream.trouble = StreamState.LOST, LoginRefused(given=True)
    page = asked(agent)
    for words in ("waiting for a lesson", "等待上课", "教师", "teacher"):
        assert words in page
    assert "refuses its user or password" in page and "拒绝了用户名或密码" in page
    told = json.loads(asked(agent, "/status.json").partition("\r\n\r\n")[2])
    assert [camera["layer"] for camera in told["cameras"]] == ["q", "f", "f"]
    assert told["cameras"][1]["state"] == "lost"
    for text in (page, json.dumps(told)):
        assert SECRET not in text and "10.0.0.5" not in text and "admin" not in text


def test_a_line_that_is_too_thin_is_told_from_what_nobody_needs(agent: RoomAgent) -> None:
    stream = agent.cameras[0].streams["f"]
    stream.state = StreamState.SENDS
    assert "nobody needs it now" in asked(agent) and "没有人需要" in asked(agent)
    stream.held_back = True
    page = asked(agent)
    assert "too thin" in page and "线路太窄" in page and "nobody needs it now" not in page


def test_it_says_how_well_each_picture_is_in_step(agent: RoomAgent) -> None:
    camera = agent.cameras[0]
    stream = camera.streams["f"]
    assert "in step" not in asked(agent)  # nothing comes
    stream.state = StreamState.SENDS
    assert "in step" not in asked(agent)  # nobody needs it
    stream.listen(lambda *_: None)
    page = asked(agent)
    assert "give or take a picture and the network" in page and "误差约一帧加网络抖动" in page
    camera.from_network = False
    page = asked(agent)
    assert "by when this machine got it" in page and "按本机收到的时间对齐" in page
    now = time.time()
    stream.path.clock.sent(90_000, 0.0)
    stream.path.clock.report(ntp_from_unix_ns(round(now * 1e9)), 90_000, 0.0, now)
    page = asked(agent)
    assert "within 40 ms" in page and "误差 40 毫秒以内" in page and "give or take" not in page


def test_a_server_that_is_away_is_no_room_that_waits_for_a_lesson(agent: RoomAgent) -> None:
    agent.device.server_away = True
    page = asked(agent)
    assert "the server cannot be reached" in page and "连不上服务器" in page
    assert "waiting for a lesson" not in page
    agent.device.phase = Phase.IN_LESSON  # a line lost and found again is said by what follows
    assert "in the lesson" in asked(agent)


@pytest.mark.parametrize(
    ("path", "host", "how", "status"),
    [
        ("/", "localhost:7889", "GET", "200"),
        ("/", "[::1]:7889", "GET", "200"),
        ("/", "127.0.0.1", "GET", "200"),
        ("/", "evil.example", "GET", "403"),
        ("/", "evil.example:7889", "GET", "403"),
        ("/", "127.0.0.1.evil.example:7889", "GET", "403"),
        ("/", "192.168.1.20:7889", "GET", "403"),
        ("/", "localhost:7889\r\nHost: evil.example", "GET", "403"),
        ("/other", "localhost", "GET", "404"),
        ("/", "localhost", "POST", "405"),
    ],
)
def test_it_answers_this_machine_alone(
    agent: RoomAgent, path: str, host: str, how: str, status: str
) -> None:
    assert asked(agent, path, host, how).split(" ")[1] == status


def test_a_request_without_a_host_is_nobodys(agent: RoomAgent) -> None:
    assert b"403" in response(agent, b"GET / HTTP/1.0\r\n\r\n", now=0.0)
    assert b"403" in response(agent, b"\xff\r\n\r\n", now=0.0)


@pytest.fixture
def timed(tmp_path: Path) -> tuple[RoomAgent, TimetabledTokens]:
    """An agent that knows its timetable, and its tokens."""
    room = RoomTokens(ServerAddress.parse("https://tongke.example"), "secret")
    tokens = TimetabledTokens(room, TimetableFile(None, lambda _: None))
    return made(tmp_path, CAMERAS, {"front": SECRET}, tokens), tokens


def lesson(tokens: TimetabledTokens, in_s: float, *, now: float = 1e10, **more: object) -> None:
    """The server says that a lesson begins in so many seconds."""
    told = {"id": "l", "title": "分数 <b>", "starts_at": now + in_s}
    tokens.take({"server_time": now, "lessons": [told], **more}, steady())


def test_it_says_when_the_next_lesson_is(timed: tuple[RoomAgent, TimetabledTokens]) -> None:
    agent, tokens = timed
    assert json.loads(asked(agent, "/status.json").partition("\r\n\r\n")[2])["next"] is None
    lesson(tokens, 3_600)
    page = asked(agent)
    assert "下一节课" in page and "next lesson: “分数 &lt;b&gt;” at " in page
    agent.device.server_away = True
    lesson(tokens, -60)
    page = asked(agent)
    assert "服务器一恢复就进入课堂" in page and "joined as soon as the server is there" in page
    agent.device.phase = Phase.IN_LESSON
    assert "should have begun" not in asked(agent)


def test_it_says_how_far_the_clock_is_off(timed: tuple[RoomAgent, TimetabledTokens]) -> None:
    agent, tokens = timed
    lesson(tokens, 60)
    assert "clock" not in asked(agent)
    lesson(tokens, 60, now=1e10 - 3_600)  # what the page is asked at is an hour more
    page = asked(agent)
    assert "3600 s ahead of the server" in page and "本机时钟比服务器快 3600 秒" in page


def test_it_says_that_the_credential_is_on_another_machine(
    timed: tuple[RoomAgent, TimetabledTokens],
) -> None:
    agent, tokens = timed
    lesson(tokens, 60, copied={"message_zh": "另一台机器", "message_en": "another <machine>"})
    page = asked(agent)
    assert "另一台机器" in page and "another &lt;machine&gt;" in page
    lesson(tokens, 60)
    assert "another" not in asked(agent)


@pytest.mark.parametrize("state", KioskState)
def test_it_says_how_the_rooms_page_is(agent: RoomAgent, state: KioskState) -> None:
    before = asked(agent)
    agent.kiosk = Kiosk((), state, say=print)
    assert asked(agent) != before
    told = json.loads(asked(agent, "/status.json").partition("\r\n\r\n")[2])
    assert (told["page"], told["page_ended"]) == (state.value, 0)


async def test_its_cameras_are_asked_before_the_bell_though_the_server_is_away(
    timed: tuple[RoomAgent, TimetabledTokens], monkeypatch: pytest.MonkeyPatch
) -> None:
    agent, tokens = timed
    started: list[CameraFeed] = []

    def start(feed: CameraFeed) -> None:
        started.append(feed)

    monkeypatch.setattr(CameraFeed, "start", start)
    rounds = asyncio.Semaphore(0)

    async def looked(_: float) -> None:
        rounds.release()
        await asyncio.Event().wait()

    monkeypatch.setattr("hardware_profiles.room_agent.agent.asyncio.sleep", looked)
    for in_s, asked_for in ((READY_BEFORE_S + 60, 0), (READY_BEFORE_S - 1, 3), (-60, 3)):
        started.clear()
        lesson(tokens, in_s)
        tending = asyncio.create_task(agent._tend())
        async with asyncio.timeout(10):
            await rounds.acquire()
        tending.cancel()
        await asyncio.gather(tending, return_exceptions=True)
        assert len(started) == asked_for


@pytest.mark.parametrize(("cookies", "answer"), [(20_000, b"200 OK"), (100_000, b"431 ")])
async def test_a_browser_with_many_cookies_is_answered(
    agent: RoomAgent, cookies: int, answer: bytes
) -> None:
    """Those of every program on this machine's localhost come along."""
    server = await serve_status(agent, 0)
    port = server.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: " + b"a" * cookies)
        writer.write(b"\r\n\r\n")
        async with asyncio.timeout(20):
            first = await reader.readline()
        assert answer in first
    finally:
        writer.close()
        server.close()
