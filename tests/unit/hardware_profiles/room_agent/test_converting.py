"""What browsers do not play, decoded and encoded again: by a child of its own, and without one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from itertools import pairwise

import pytest

from hardware_profiles.room_agent.camera import CameraFeed, StreamState
from hardware_profiles.room_agent.converting import converter
from hardware_profiles.room_agent.converting.conversion import Conversion
from hardware_profiles.room_agent.converting.load import MOST_SHOWN, MOST_WAITING, Fate, Load
from hardware_profiles.room_agent.converting.messages import (
    MOST_BODY_BYTES,
    BrokenMessage,
    ChildMessage,
    ChildMessages,
    MessageKind,
    PictureMessage,
    message_bytes,
    number_bytes,
)
from hardware_profiles.room_agent.converting.target import EvenPace, Target
from hardware_profiles.room_agent.passing.group import Passed
from hardware_profiles.room_agent.passing.path import CameraPath
from hardware_profiles.room_agent.sources.errors import NotConverted, OwnFault
from hardware_profiles.room_agent.sources.rtsp.connection import PacketTaker
from hardware_profiles.room_agent.sources.rtsp.description import CameraTrack
from hardware_profiles.room_agent.sources.rtsp.errors import CameraLost
from hardware_profiles.room_agent.whole.pictures import WholePicture, WholePictures
from mixer.rtp.h264_payloads import payloads
from mixer.rtp.packet import RtpPacket
from mixer.rtp.sequence import TIMESTAMP_BITS, Unwrapper
from tests.camera_media import B_FRAMES, ENCODERS, Viewer, encode_h264, packetise
from tests.other_media import encode_h265, h265_payloads, jpeg_payloads
from tests.recorded_media import FRAME_RATE

SSRC = 7
PICTURE = 90_000 // FRAME_RATE
TARGET = Target(320, 240, FRAME_RATE, 800_000)


def rtp(pictures: Iterable[list[bytes]]) -> list[bytes]:
    out: list[bytes] = []
    for place, parts in enumerate(pictures):
        for number, payload in enumerate(parts):
            marker = number == len(parts) - 1
            packet = RtpPacket(96, len(out), place * PICTURE, SSRC, payload=payload, marker=marker)
            out.append(packet.serialize())
    return out


def camera(codec: str, count: int) -> list[bytes]:
    """The packets of a camera of so many pictures."""
    match codec:
        case "H265":
            return rtp(h265_payloads(units) for units in encode_h265(count, keyframe_every=10))
        case "JPEG":
            return rtp(jpeg_payloads(number, 80) for number in range(count))
        case _:
            options = {**ENCODERS, "b-frames": B_FRAMES}[codec]
            pictures = encode_h264(options, count / FRAME_RATE, keyframe_every=10)
            return [packet.serialize() for _, packet in packetise(pictures, ssrc=SSRC)]


def converted(conversion: Conversion, pictures: Iterable[WholePicture]) -> list[PictureMessage]:
    messages, ticks = ChildMessages(), Unwrapper(TIMESTAMP_BITS)
    out = []
    for picture in pictures:
        body = PictureMessage(
            ticks.unwrap(picture.timestamp), picture.data, picture.keyframe
        ).body()
        for data in conversion.take(ChildMessage(MessageKind.CODED, body)):
            out += [
                PictureMessage.read(message.body)
                for message in messages.feed(data)
                if message.kind is MessageKind.ENCODED
            ]
    return out


def whole(codec: str, packets: list[bytes]) -> list[WholePicture]:
    known = codec if codec in ("H265", "JPEG") else "H264"
    parts = WholePictures(known, 96, ())
    return [picture for data in packets for picture in parts.packet(data, 5.0)]


@pytest.mark.parametrize("codec", ["H265", "JPEG", "b-frames", "interlaced"])
def test_every_picture_comes_out_in_its_order_as_baseline(codec: str) -> None:
    pictures = whole(codec, camera(codec, 30))
    known = codec if codec in ("H265", "JPEG") else "H264"
    out = converted(Conversion(known, TARGET), pictures)
    held_back = 3 if codec in ("b-frames", "interlaced") else 0  # what waits for its successors
    assert len(out) >= 30 - held_back
    assert all(later.timestamp - sooner.timestamp == PICTURE for sooner, later in pairwise(out))
    assert [n for n, one in enumerate(out) if one.keyframe] == [0]
    path, viewer = CameraPath(0), Viewer()
    path.begin(96, ())
    number = 0
    for one in out:
        parts = payloads(one.data)
        for place, payload in enumerate(parts):
            marker = place == len(parts) - 1
            packet = RtpPacket(
                96, number, one.timestamp & 0xFFFF_FFFF, SSRC, payload=payload, marker=marker
            )
            number += 1
            for passed in path.packet(packet.serialize(), 5.0):
                viewer.take(RtpPacket(96, 0, 0, 1, payload=passed.payload, marker=passed.marker))
    assert viewer.counters == list(range(len(out)))
    assert path.unfit is None and path.size == (320, 240)


def test_it_goes_out_no_larger_and_no_oftener_than_the_profile_says() -> None:
    target = Target(160, 160, 10, 200_000)
    pictures = whole("JPEG", camera("JPEG", 50))
    out = converted(Conversion("JPEG", target), pictures)
    assert 18 <= len(out) <= 21  # two seconds
    path = CameraPath(0)
    path.begin(96, ())
    unit = out[0].data.split(b"\0\0\0\1")[1]
    path.packet(RtpPacket(96, 0, 0, 1, payload=unit).serialize(), 5.0)
    assert path.size == (160, 120)


@pytest.mark.parametrize(
    ("size", "goes_out"),
    [((1920, 1080), (640, 360)), ((320, 240), (320, 240)), ((1080, 1920), (202, 360))],
)
def test_proportions_stay(size: tuple[int, int], goes_out: tuple[int, int]) -> None:
    assert Target(640, 360, 25, 1).size_for(*size) == goes_out


def test_a_pace_is_even_and_outlives_a_clock_that_steps() -> None:
    pace = EvenPace(15, 90_000)
    taken = [n for n in range(60) if pace.takes(n * 3_000)]  # 30 a second
    assert len(taken) in (30, 31) and {b - a for a, b in pairwise(taken)} == {2}
    pace = EvenPace(25, 90_000)
    assert all(pace.takes(n * 3_600) for n in range(50))
    assert pace.takes(-(10**9)) and pace.takes(10**9)


def test_damaged_pictures_are_passed_over() -> None:
    conversion = Conversion("H265", TARGET)
    pictures = whole("H265", camera("H265", 12))
    spoiled = [WholePicture(b"\0\0\0\1garbage", -PICTURE, 5.0, keyframe=True), *pictures]
    assert [one.timestamp for one in converted(conversion, spoiled)] == [
        n * PICTURE for n in range(12)
    ]


@pytest.mark.parametrize(
    "data",
    [
        message_bytes(MessageKind.SIZE, b"x" * 3)[:4] + b"\x63abc",  # a kind that is none
        (MOST_BODY_BYTES + 1).to_bytes(4, "big") + b"\x01",
    ],
)
def test_messages_that_lie_end_the_conversation(data: bytes) -> None:
    with pytest.raises(BrokenMessage):
        list(ChildMessages().feed(data))


def test_messages_come_whole_however_they_are_cut() -> None:
    sent = [
        (MessageKind.CODED, b"a" * 1_000),
        (MessageKind.DONE, number_bytes(7)),
        (MessageKind.NEEDED, b""),
    ]
    data = b"".join(message_bytes(kind, body) for kind, body in sent)
    messages = ChildMessages()
    got = [one for at in range(0, len(data), 7) for one in messages.feed(data[at : at + 7])]
    assert [(one.kind, one.body) for one in got] == sent


def picture(*, keyframe: bool = False) -> WholePicture:
    return WholePicture(b"x", 0, 0.0, keyframe)


def test_a_machine_that_is_too_slow_shows_less_and_then_begins_anew() -> None:
    load = Load(predicts=True)
    fates = []
    for _ in range(MOST_WAITING + 10):
        fates.append(load.fate(picture()))
        load.waiting += fates[-1] is not Fate.LEFT_OUT
    shown, decoded = MOST_SHOWN + 1, MOST_WAITING - MOST_SHOWN - 1
    assert fates == [Fate.SHOWN] * shown + [Fate.DECODED] * decoded + [Fate.LEFT_OUT] * 10
    load.waiting = 0
    assert load.fate(picture()) is Fate.LEFT_OUT  # it would be predicted from what was left out
    assert load.fate(picture(keyframe=True)) is Fate.SHOWN
    assert load.fate(picture()) is Fate.SHOWN


def test_a_picture_that_stands_alone_is_not_decoded_for_nothing() -> None:
    load = Load(predicts=False)
    load.waiting = MOST_SHOWN + 1
    assert load.fate(picture(keyframe=True)) is Fate.LEFT_OUT


class Source:
    """A camera's packets at 25 pictures a second, again from the beginning after each loss."""

    def __init__(self, track: CameraTrack, packets: list[bytes]) -> None:
        self._track = track
        self._packets = packets
        self.asked = 0

    async def receive(self, taker: PacketTaker) -> None:
        self.asked += 1
        taker.begins(self._track)
        loop = asyncio.get_running_loop()
        for data in self._packets:
            if not taker.packet(data, loop.time(), control=False):
                break
            if RtpPacket.parse(data).marker:
                await asyncio.sleep(0.04)
        else:
            await asyncio.sleep(2)
        raise CameraLost("it ended", "结束")

    def need(self, *, needed: bool) -> None:
        pass

    @property
    def price(self) -> float:
        return 0.0


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110 - what a child does has no event
            await asyncio.sleep(0.01)


