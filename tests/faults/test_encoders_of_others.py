"""Encoders of others in a lesson: a real encoder → server → a second client that decodes.

By RTMP and SRT from FFmpeg and GStreamer; by RTSP from a camera that the server asks.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.browser.county import ADMINISTRATOR, ROOMS, County, client, post
from tests.browser.server_process import ServerProcess
from tests.lesson_watcher import PATIENCE_S, hears, shows, shows_live, watching
from tests.network_camera import CameraModel, NetworkCamera, need_cameras
from tests.ports import free_port
from tests.real_encoders import ffmpeg, gstreamer, need_encoders, sending, sending_again, voice_file

MARK, OTHER = 5, 6
PASSWORD = "s3cret-geheim"
ROOM = ROOMS[0]


class Office:
    """The school's IT at the admin page's interface."""

    def __init__(self, server: ServerProcess, county: County) -> None:
        self.server = server
        self.county = county
        self.admin = client(server.origin)
        post(self.admin, "/api/session", **ADMINISTRATOR)
        self.path = f"/api/classrooms/{county.room_ids[ROOM]}/source_keys"
        self.secrets: set[str] = set()

    def key(self, way: str, source: str = "board", **more: Any) -> dict[str, Any]:
        made = post(self.admin, self.path, label=f"by {way}", source=source, way=way, **more)
        if made["secret"]:
            self.secrets.add(made["secret"])
        return made

    def revoke(self, key: dict[str, Any]) -> None:
        self.admin.delete(f"/api/source_keys/{key['id']}").raise_for_status()

    def told(self, key: dict[str, Any]) -> dict[str, Any]:
        listed = self.admin.get(self.path).json()
        return dict(next(one for one in listed if one["id"] == key["id"]))

    async def until(self, key: dict[str, Any], **is_so: Any) -> dict[str, Any]:
        """What is told of it once it is so."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                told = await asyncio.to_thread(self.told, key)
                if all(told[name] == value for name, value in is_so.items()):
                    return told
                await asyncio.sleep(0.1)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    need_encoders()
    server = ServerProcess(
        tmp_path / "data",
        settings={
            "TONGKE_RTMP_PORT": str(free_port()),
            "TONGKE_RTMPS_PORT": str(free_port()),
            "TONGKE_SRT_PORT": str(free_port()),
            "TONGKE_LOG_LEVEL": "debug",
        },
    )
    server.start()
    county = County.founded(server.origin, server.setup_key, "recording-room")
    office = Office(server, county)
    yield office
    office.admin.close()
    county.teacher.close()
    assert server.stop() == 0
    log = server.log.read_text()
    assert office.secrets
    for secret in office.secrets | {PASSWORD}:
        assert secret not in log and secret[4:20] not in log


def rtmp(key: dict[str, Any]) -> str:
    return f"{key['address']}/{key['secret']}"


def srt(key: dict[str, Any]) -> str:
    return f"{key['address']}?mode=caller&pbkeylen=16&passphrase={key['secret']}"


async def test_by_rtmp_started_before_the_lesson_and_back_by_itself(
    office: Office, tmp_path: Path
) -> None:
    key = office.key("rtmp")
    assert (key["sends"], key["in_lesson"], key["fault"]) == (False, False, None)
    voice = voice_file(tmp_path, MARK)
    with sending(ffmpeg(rtmp(key), "flv", voice), MARK):
        await office.until(key, sends=True, in_lesson=False)
        lesson_id = await asyncio.to_thread(lambda: office.county.lesson_now(mode="research"))
        async with watching(office.county, lesson_id) as observer:
            seen = await shows(observer, MARK)
            assert (seen.source, seen.unreadable) == ("board", 0)
            heard = await hears(observer, MARK)
            assert heard.source == "room" and heard.seat_id == seen.seat_id
            # The same key from another encoder meanwhile changes nothing.
            with sending(ffmpeg(rtmp(key), "flv", None), OTHER) as second:
                assert await asyncio.to_thread(second.wait, PATIENCE_S)
            await shows_live(observer, MARK)
    await office.until(key, sends=False, in_lesson=False)
    # Another make, under the same key, in the same lesson; then the key is taken back.
    async with watching(office.county, lesson_id) as observer:
        sink = f"rtmp2sink location={rtmp(key)}"
        command = gstreamer("", "flvmux streamable=true", sink, voice)
        with sending(command, OTHER) as box:
            await shows(observer, OTHER)
            await hears(observer, MARK)
            office.revoke(key)
            assert await asyncio.to_thread(box.wait, PATIENCE_S) is not None


