"""The marks in picture and sound: written, damaged by real codecs, read again."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.simulate.identity import (
    Mark,
    cell_edges,
    counter_step,
    crc12,
    heard_tones,
    read_mark,
    strip_rows,
    tone_hz,
    write_mark,
)
from server.simulate.voice import SAMPLE_RATE, speech_loop

SIZES = [(1920, 1080), (1280, 720), (854, 480), (640, 360), (426, 240), (320, 180), (160, 90)]


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_what_is_written_is_read_at_any_size(width: int, height: int) -> None:
    luma = np.full((height, width), 120, dtype=np.uint8)
    for identity, counter in ((0, 0), (255, 65_535), (7, 4_711), (170, 0x5555)):
        write_mark(luma, Mark(identity, counter))
        assert read_mark(luma) == Mark(identity, counter)


@given(st.integers(0, 255), st.integers(0, 65_535))
def test_every_mark_is_read(identity: int, counter: int) -> None:
    luma = np.zeros((180, 320), dtype=np.uint8)
    write_mark(luma, Mark(identity, counter))
    assert read_mark(luma) == Mark(identity, counter)


@given(st.integers(0, 1), st.integers(2, 19))
def test_one_wrong_cell_is_noticed(row: int, column: int) -> None:
    luma = np.zeros((180, 320), dtype=np.uint8)
    write_mark(luma, Mark(3, 1000))
    edges, rows = cell_edges(320), strip_rows(180)
    cell = (slice(rows[row], rows[row + 1]), slice(edges[column], edges[column + 1]))
    luma[cell] = 250 - luma[cell]
    assert read_mark(luma) is None


@pytest.mark.parametrize(
    "luma",
    [
        np.zeros((0, 0), dtype=np.uint8),
        np.zeros((180, 320), dtype=np.uint8),
        np.full((180, 320), 255, dtype=np.uint8),
        np.zeros((10, 39), dtype=np.uint8),
        np.tile(np.arange(320, dtype=np.uint16).astype(np.uint8), (180, 1)),
    ],
)
def test_a_picture_without_a_mark_has_none(luma: np.ndarray) -> None:
    assert read_mark(luma) is None


def test_noise_is_hardly_ever_taken_for_a_mark() -> None:
    rng = np.random.default_rng(1)
    luma = np.zeros((180, 320), dtype=np.uint8)
    write_mark(luma, Mark(0, 0))
    top, middle, bottom = strip_rows(180)
    edges = cell_edges(320)
    noise = luma[:, edges[2] : edges[20]]
    read = 0
    for cells in rng.choice(np.array((30, 220), dtype=np.uint8), (2000, 2, 18)):
        noise[top:middle], noise[middle:bottom] = np.repeat(cells, np.diff(edges[2:21]), axis=1)
        read += read_mark(luma) is not None
    assert read <= 5  # one in 4096 is expected


def test_the_checksum_is_the_published_one() -> None:
    # x^12+x^11+x^3+x^2+x+1 over b"123" (0x313233), reckoned by long division on paper's behalf:
    remainder = 0x313233 << 12
    while remainder.bit_length() > 12:
        remainder ^= 0x180F << (remainder.bit_length() - 13)
    assert crc12(0x313233) == remainder
    assert crc12(0) == 0


@pytest.mark.parametrize(
    ("codec", "width", "height", "bitrate_bps"),
    [
        ("libx264", 320, 180, 100_000),
        ("libx264", 160, 90, 60_000),
        ("libvpx", 320, 180, 100_000),
        ("libvpx", 160, 90, 60_000),
    ],
)
def test_the_mark_survives_a_real_codec(
    codec: str, width: int, height: int, bitrate_bps: int
) -> None:
    encoder = av.CodecContext.create(codec, "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.bit_rate, encoder.thread_count = bitrate_bps, 1
    encoder.framerate, encoder.time_base = Fraction(15), Fraction(1, 15)
    encoder.options = (
        {"preset": "superfast", "tune": "zerolatency"}
        if codec == "libx264"
        else {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}
    )
    decoder = av.CodecContext.create("h264" if codec == "libx264" else "vp8", "r")
    rng = np.random.default_rng(5)
    read = []
    for index in range(60):
        picture = np.full((540, 640), 128, dtype=np.uint8)
        picture[:360] = rng.integers(0, 255, (36, 64)).repeat(10, axis=0).repeat(10, axis=1)
        write_mark(picture[:360], Mark(9, index * 997 % 65_536))
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p").reformat(width, height)
        frame.pts = index
        for packet in encoder.encode(frame):
            read += [
                read_mark(f.to_ndarray()[:height].astype(np.uint8)) for f in decoder.decode(packet)
            ]
    assert read == [Mark(9, index * 997 % 65_536) for index in range(len(read))]
    assert len(read) >= 58


@pytest.mark.parametrize(
    ("earlier", "later", "step"),
    [(5, 6, 1), (6, 5, -1), (65_535, 0, 1), (0, 65_535, -1), (10, 10, 0), (0, 40_000, -25_536)],
)
def test_counters_wrap(earlier: int, later: int, step: int) -> None:
    assert counter_step(earlier, later) == step


def test_every_voice_is_told_from_every_other() -> None:
    voices = {identity: speech_loop(identity) / 32_768 for identity in (1, 2, 3, 15)}
    second = slice(0, SAMPLE_RATE)
    for identity, voice in voices.items():
        assert heard_tones(voice[second], SAMPLE_RATE) == {identity}
        assert heard_tones(voice, SAMPLE_RATE) == {identity}
    together = np.sum([voice[second] for voice in voices.values()], axis=0)
    assert heard_tones(together, SAMPLE_RATE) == {1, 2, 3, 15}
    assert heard_tones(together - voices[2][second], SAMPLE_RATE) == {1, 3, 15}


def test_silence_noise_and_other_tones_are_no_voice() -> None:
    rng = np.random.default_rng(2)
    times = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    assert heard_tones(np.zeros(SAMPLE_RATE), SAMPLE_RATE) == set()
    assert heard_tones(0.1 * rng.standard_normal(SAMPLE_RATE), SAMPLE_RATE) == set()
    assert heard_tones(0.3 * np.sin(2 * np.pi * 437.5 * times), SAMPLE_RATE) == set()
    assert heard_tones(0.3 * np.sin(2 * np.pi * tone_hz(4) * times), SAMPLE_RATE) == {4}


def test_the_voice_repeats_without_a_click() -> None:
    loop = speech_loop(1).astype(np.int32)
    inside = np.abs(np.diff(loop)).max()
    assert abs(int(loop[0]) - int(loop[-1])) <= inside
    assert 2_000 < np.abs(loop).max() < 20_000  # loud enough, never clipped
