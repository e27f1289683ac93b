"""Cameras set by ONVIF: two makes' manners, what they refuse, and XML that means harm."""

from __future__ import annotations

import asyncio
import base64
import socket
import threading
import time
from contextlib import suppress
from random import Random
from typing import Any

import pytest

from hardware_profiles.room_agent.camera import CameraFeed, StreamState
from hardware_profiles.room_agent.camera_setting import CameraSetting, SetStream
from hardware_profiles.room_agent.converting.target import Target
from hardware_profiles.room_agent.passing.fitness import Unfit
from hardware_profiles.room_agent.sources.onvif import post
from hardware_profiles.room_agent.sources.onvif.conversation import (
    SettingOutcome,
    StreamWish,
    conversation,
)
from hardware_profiles.room_agent.sources.onvif.envelope import envelope, password_digest
from hardware_profiles.room_agent.sources.onvif.errors import (
    NotOnvif,
    OnvifAway,
    OnvifError,
    OnvifRefused,
)
from hardware_profiles.room_agent.sources.onvif.media import same_stream
from hardware_profiles.room_agent.sources.onvif.post import OnvifAddress, OnvifCamera
from hardware_profiles.room_agent.sources.onvif.xml import MOST_BYTES, parse
from hardware_profiles.room_agent.sources.rtsp.authorization import Login
from signaling.client.sentences import Sentence
from tests.onvif_camera import PASSWORD, USER, EncoderSetting, FakeOnvif, Make
from tests.ports import free_port

MAIN = "rtsp://127.0.0.1:554/Streaming/Channels/101"
SUB = "rtsp://127.0.0.1:554/cam/realmonitor?channel=1&subtype=1"
LOGIN = Login(USER, PASSWORD)


def cameras(make: Make, **more: Any) -> FakeOnvif:
    streams = [
        EncoderSetting("/Streaming/Channels/101", gop=100),
        EncoderSetting("/cam/realmonitor?channel=1&subtype=1", gop=25, h264_profile="Main"),
    ]
    return FakeOnvif(make, streams, **more)


def set_up(
    fake: FakeOnvif, *wishes: StreamWish, login: Login | None = LOGIN
) -> list[SettingOutcome]:
    return OnvifCamera(OnvifAddress.parse(fake.url), login).set_up(wishes)


@pytest.mark.parametrize("make", Make)
def test_keyframes_every_two_seconds_and_no_b_frames(make: Make) -> None:
    with cameras(make) as fake:
        outcomes = set_up(fake, StreamWish(MAIN, plain=True), StreamWish(SUB, plain=False))
        main, sub = fake.streams
    assert (main.gop, main.h264_profile) == (50, "Baseline")
    assert (sub.gop, sub.h264_profile) == (25, "Main")  # was well, and is left alone
    assert fake.asked.count("SetVideoEncoderConfiguration") == 1
    assert outcomes == [
        SettingOutcome(found=True, gop_s=2.0, gop_set=True, plain_set=True),
        SettingOutcome(found=True, gop_s=1.0),
    ]
    assert PASSWORD.encode() not in fake.seen


@pytest.mark.parametrize(
    ("more", "outcome"),
    [
        ({"baseline": False}, SettingOutcome(True, gop_s=2.0, gop_set=True, plain_refused=True)),
        ({"keeps_its_own": True}, SettingOutcome(True, gop_s=4.0, plain_refused=True)),
    ],
)
def test_what_a_camera_does_not_do_is_told(more: dict[str, bool], outcome: SettingOutcome) -> None:
    with cameras(Make.SHORT_NAMES, **more) as fake:
        assert set_up(fake, StreamWish(MAIN, plain=True)) == [outcome]


def test_another_s_stream_is_left_alone() -> None:
    with cameras(Make.LONG_NAMES) as fake:
        assert set_up(fake, StreamWish("rtsp://127.0.0.1/other", plain=True)) == [
            SettingOutcome(False)
        ]
    assert "SetVideoEncoderConfiguration" not in fake.asked


@pytest.mark.parametrize("make", Make)
@pytest.mark.parametrize("login", [None, Login(USER, "wrong-geheim"), Login("<&>", PASSWORD)])
def test_a_wrong_login_is_told_and_no_password_is(make: Make, login: Login | None) -> None:
    with cameras(make) as fake, pytest.raises(OnvifRefused) as caught:
        set_up(fake, StreamWish(MAIN, plain=False), login=login)
    assert "user or password" in caught.value.message_en
    for text in (caught.value.message_en, caught.value.message_zh, repr(fake.url)):
        assert "geheim" not in text
    assert "geheim" not in repr(OnvifCamera(OnvifAddress.parse(fake.url), login))