async def test_by_srt_with_the_passphrase_alone(office: Office, tmp_path: Path) -> None:
    key = office.key("srt")
    lesson_id = await asyncio.to_thread(lambda: office.county.lesson_now(mode="research"))
    async with watching(office.county, lesson_id) as observer:
        wrong = {**key, "secret": "another-passphrase-than-that"}
        with sending(ffmpeg(srt(wrong), "mpegts", None), OTHER) as stranger:
            assert await asyncio.to_thread(stranger.wait, PATIENCE_S) != 0
        sink = f"srtsink uri={srt(key)}"
        with sending(
            gstreamer("", "mpegtsmux alignment=7", sink, voice_file(tmp_path, MARK)), MARK
        ):
            seen = await shows(observer, MARK)
            assert seen.source == "board"
            await hears(observer, MARK)
            assert (await office.until(key, in_lesson=True))["fault"] is None
        await office.until(key, sends=False, in_lesson=False)
        with sending_again(ffmpeg(srt(key), "mpegts", None), OTHER):
            await shows(observer, OTHER)
            # A server that is killed and started again listens again.
            office.server.kill()
            await asyncio.to_thread(office.server.start)
            observer.seen.clear()
            await shows(observer, OTHER)


async def test_a_camera_that_the_server_asks_while_there_is_a_lesson(office: Office) -> None:
    need_cameras()
    camera = NetworkCamera(MARK, CameraModel(password=PASSWORD, gop=60, profile="high"))
    camera.start()
    try:
        wrong = {"camera_url": camera.url, "camera_user": "admin", "camera_password": "wrong"}
        key = office.key("rtsp", **wrong)
        assert (key["secret"], key["address"]) == ("", "")
        lesson_id = await asyncio.to_thread(office.county.lesson_now)
        told = (await office.until(key, in_lesson=True, sends=False))["fault"]
        while told is None:
            told = (await office.until(key, in_lesson=True))["fault"]
        assert "password" in told["message_en"] and "密码" in told["message_zh"]
        office.revoke(key)
        key = office.key("rtsp", **{**wrong, "camera_password": PASSWORD})
        office.secrets.add(PASSWORD)
        async with watching(office.county, lesson_id) as observer:
            seen = await shows(observer, MARK)
            assert (seen.source, seen.unreadable) == ("board", 0)
            camera.kill()
            await office.until(key, sends=False)
            camera.start()
            await shows(observer, MARK)
            office.revoke(key)
    finally:
        camera.kill()


async def test_who_comes_in_the_middle_of_a_minute_long_group_sees_it_at_once(
    office: Office,
) -> None:
    """A camera answers no request for a keyframe: its last group is played to whoever comes."""
    need_cameras()
    model = CameraModel(gop=900)  # a keyframe a minute
    camera = NetworkCamera(MARK, model)
    camera.start()
    try:
        key = office.key("rtsp", camera_url=camera.url)
        office.secrets.add(f"{camera.port}/main")
        lesson_id = await asyncio.to_thread(office.county.lesson_now)
        async with watching(office.county, lesson_id) as first:
            await shows(first, MARK)
            await office.until(key, in_lesson=True, sends=True, fault=None)
            async with watching(office.county, lesson_id) as second:
                loop = asyncio.get_running_loop()
                async with asyncio.timeout(PATIENCE_S):
                    while not second.seen:  # noqa: ASYNC110 - has no event
                        await asyncio.sleep(0.01)
                    began = loop.time()
                    while not any(one.frames for one in second.seen.values()):  # noqa: ASYNC110 - nor
                        await asyncio.sleep(0.01)
                took_s = loop.time() - began
                print(f"first picture after {took_s:.2f} s")
                # Half a second is asked; a machine that does other things besides takes longer, and
                # the camera's own next keyframe is most of a minute away.
                assert took_s < 5.0
                await shows(second, MARK)
                # The group is not what the picture takes of a line: nobody else's is too thin now.
                live = office.admin.get(f"/api/lessons/{lesson_id}/stats").json()
                rates = [
                    layer["bitrate_bps"]
                    for seat in live["seats"]
                    for device in seat["devices"]
                    for producer in device["sends"]
                    for layer in producer["layers"]
                ]
                assert 0 < max(rates) < 2_000 * model.kbps, live
    finally:
        camera.kill()