async def watched(feed: CameraFeed, enough: int) -> list[int]:
    """The counters that come out of a feed, until so many have."""
    viewer, number = Viewer(), 0

    def take(passed: Passed) -> None:
        nonlocal number
        number += 1
        viewer.take(
            RtpPacket(96, number & 0xFFFF, 0, 1, payload=passed.payload, marker=passed.marker)
        )

    feed.listen(take)
    feed.start()
    try:
        await until(lambda: len(viewer.counters) >= enough)
    finally:
        feed.unlisten(take)
    return viewer.counters


def track(codec: str) -> CameraTrack:
    known = codec if codec in ("H265", "JPEG") else "H264"
    return CameraTrack("video", 96, known, 90_000, "")


@pytest.mark.parametrize("codec", ["H265", pytest.param("b-frames", marks=pytest.mark.thorough)])
async def test_a_camera_is_converted_by_a_child(codec: str) -> None:
    source = Source(track(codec), camera(codec, 200))
    feed = CameraFeed(source, TARGET, first_timestamp=5)
    try:
        counters = await watched(feed, 12)
        conversion = feed.converted
        assert conversion is not None and conversion.reason.value == codec.lower()
        assert conversion.size == (320, 240) and not conversion.failed.is_set()
        assert feed.state is StreamState.SENDS and feed.trouble is None
        tail = counters[-8:]
        assert tail == sorted(tail) and len(set(tail)) > 4
    finally:
        await feed.stop()
    assert feed.converted is None and feed.state is StreamState.RESTS