def test_nobody_answers() -> None:
    address = OnvifAddress.parse(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(OnvifAway):
        OnvifCamera(address, None).set_up([])


def test_the_standard_s_own_digest() -> None:
    """The figures are those of the ONVIF Application Programmer's Guide, §6.1.1."""
    nonce = base64.b64decode("LKqI6G/AikKCQrN0zqZFlg==")
    digest = password_digest("userpassword", nonce, "2010-09-16T07:50:45Z")
    assert digest == "tuOSpGlFlIXsozq4HFNeeGeFLEI="


@pytest.mark.parametrize(
    ("ours", "theirs", "same"),
    [
        (MAIN, "rtsp://10.0.0.1/Streaming/Channels/101?transportmode=unicast", True),
        (MAIN, "rtsp://10.0.0.1/Streaming/Channels/102?transportmode=unicast", False),
        (SUB, "rtsp://h/cam/realmonitor?channel=1&subtype=1&unicast=true", True),
        (SUB, "rtsp://h/cam/realmonitor?channel=1&subtype=0&unicast=true", False),
        (MAIN, "rtsp://[::1/x", False),
        (MAIN, "", False),
    ],
)
def test_which_stream_is_meant(ours: str, theirs: str, *, same: bool) -> None:
    assert same_stream(ours, theirs) is same


BOMB = b'<!DOCTYPE a [<!ENTITY b "x">' + b"".join(
    b'<!ENTITY c%d "&b;&b;&b;&b;&b;&b;">' % number for number in range(9)
)
HOSTILE = {
    "bomb": BOMB + b"]><a>&c8;</a>",
    "file": b'<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/passwd">]><a>&f;</a>',
    "outer": b'<!DOCTYPE a SYSTEM "http://10.0.0.1/x.dtd"><a/>',
    "deep": b"<a>" * 500 + b"</a>" * 500,
    "many": b"<a>" + b"<b/>" * 50_000 + b"</a>",
    "long": b"<a>" + b" " * MOST_BYTES + b"</a>",
    "torn": b"<a><b>",
    "none": b"",
    "binary": bytes(range(256)),
    "encoding": b'<?xml version="1.0" encoding="utf-7"?><a/>',
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_hostile_xml_is_refused(data: bytes) -> None:
    with pytest.raises(NotOnvif) as caught:
        parse(data)
    assert "passwd" not in str(caught.value)


@pytest.mark.parametrize("name", ["GetCapabilities", "GetProfiles", "GetStreamUri"])
def test_a_hostile_answer_ends_the_conversation_in_words(name: str) -> None:
    for data in HOSTILE.values():
        with cameras(Make.LONG_NAMES, answers={name: data}) as fake:
            try:
                set_up(fake, StreamWish(MAIN, plain=True))
            except OnvifError as error:
                assert error.message_zh != error.message_en
            else:
                pytest.fail("it was believed")


def test_every_flipped_byte_is_an_answer_or_an_error_of_ours() -> None:
    with cameras(Make.LONG_NAMES) as fake:
        whole = fake._wrapped(fake._GetProfiles(""))
        stream = fake._wrapped(fake._GetStreamUri("<ProfileToken>P_1</ProfileToken>"))
    rng = Random(1)
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(rng.randrange(1, 6)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        fake.asked.clear()
        fake.answers = {
            "GetProfiles": bytes(data),
            "GetStreamUri": stream,
            "SetVideoEncoderConfiguration": fake._wrapped(""),
        }
        with suppress(OnvifError):
            converse(fake)


def converse(fake: FakeOnvif) -> None:
    """The conversation without a network, to its end."""
    asked = conversation([StreamWish(MAIN, plain=True)])
    question = next(asked)
    for _ in range(100):
        login = LOGIN if question.camera_time else None
        time = question.camera_time or 0.0
        request = envelope(question.body, login, nonce=b"n" * 16, camera_time=time)
        try:
            question = asked.send(fake.answer(question.path, request.decode())[1])
        except StopIteration:
            return
    pytest.fail("it never ends")


class _Source:
    price = 0.0

    def need(self, *, needed: bool) -> None:
        pass

    async def receive(self, taker: object) -> None:
        await asyncio.Event().wait()


async def test_b_frames_that_are_seen_are_asked_away_and_the_stream_opened_anew() -> None:
    feed = CameraFeed(_Source(), Target(320, 240, 15, 300_000), first_timestamp=0)
    feed.start()
    said: list[Sentence] = []
    with cameras(Make.SHORT_NAMES) as fake:
        camera = OnvifCamera(OnvifAddress.parse(fake.url), LOGIN)
        setting = CameraSetting(camera, [SetStream(MAIN, feed)], said.append)
        feed.converted = _Converted()  # type: ignore[assignment]  # duck-typed
        opened = feed._task
        await setting._set_up(setting._unplayable())
    assert feed._task is not opened and feed.state is StreamState.RESTS
    assert fake.streams[0].h264_profile == "Baseline"
    words = setting.said(feed)
    assert words is not None
    assert "Baseline" in words[0] and "keyframe every 2.0 s" in words[1] and said == []
    await setting._set_up(frozenset())  # the camera's service is gone
    assert setting.trouble is not None and len(said) == 1
    feed.converted = None
    await feed.stop()


class _Converted:
    reason = Unfit.B_FRAMES

    async def stop(self) -> None:
        pass


def test_a_camera_whose_answer_drips_is_left_in_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each drop comes in time; it would hold one of the agent's few threads for good."""
    monkeypatch.setattr(post, "_WHOLE_S", 0.5)
    ended = threading.Event()

    def drip(listening: socket.socket) -> None:
        with suppress(OSError):
            camera, _ = listening.accept()
            with camera:
                camera.sendall(b"HTTP/1.1 200 OK\r\nX: ")
                while not ended.wait(0.05):
                    camera.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        dripping = threading.Thread(target=drip, args=(listening,))
        dripping.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/onvif/device_service"
        began = time.monotonic()
        try:
            with pytest.raises(OnvifAway):
                OnvifCamera(OnvifAddress.parse(url), None).set_up([])
            assert time.monotonic() - began < 10
        finally:
            ended.set()
            dripping.join()


def test_a_host_whose_name_can_be_none_is_away() -> None:
    with pytest.raises(OnvifAway):
        OnvifCamera(OnvifAddress.parse("http://a..b/x"), None).set_up([])
