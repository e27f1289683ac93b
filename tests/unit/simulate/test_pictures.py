"""What a simulated seat sends: drawings, files, encoders, and the tracks' timing."""

from __future__ import annotations

import asyncio
import wave
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from aiortc.mediastreams import MediaStreamError

from server.simulate.encoding import CLOCK_RATE, VideoEncoder
from server.simulate.errors import MediaFileRefused
from server.simulate.identity import Mark, heard_tones, read_mark
from server.simulate.media_file import FilePictures, FileSound, check_media_file, film_length_s
from server.simulate.scene import Picture, Scene, SceneView
from server.simulate.tracks import (
    FRAME_SAMPLES,
    MicrophoneTrack,
    PictureTrack,
    SeatClock,
    SpeechLoop,
)
from server.simulate.voice import SAMPLE_RATE, Sound, speech_loop
from server.simulate.watch import mono_samples


def view(source: str = "students", width: int = 320, height: int = 180) -> SceneView:
    return SceneView(
        identity=5,
        name="三年级(1)班",
        school="高山村小学",
        source=source,
        width=width,
        height=height,
        frame_rate=5,
    )


@pytest.mark.parametrize("source", ["students", "teacher", "board", "screen"])
@pytest.mark.parametrize(("width", "height"), [(320, 180), (160, 90), (240, 180), (98, 60)])
def test_every_camera_is_drawn_with_its_mark_and_moves(
    source: str, width: int, height: int
) -> None:
    scene = Scene(view(source, width, height))
    pictures = [scene.picture(counter, clock="10:00:00") for counter in (100, 102, 104)]
    for counter, picture in zip((100, 102, 104), pictures, strict=True):
        assert picture.shape == (height * 3 // 2, width)
        assert read_mark(picture[:height]) == Mark(5, counter)
    drawn = [picture[: height * 3 // 4].astype(int) for picture in pictures]
    assert np.abs(drawn[0] - drawn[1]).max() > 20


def test_a_raised_hand_and_the_clock_are_seen() -> None:
    scene = Scene(view(width=640, height=360))
    calm = scene.picture(0, clock="10:00:00").astype(int)
    raised = scene.picture(0, hand=True, clock="10:00:00").astype(int)
    later = scene.picture(0, clock="10:00:01").astype(int)
    assert np.abs(calm[150:330] - raised[150:330]).max() > 60
    assert np.abs(calm[:50, 500:] - later[:50, 500:]).max() > 60
    assert np.abs(calm[50:360] - later[50:360]).max() == 0


@pytest.mark.parametrize(("width", "height"), [(321, 180), (320, 181), (40, 180), (320, 20)])
def test_a_size_that_cannot_be_drawn_is_refused(width: int, height: int) -> None:
    with pytest.raises(ValueError, match="cannot be drawn"):
        Scene(view(width=width, height=height))


def decode(codec: str, packets: Sequence[av.Packet[Any]]) -> list[av.VideoFrame]:
    decoder = av.CodecContext.create("h264" if codec == "H264" else "vp8", "r")
    return [frame for packet in packets for frame in decoder.decode(packet)]


@pytest.mark.parametrize("codec", ["H264", "VP8"])
def test_keyframes_come_when_asked_for(codec: str) -> None:
    scene = Scene(view())
    encoder = VideoEncoder(codec, 320, 180, 15, 300_000)
    packets = []
    for counter in range(30):
        if counter == 20:
            encoder.request_keyframe()
        packets += encoder.encode(scene.picture(counter), counter * CLOCK_RATE // 15)
    assert [i for i, packet in enumerate(packets) if packet.is_keyframe] == [0, 20]
    from_the_second = decode(codec, packets[20:])
    assert [read_mark(f.to_ndarray()[:180].astype(np.uint8)) for f in from_the_second] == [
        Mark(5, counter) for counter in range(20, 20 + len(from_the_second))
    ]
    assert len(from_the_second) >= 9


@pytest.mark.parametrize("codec", ["H264", "VP8"])
def test_the_bit_rate_follows_the_receiver(codec: str) -> None:
    rng = np.random.default_rng(3)
    coarse = rng.integers(0, 255, (5, 27, 32), dtype=np.uint8)
    coarse[:, 9:] = coarse[0, 9:]  # a third of it moves
    noise = coarse.repeat(20, axis=1).repeat(20, axis=2)
    encoder = VideoEncoder(codec, 640, 360, 15, 1_200_000)

    def rate_bps(first: int, seconds: int) -> float:
        pictures = range(first, first + 15 * seconds)
        sizes = [
            packet.size
            for index in pictures
            for packet in encoder.encode(noise[index % 5], index * CLOCK_RATE // 15)
        ]
        return sum(sizes) * 8 / seconds

    full = rate_bps(0, 4)
    encoder.limit_bitrate(300_000)
    rate_bps(60, 1)  # the buffer settles
    low = rate_bps(75, 4)
    assert low < full / 2, (low, full)
    encoder.limit_bitrate(50_000_000)
    assert encoder.bitrate_bps == 1_200_000  # the profile stays the ceiling
    encoder.limit_bitrate(0)
    assert encoder.bitrate_bps == 60_000


def test_an_unknown_codec_is_refused() -> None:
    with pytest.raises(ValueError, match="known: H264, VP8"):
        VideoEncoder("AV1", 320, 180, 15, 300_000)


class Counting:
    """A picture source that keeps the counters it was asked for."""

    def __init__(self) -> None:
        self.counters: list[int] = []
        self.times: list[float] = []
        self.hands: list[bool] = []

    def picture(self, counter: int, *, at: float = 0.0, hand: bool = False) -> Picture:
        self.counters.append(counter)
        self.times.append(at)
        self.hands.append(hand)
        return np.full((270, 320), 128, dtype=np.uint8)


async def test_a_camera_counts_its_frames_and_stops() -> None:
    source = Counting()
    track = PictureTrack(source, VideoEncoder("VP8", 320, 180, 50, 300_000), lambda: True)
    packets = [await track.recv() for _ in range(4)]
    steps = np.diff(source.counters) % 65_536
    assert (steps >= 1).all()
    ticks = np.diff([packet.pts or 0 for packet in packets])
    assert list(ticks) == [step * CLOCK_RATE // 50 for step in steps]
    assert all(source.hands)
    track.stop()
    with pytest.raises(MediaStreamError):
        await track.recv()


async def test_a_microphone_speaks_and_is_silent() -> None:
    speaks = True
    track = MicrophoneTrack(SpeechLoop(speech_loop(6)), lambda: speaks)
    frames = [await track.recv() for _ in range(30)]
    voice = np.concatenate([mono_samples(frame) for frame in frames])
    assert heard_tones(voice, SAMPLE_RATE) == {6}
    times = [frame.pts or 0 for frame in frames]
    assert (np.diff(times) >= FRAME_SAMPLES).all()
    speaks = False
    await track.recv()  # fades out
    silent = await track.recv()
    assert not silent.to_ndarray().any()
    track.stop()
    with pytest.raises(MediaStreamError):
        await track.recv()


def write_film(path: Path, *, picture: bool = True, sound: bool = True) -> Path:
    """A second of film: 4:3 grey that brightens, and a tone of 440 Hz."""
    with av.open(str(path), "w") as container:
        film = container.add_stream("libx264", rate=10) if picture else None
        voice = container.add_stream("aac", rate=48_000, layout="mono") if sound else None
        if film is not None:
            film.width, film.height, film.pix_fmt = 160, 120, "yuv420p"
            for index in range(10):
                grey = np.full((180, 160), 128, dtype=np.uint8)
                grey[:120] = 60 + 15 * index
                container.mux(film.encode(av.VideoFrame.from_ndarray(grey, format="yuv420p")))
            container.mux(film.encode(None))
        if voice is not None:
            tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(48_000) / 48_000)
            samples = tone[None, :].astype(np.float32)
            frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
            frame.sample_rate, frame.time_base = 48_000, Fraction(1, 48_000)
            container.mux(voice.encode(frame))
            container.mux(voice.encode(None))
    return path


def test_a_film_goes_round_with_the_seats_mark(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mp4")
    assert check_media_file(film) == (True, True)
    pictures = FilePictures(film, identity=8, width=320, height=180)
    length_s = film_length_s(film)
    assert 1.0 <= length_s < 1.1
    times = [index * length_s / 10 for index in range(25)]
    shown = [pictures.picture(65_530 + i & 0xFFFF, at=at) for i, at in enumerate(times)]
    brightness = [int(picture[60, 160]) for picture in shown]
    for index, picture in enumerate(shown):
        assert picture.shape == (270, 320)
        assert read_mark(picture[:180]) == Mark(8, 65_530 + index & 0xFFFF)
        assert picture[60, 10] == 16  # 4:3 stands between black bars
    assert max(brightness[:10]) - min(brightness[:10]) > 100
    assert abs(brightness[2] - brightness[12]) < 20 and brightness[11] < brightness[9]
    # Whoever comes in the middle sees the middle.
    later = FilePictures(film, identity=8, width=320, height=180)
    seen = [later.picture(0, at=times[13]), later.picture(0, at=times[13] + 20 * length_s)]
    assert abs(int(seen[0][60, 160]) - brightness[13]) < 20


def test_a_films_sound_goes_round(tmp_path: Path) -> None:
    sound = FileSound(write_film(tmp_path / "film.mp4"))
    pieces = [sound.samples(index) for index in range(120)]
    assert all(piece.shape == (FRAME_SAMPLES,) for piece in pieces)
    later = np.concatenate(pieces[60:]) / 32_768
    assert np.sqrt((later**2).mean()) > 0.1


def write_ticks(path: Path) -> Path:
    """Three seconds of sound that says where it is: every 20 ms has its number as its level."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 48_000, 0, "NONE", ""))
        file.writeframes(np.repeat(np.arange(150) * 100, 960).astype("<i2").tobytes())
    return path


@pytest.mark.parametrize(
    "indices",
    [range(400), [0, 1, 40, 41], [7, 3], [140, 160, 310], [1000, 1001, 1049], [77, 1_000_077]],
    ids=["even", "skipping", "back", "over the end", "late", "much later"],
)
def test_a_films_sound_is_the_sound_of_that_moment(tmp_path: Path, indices: list[int]) -> None:
    """A microphone that was starved, or that began late, goes on where its picture is."""
    sound = FileSound(write_ticks(tmp_path / "ticks.wav"))
    for index in indices:
        piece = sound.samples(index)
        assert abs(int(piece[480]) - index % 150 * 100) < 50, index


async def test_camera_and_microphone_go_by_one_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begun at different moments, starved or not, each says when it has captured what it gives."""
    now = [50.0]
    monkeypatch.setattr("server.simulate.tracks.time.monotonic", lambda: now[0])
    monkeypatch.setattr("server.simulate.tracks.time.time", lambda: now[0] + 1_000.0)

    async def sleep(delay_s: float) -> None:
        now[0] += delay_s

    monkeypatch.setattr(asyncio, "sleep", sleep)

    class Indices:
        def __init__(self) -> None:
            self.asked: list[int] = []

        def samples(self, index: int) -> Sound:
            self.asked.append(index)
            return np.zeros(FRAME_SAMPLES, np.int16)

    clock, pictures, sounds = SeatClock(), Counting(), Indices()
    camera = PictureTrack(
        pictures, VideoEncoder("VP8", 320, 180, 10, 300_000), lambda: False, clock
    )
    now[0] += 0.777
    microphone = MicrophoneTrack(sounds, lambda: True, clock)
    for pause in (0.0, 0.0, 2.3, 0.0):
        now[0] += pause
        await camera.recv()
        seen_at = pictures.times[-1]
        assert camera.captured_at == pytest.approx(clock.unix(seen_at))
        assert pictures.counters[-1] == round(camera.captured_at * 10) % 65_536
        assert -1e-6 <= clock.now() - seen_at < 0.11
        await microphone.recv()
        said_at = sounds.asked[-1] * 0.02
        assert microphone.captured_at == pytest.approx(clock.unix(said_at))
        # Twenty milliseconds have been said when they are given.
        assert 0.0199 <= clock.now() - said_at < 0.13
    camera.stop()
    microphone.stop()


def test_what_is_no_film_is_refused(tmp_path: Path) -> None:
    nothing = tmp_path / "none.mp4"
    text = tmp_path / "text.mp4"
    text.write_text("no film")
    for file in (nothing, text, tmp_path):
        with pytest.raises(MediaFileRefused, match=r"cannot be played"):
            check_media_file(file)
    assert check_media_file(write_film(tmp_path / "dumb.mp4", sound=False)) == (True, False)
    with wave.open(str(tmp_path / "sound.wav"), "wb") as sound:
        sound.setparams((1, 2, 48_000, 0, "NONE", ""))
        sound.writeframes(bytes(96_000))
    assert check_media_file(tmp_path / "sound.wav") == (False, True)


async def test_a_starved_camera_does_not_catch_up(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000.0]
    monkeypatch.setattr("server.simulate.tracks.time.monotonic", lambda: now[0])
    monkeypatch.setattr("server.simulate.tracks.time.time", lambda: 1_000.0)

    async def sleep(delay_s: float) -> None:
        now[0] += delay_s

    monkeypatch.setattr(asyncio, "sleep", sleep)
    source = Counting()
    track = PictureTrack(source, VideoEncoder("VP8", 320, 180, 10, 300_000), lambda: False)
    await track.recv()
    await track.recv()
    now[0] += 60
    await track.recv()
    track.stop()
    first, second, third = source.counters
    assert second == first + 1
    assert third >= second + 599