@pytest.mark.thorough
async def test_a_child_that_dies_is_one_cameras_trouble_and_comes_again() -> None:
    source = Source(track("JPEG"), camera("JPEG", 200))
    feed = CameraFeed(source, TARGET, first_timestamp=5)
    try:
        await watched(feed, 5)
        assert feed.converted is not None
        process = feed.converted._converter._process
        assert process is not None
        process.kill()
        await until(lambda: feed.trouble is not None)
        assert isinstance(feed.trouble, NotConverted)
        assert "memory" in feed.trouble.message_en and "内存" in feed.trouble.message_zh
        await watched(feed, 5)
        assert source.asked == 2 and feed.trouble is None
    finally:
        await feed.stop()


@pytest.mark.thorough
async def test_what_nobody_needs_costs_nothing_and_is_there_at_once_when_needed() -> None:
    """Somebody comes in the middle of a group: he gets its newest picture, not the next group."""
    pictures = encode_h265(250, keyframe_every=1_000)
    source = Source(track("H265"), rtp(h265_payloads(units) for units in pictures))
    feed = CameraFeed(source, TARGET, first_timestamp=5)
    feed.start()
    try:
        await until(lambda: feed.converted is not None and len(feed.converted._group) > 10)
        assert feed.packets == 0 and not feed.needed
        counters = await watched(feed, 10)
        assert counters[0] >= 10 and counters == sorted(set(counters)), counters
        packets = feed.packets
        assert not feed.needed
        await asyncio.sleep(0.1)
        assert feed.packets == packets
    finally:
        await feed.stop()


