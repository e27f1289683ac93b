"""From a tap's datagrams to pictures: what is lost is known, and nobody sees a smear."""

from __future__ import annotations

import random
from fractions import Fraction
from functools import cache

import av
import numpy as np
import pytest

from mixer.composite.picture import Picture
from mixer.composite.picture_decoder import PictureDecoder
from mixer.composite.picture_reader import SILENT_S, PictureReader
from mixer.model import Kind, TapInfo
from mixer.reading.frames import Frame
from mixer.rtp.feedback import Pli
from mixer.rtp.rtcp import parse_compound
from tests.recorded_media import (
    VIDEO,
    Encoded,
    counter_picture,
    encode_video,
    packetise,
    read_counter,
)

CODECS = ("VP8", "H264")


def tap(codec: str) -> TapInfo:
    stream = VIDEO[codec]
    return TapInfo(
        tap_id="t",
        producer_id="p",
        kind=Kind.VIDEO,
        codec=codec,
        payload_type=stream.payload_type,
        clock_rate=90_000,
        channels=0,
        ssrc=stream.ssrc,
    )


@cache
def counted(codec: str) -> list[Encoded]:
    """Two seconds with a keyframe in the middle; each picture shows its number."""
    return encode_video(codec, 2.0, width=160, height=96, keyframe_every=25)


def number_in(picture: Picture) -> int:
    return read_counter(picture.y)


class Shown:
    """A reader and its decoder, and the number of every picture that was shown."""

    def __init__(self, codec: str) -> None:
        self.reader = PictureReader(tap(codec))
        self.decoder = PictureDecoder(codec)
        self.numbers: list[int] = []
        self.requests: list[float] = []

    def take(self, data: bytes | None, now: float) -> None:
        frames = self.reader.poll(now)
        if data is not None:
            frames += self.reader.handle_datagram(data, now)
        for frame in frames:
            picture = self.decoder.decode(frame)
            if picture is not None:
                self.numbers.append(number_in(picture))
            elif self.decoder.needs_keyframe:
                self.reader.undecodable()
        request = self.reader.keyframe_request(now)
        if request is not None:
            assert any(isinstance(one, Pli) for one in parse_compound(request))
            self.requests.append(now)


@pytest.mark.parametrize("codec", CODECS)
def test_every_picture_is_shown(codec: str) -> None:
    shown = Shown(codec)
    for time, data in packetise(VIDEO[codec], counted(codec)):
        shown.take(data, time)
    assert shown.numbers == list(range(50))
    assert shown.requests == [], "opening the tap has asked"


@pytest.mark.parametrize("codec", CODECS)
def test_a_repeated_packet_that_comes_in_time_costs_nothing(codec: str) -> None:
    shown = Shown(codec)
    packets = packetise(VIDEO[codec], counted(codec))
    late: tuple[float, bytes] | None = packets[40]
    for time, data in packets[:40] + packets[41:]:
        if late is not None and time > late[0] + 0.08:
            shown.take(late[1], time)
            late = None
        shown.take(data, time)
    assert shown.numbers == list(range(50))


@pytest.mark.parametrize("codec", CODECS)
def test_after_a_loss_the_last_good_picture_stays_and_a_keyframe_is_asked_for(codec: str) -> None:
    shown = Shown(codec)
    packets = packetise(VIDEO[codec], counted(codec))
    lost_at = next(time for time, _ in packets if time >= 0.4)
    for time, data in packets:
        if time != lost_at:
            shown.take(data, time)
    assert shown.numbers == [*range(10), *range(25, 50)], "no smear between"
    asked = [at for at in shown.requests if at > 0.3]
    # The hole shows with the next picture (0.04 s), and is looked at with every further one.
    assert 0.1 <= asked[0] - lost_at <= 0.18, "it is waited for a tenth of a second"
    assert len(asked) == 1
    assert shown.reader.lost_packets > 0


def test_who_does_not_answer_is_asked_ever_less_often_and_who_is_silent_not_at_all() -> None:
    shown = Shown("VP8")
    later = [frame.data for frame in counted("VP8") if not frame.keyframe]
    frames = [Encoded(n / 25, later[n % len(later)], False) for n in range(500)]
    for time, data in packetise(VIDEO["VP8"], frames):
        shown.take(data, time)
    waits = np.diff(shown.requests)
    assert waits[:5] == pytest.approx([1.0, 2.0, 4.0, 4.0, 4.0], abs=0.05)
    count = len(shown.requests)
    for tick in range(100):
        shown.take(None, 20.0 + SILENT_S + tick / 10)
    assert len(shown.requests) == count