async def test_a_cameras_small_stream_stands_in_for_its_large_one(office: Office) -> None:
    """Main and sub stream are layers of one source: one producer, and either is enough."""
    need_cameras()
    large = NetworkCamera(MARK, CameraModel(gop=30, width=640, height=480))
    small = NetworkCamera(MARK, CameraModel(gop=30))
    for camera in (large, small):
        camera.start()
    try:
        key = office.key("rtsp", camera_url=large.url, camera_sub_url=small.url)
        office.secrets.add(f"{large.port}/main")
        lesson_id = await asyncio.to_thread(office.county.lesson_now)
        async with watching(office.county, lesson_id) as observer:
            await shows(observer, MARK)
            await office.until(key, in_lesson=True, sends=True, fault=None)
            live = office.admin.get(f"/api/lessons/{lesson_id}/stats").json()
            layers = [
                len(producer["layers"])
                for seat in live["seats"]
                for device in seat["devices"]
                for producer in device["sends"]
            ]
            assert 2 in layers, live
            large.kill()
            fault = None
            while fault is None:
                fault = (await office.until(key, in_lesson=True, sends=True))["fault"]
            await shows(observer, MARK)
    finally:
        for camera in (large, small):
            camera.kill()


async def test_strangers_and_half_open_connections_cost_the_others_nothing(office: Office) -> None:
    key = office.key("rtmp")
    port = int(httpx.URL(key["address"]).port or 0)
    lesson_id = await asyncio.to_thread(lambda: office.county.lesson_now(mode="research"))
    bad = [b"GET / HTTP/1.1\r\n\r\n", b"\x03" + bytes(1535), b"\x16\x03\x01" + bytes(600), b"\x03"]
    knocking = [socket.create_connection(("127.0.0.1", port)) for _ in range(6)]
    try:
        for number, one in enumerate(knocking):
            one.sendall(bad[number % len(bad)])
        with sending(ffmpeg(rtmp({**key, "secret": "tks_wrong"}), "flv", None), OTHER) as stranger:
            assert await asyncio.to_thread(stranger.wait, PATIENCE_S) != 0
        async with watching(office.county, lesson_id) as observer:
            with sending(ffmpeg(rtmp(key), "flv", None), MARK):
                await shows(observer, MARK)
        for one in knocking:  # each is ended by us, the half open ones too
            one.settimeout(PATIENCE_S)
            while await asyncio.to_thread(one.recv, 4096):
                pass
    finally:
        for one in knocking:
            one.close()


async def test_what_is_no_h264_is_told(office: Office) -> None:
    key = office.key("srt")
    codec = ["-c:v", "mpeg2video"]
    with sending(ffmpeg(srt(key), "mpegts", None, codec=codec), MARK):
        fault = None
        async with asyncio.timeout(PATIENCE_S):
            while fault is None:
                fault = (await asyncio.to_thread(office.told, key))["fault"]
                await asyncio.sleep(0.1)
    assert "H.264" in fault["message_en"] and "H.264" in fault["message_zh"]


X265 = ["-c:v", "libx265", "-preset", "ultrafast", "-tune", "zerolatency"]
B_FRAMES = ["-c:v", "libx264", "-preset", "ultrafast", "-profile:v", "main", "-bf", "2"]


@pytest.mark.parametrize(
    ("way", "codec", "says"),
    [
        ("srt", [*X265, "-x265-params", "log-level=none"], "H.265"),
        ("rtmps", B_FRAMES, "B-frames"),
    ],
)
async def test_what_browsers_do_not_play_is_encoded_again_and_its_price_is_told(
    office: Office, way: str, codec: list[str], says: str
) -> None:
    """The one by SRT, the other by RTMPS."""
    key = office.key(way.removesuffix("s"))
    secure = f"{key['secure_address']}/{key['secret']}"
    address, form = (srt(key), "mpegts") if way == "srt" else (secure, "flv")
    assert way == "srt" or address.startswith("rtmps://")
    lesson_id = await asyncio.to_thread(lambda: office.county.lesson_now(mode="research"))
    async with watching(office.county, lesson_id) as observer:
        with sending(ffmpeg(address, form, None, codec=codec), MARK):
            seen = await shows(observer, MARK)
            assert seen.source == "board"
            told = await office.until(key, in_lesson=True)
            while "core" not in (told["notice"] or {}).get("message_en", ""):
                told = await office.until(key, in_lesson=True, fault=None)
                await asyncio.sleep(0.1)
            assert (
                says in told["notice"]["message_en"] and "重新编码" in told["notice"]["message_zh"]
            )
    told = await office.until(key, sends=False, in_lesson=False)
    assert told["notice"] is None and told["fault"] is None
