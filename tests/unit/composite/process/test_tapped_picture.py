"""One picture's tap: what is shown is decoded, and what comes again unchanged is no new picture."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from mixer.composite.arrange import PictureId
from mixer.composite.process.tapped_picture import TappedPicture
from mixer.model import Kind, TapInfo
from mixer.reading.tap_socket import TapSocket
from tests.recorded_media import VIDEO, Encoded, encode_video, packetise, read_counter

STREAM = VIDEO["H264"]


class World:
    """A tap, and a core that sends to it."""

    def __init__(self, folder: Path) -> None:
        self.core = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.core.bind(str(folder / "core"))
        self.core.setblocking(False)
        tap = TapInfo(
            "t",
            "p",
            Kind.VIDEO,
            "H264",
            STREAM.payload_type,
            STREAM.clock_rate,
            0,
            STREAM.ssrc,
            feedback_path=str(folder / "core"),
        )
        picture_id = PictureId("east", "students")
        self.path = folder / "tap"
        self.source = TappedPicture("t", "p", picture_id, TapSocket(self.path), tap)
        self.now = 0.0

    def send(self, data: bytes) -> int | None:
        """The number in the picture that this datagram makes new."""
        self.core.sendto(data, str(self.path))
        self.source.receive(self.now)
        decoded = self.source.read(self.now)
        return None if decoded is None else read_counter(decoded.picture.y)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.source.close()
    made.core.close()


def still(count: int) -> list[tuple[float, bytes]]:
    """A camera that looks at nobody."""
    context = av.CodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt = 256, 144, "yuv420p"
    context.time_base, context.framerate = Fraction(1, 25), Fraction(25)
    context.options = {"preset": "superfast", "tune": "zerolatency", "crf": "24"}
    rng = np.random.default_rng(1)
    planes = np.full((216, 256), 128, np.uint8)
    planes[:144] = np.kron(rng.integers(30, 200, (9, 16)), np.ones((16, 16))).astype(np.uint8)
    encoded = []
    for number in range(count):
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.pts = number
        data = b"".join(bytes(packet) for packet in context.encode(frame))
        encoded.append(Encoded(number / 25, data, number == 0))
    return packetise(STREAM, encoded)


def test_what_is_not_shown_is_not_decoded_and_begins_with_a_keyframe(world: World) -> None:
    encoded = encode_video("H264", 2, width=256, height=144, keyframe_every=20)
    packets = packetise(STREAM, encoded)
    seen: list[tuple[float, int]] = []
    asked_at = []
    for at, data in packets:
        world.now = at
        world.source.show(shown=0.2 <= at < 0.5 or at >= 1.0)
        number = world.send(data)
        if number is not None:
            seen.append((at, number))
        _, asked = world.source.poll(world.now)
        if asked:
            asked_at.append(at)
    numbers = [number for _, number in seen]
    assert numbers == list(range(40, 50))  # from the first keyframe that was seen whole
    assert asked_at, "nobody asked for a keyframe"
    assert 1.0 <= asked_at[-1] < 1.7
    assert world.core.recv(100)[1] == 206  # RFC 4585: payload-specific feedback


def test_a_picture_that_comes_again_unchanged_is_not_new(world: World) -> None:
    world.source.show(shown=True)
    new = [at for at, data in still(20) if world.send(data) is not None]
    assert world.source.counters().decoded_frames == 20
    assert new[0] == 0.0
    assert len(new) < 8  # the encoder may refine what it showed first


def test_every_picture_of_what_moves_is_new(world: World) -> None:
    world.source.show(shown=True)
    packets = packetise(STREAM, encode_video("H264", 1, width=256, height=144))
    seen = [number for _, data in packets if (number := world.send(data)) is not None]
    assert seen == list(range(25))


def test_what_was_received_is_kept_until_it_is_read_and_dated_when_it_came(world: World) -> None:
    world.source.show(shown=True)
    sent = list(packetise(STREAM, encode_video("H264", 2, width=256, height=144)))
    for kept, (at, data) in enumerate(sent[:8], start=1):
        world.core.sendto(data, str(world.path))
        assert world.source.receive(at) == kept
    decoded = world.source.read(1.0)
    assert decoded is not None
    # Of several the newest one; it came when its last packet was received, not when it was read.
    *_, last = [at for at, data in sent[:8] if data[1] & 0x80]
    assert decoded.at == last
    assert world.source.read(1.0) is None


def test_what_waits_when_it_is_shown_no_more_is_never_decoded(world: World) -> None:
    world.source.show(shown=True)
    for at, data in list(packetise(STREAM, encode_video("H264", 1, width=256, height=144)))[:5]:
        world.core.sendto(data, str(world.path))
        world.source.receive(at)
    world.source.show(shown=False)
    assert world.source.read(1.0) is None
    assert world.source.counters().decoded_frames == 0


def test_a_hole_is_not_given_up_while_what_fills_it_waits_to_be_read(world: World) -> None:
    world.source.show(shown=True)
    packets = [
        data for _, data in packetise(STREAM, encode_video("H264", 1, width=256, height=144))
    ]
    first_of_second = next(n for n, data in enumerate(packets) if data[1] & 0x80) + 1

    def arrive(at: float, *datagrams: bytes) -> None:
        for data in datagrams:
            world.core.sendto(data, str(world.path))
            world.source.receive(at)

    arrive(0.0, *packets[:first_of_second])
    assert world.source.read(0.01) is not None
    late, behind = packets[first_of_second], packets[first_of_second + 1 : first_of_second + 4]
    arrive(0.04, *behind)
    assert world.source.read(0.05) is None
    arrive(0.13, late)  # the retransmission: within the tenth of a second that is waited
    assert world.source.poll(0.15) == (None, False)
    assert world.source.read(0.16) is not None
    assert world.source.counters().lost_packets == 0


def test_a_hole_that_nothing_fills_is_given_up_by_reading_as_well(world: World) -> None:
    world.source.show(shown=True)
    packets = [
        data for _, data in packetise(STREAM, encode_video("H264", 1, width=256, height=144))
    ]
    first_of_second = next(n for n, data in enumerate(packets) if data[1] & 0x80) + 1
    for number, data in enumerate(packets[:12]):
        if number != first_of_second:
            world.core.sendto(data, str(world.path))
            world.source.receive(0.0)
    assert world.source.read(0.01) is not None
    assert world.source.counters().lost_packets == 0
    world.core.sendto(packets[12], str(world.path))
    world.source.receive(0.12)
    world.source.read(0.13)
    assert world.source.counters().lost_packets == 1