@pytest.mark.parametrize("codec", ["high", "JPEG"])
async def test_who_cannot_take_a_picture_is_named_and_takes_nobody_elses(codec: str) -> None:
    """A listener that raises: neither the camera nor the child is blamed, and the others see on."""
    name = codec if codec == "JPEG" else "H264"
    source = Source(CameraTrack("video", 96, name, 90_000, ""), camera(codec, 200))
    feed = CameraFeed(source, TARGET, first_timestamp=5)
    seen: list[int] = []

    def broken(_passed: Passed) -> None:
        raise KeyError("rtsp://admin:geheim@10.0.0.5")

    feed.listen(broken)
    feed.listen(lambda _passed: seen.append(1))
    feed.start()
    try:
        await until(lambda: feed.trouble is not None)
        assert isinstance(feed.trouble, OwnFault) and seen
        for words in (feed.trouble.message_en, feed.trouble.message_zh):
            assert "KeyError" in words and "geheim" not in words and "convert" not in words
        feed.unlisten(broken)
        await until(lambda: feed.state is StreamState.SENDS and feed.trouble is None)
    finally:
        await feed.stop()


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (("/no/such/program",), "cannot be started"),
        (("/bin/sh", "-c", "kill -KILL $$"), "memory"),
        (("/bin/sh", "-c", "kill -SEGV $$"), "crashed"),
        (("/bin/sh", "-c", "exit 3"), "by itself"),
    ],
)
async def test_why_a_child_has_ended_is_told(
    monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], says: str
) -> None:
    monkeypatch.setattr(converter, "COMMAND", command)
    feed = CameraFeed(Source(track("JPEG"), camera("JPEG", 50)), TARGET, first_timestamp=5)
    feed.listen(lambda _passed: None)
    feed.start()
    try:
        await until(lambda: feed.trouble is not None)
        assert isinstance(feed.trouble, NotConverted) and says in feed.trouble.message_en
    finally:
        await feed.stop()


async def test_a_child_that_hangs_is_ended_after_three_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its clock is ours: three seconds after an answer, eight before the first."""
    now = [0.0]
    monkeypatch.setattr(converter, "COMMAND", ("/bin/sh", "-c", "cat >/dev/null"))
    monkeypatch.setattr(converter, "_LOOK_EVERY_S", 0.01)
    ends = []
    for answered, most_s in ((False, 8.0), (True, 3.0)):
        hangs = converter.Converter({}, Nobody(), clock=lambda: now[0])
        running = asyncio.create_task(hangs.run())
        hangs.put(PictureMessage(0, b"x"))
        if answered:
            hangs._take(MessageKind.DONE, number_bytes(1))
            hangs.put(PictureMessage(1, b"x"))
        now[0] += most_s - 0.1
        await asyncio.sleep(0.1)
        ends.append(running.done())
        now[0] += 0.2
        async with asyncio.timeout(10):
            await running
        assert hangs.failure == "silent"
    assert ends == [False, False]


class Nobody:
    def made(self, picture: PictureMessage) -> None:
        pass

    def done(self) -> None:
        pass