@pytest.mark.parametrize("codec", CODECS)
def test_a_sender_may_change_its_size(codec: str) -> None:
    shown = Shown(codec)
    small = encode_video(codec, 0.2, width=96, height=64)
    large = encode_video(codec, 0.2, width=320, height=240)
    frames = [
        Encoded(number * 0.04, frame.data, frame.keyframe)
        for number, frame in enumerate([*small, *large, *small])
    ]
    sizes = []
    for time, data in packetise(VIDEO[codec], frames):
        for frame in shown.reader.handle_datagram(data, time):
            picture = shown.decoder.decode(frame)
            assert picture is not None
            sizes.append((picture.width, picture.height))
    assert sizes == [(96, 64)] * 5 + [(320, 240)] * 5 + [(96, 64)] * 5


@pytest.mark.parametrize("codec", CODECS)
def test_what_cannot_be_decoded_is_not_shown_and_a_keyframe_is_asked_for(codec: str) -> None:
    shown = Shown(codec)
    frames = list(counted(codec))
    whole = frames[25].data  # a keyframe; of VP8 only a header that is cut is seen to be wrong
    frames[25] = Encoded(1.0, whole[: 40 if codec == "VP8" else len(whole) // 2], keyframe=True)
    for time, data in packetise(VIDEO[codec], frames):
        shown.take(data, time)
    assert shown.numbers == list(range(25))
    assert shown.decoder.undecodable_frames == 1
    assert shown.requests[0] == 1.0


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("codec", CODECS)
def test_damaged_streams_are_survived_and_the_next_good_keyframe_is_shown(
    codec: str, seed: int
) -> None:
    rng = random.Random(seed)
    shown = Shown(codec)
    packets = packetise(VIDEO[codec], counted(codec))
    for time, data in packets:
        damaged = bytearray(data)
        if 0.1 < time < 0.9 and rng.random() < 0.5:
            match rng.randrange(4):
                case 0:
                    for _ in range(rng.randrange(1, 9)):
                        damaged[rng.randrange(12, len(damaged))] ^= 1 << rng.randrange(8)
                case 1:
                    del damaged[rng.randrange(len(damaged)) :]
                case 2:
                    damaged[12:] = rng.randbytes(rng.randrange(1, 1200))
                case 3:
                    damaged[8:12] = rng.randbytes(4)
        if rng.random() < 0.1:
            shown.take(rng.randbytes(rng.randrange(60)), time)
        shown.take(bytes(damaged), time)
    assert shown.numbers[-20:] == list(range(30, 50))


def test_an_encoder_that_refreshes_bit_by_bit_is_shown_once_its_picture_is_whole() -> None:
    """It sends no further keyframe, but recovery points (H.264 §D.1.8)."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 160, 96, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, 25), Fraction(25)
    encoder.options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "intra-refresh": "1",
        "g": "20",
        "threads": "1",
    }
    frames = []
    for number in range(50):
        picture = av.VideoFrame.from_ndarray(counter_picture(number, 160, 96), format="rgb24")
        picture.pts = number
        frames += [Encoded(number / 25, bytes(one), False) for one in encoder.encode(picture)]
    shown = Shown("H264")
    for time, data in packetise(VIDEO["H264"], frames):
        if time > 0.5:
            shown.take(data, time)
    assert 20 < shown.numbers[0] <= 40
    assert shown.numbers == list(range(shown.numbers[0], 50))


@pytest.mark.parametrize("codec", CODECS)
def test_nothing_but_noise_shows_nothing(codec: str) -> None:
    rng = random.Random(7)
    decoder = PictureDecoder(codec)
    keyframe = counted(codec)[0]
    reader = PictureReader(tap(codec))
    (first,) = [
        frame
        for time, data in packetise(VIDEO[codec], [keyframe, counted(codec)[1]])
        for frame in reader.handle_datagram(data, time)
    ][:1]
    for _ in range(100):
        data = bytearray(first.data)
        data[30:] = rng.randbytes(len(data) - 30)
        frame = Frame(first.rtp, bytes(data), keyframe=True, width=160, height=96)
        picture = decoder.decode(frame)
        assert picture is None or picture.y.shape == (picture.height, picture.width)


@pytest.mark.parametrize("codec", CODECS)
def test_a_picture_larger_than_any_screen_is_not_even_begun(codec: str) -> None:
    decoder = PictureDecoder(codec)
    data = counted(codec)[0].data
    assert decoder.decode(Frame(0, data, keyframe=True, width=16_000, height=16_000)) is None
    assert decoder.oversized_frames == 1
    assert decoder.needs_keyframe
    assert decoder.decode(Frame(0, data, keyframe=True, width=160, height=96)) is not None


def test_other_codecs_are_refused() -> None:
    with pytest.raises(ValueError, match="AV1"):
        PictureDecoder("AV1")
