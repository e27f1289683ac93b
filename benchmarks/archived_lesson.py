"""A lesson as its recorder leaves it on the disk, of any length, made in seconds.

Some seconds of real pictures and sound, encoded once and written over and over with the times of a
lesson; each seat has a phase of its own. Nothing sits in the files that a recorder would not write.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np

from mixer.reading.frames import Frame
from recorder.recording_folder import RecordingFolder
from recorder.records import ClockPoint, Opened, SeatRecord, TrackEnded, TrackStarted

BEGAN = 1_790_000_000.0
LOOP_S = 10
FRAMES_PER_S = 25
PICTURE_RATE, SOUND_RATE = 90_000, 48_000
SOUND_S = 0.02
# As the recorder notes the least delayed arrivals.
CLOCK_EVERY_S = 5.0


@dataclass(frozen=True, slots=True)
class LessonShape:
    """What is recorded: `pictures` sources of so many bits a second, `sounds` microphones."""

    seconds: int
    pictures: int = 5
    sounds: int = 4
    picture_bps: int = 1_600_000
    keyframe_every_s: float = 2.5
    picture_late_s: float = 0.3  # a browser's sound comes a moment before its picture


@cache
def loop_of_pictures(bps: int, keyframe_every_s: float) -> tuple[tuple[bytes, bool], ...]:
    """(H.264 frame, whether a keyframe) of ten seconds at about this rate; noise is not spared."""
    context = av.CodecContext.create("libx264", "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt = 640, 360, "yuv420p"
    context.time_base, context.framerate = Fraction(1, FRAMES_PER_S), Fraction(FRAMES_PER_S)
    context.bit_rate = bps
    every = str(round(keyframe_every_s * FRAMES_PER_S))
    context.options = {"preset": "ultrafast", "tune": "zerolatency", "g": every, "threads": "1"}
    context.options |= {"maxrate": str(bps), "bufsize": str(bps // 2), "nal-hrd": "cbr"}
    noise = np.random.default_rng(1)
    made = []
    for number in range(LOOP_S * FRAMES_PER_S + 1):
        picture = noise.integers(90, 120, (360, 640, 3), np.uint8)
        picture[:, number * 2 % 600 : number * 2 % 600 + 40] = 230
        if number < LOOP_S * FRAMES_PER_S:
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = number
            packets = context.encode(frame)
        else:
            packets = context.encode(None)
        made += [(bytes(packet), packet.is_keyframe) for packet in packets]
    return tuple(made)


@cache
def loop_of_sound() -> tuple[bytes, ...]:
    """Ten seconds of Opus at 32 kb/s: a tone that beats, so that no packet is silence."""
    context = av.CodecContext.create("libopus", "w")
    context.sample_rate, context.layout, context.format = SOUND_RATE, "mono", "s16"
    context.bit_rate = 32_000
    at = np.arange(LOOP_S * SOUND_RATE) / SOUND_RATE
    tone = (np.sin(at * 2 * np.pi * 440) * (1 + np.sin(at * 6)) * 6_000).astype(np.int16)
    packets: list[bytes] = []
    for start in range(0, len(tone), 960):
        frame = av.AudioFrame.from_ndarray(tone[None, start : start + 960], "s16", "mono")
        frame.sample_rate = SOUND_RATE
        packets += [bytes(packet) for packet in context.encode(frame)]
    return tuple(packets)


def write_lesson(folder: Path, shape: LessonShape, *, closed: bool = True) -> None:
    """Make the recording; not `closed`, as a kill leaves it."""
    seats = tuple(
        SeatRecord(seat_id=f"seat{n}", name=f"Room {n}", role="room" if n else "lead")
        for n in range(max(shape.pictures, shape.sounds))
    )
    opened = Opened(recording_id=folder.name, lesson_id="l", at=BEGAN, seats=seats)
    writing = RecordingFolder(folder, opened)
    pictures = loop_of_pictures(shape.picture_bps, shape.keyframe_every_s)
    for number in range(shape.pictures):
        # The fifth picture is what the first seat shows beside its camera.
        seat, source = (0, "screen") if number == shape.sounds else (number, "teacher")
        _start(writing, f"v{number}", f"seat{seat}", source)
        frames = frames_of(pictures, shape.seconds)
        late_s = shape.picture_late_s
        _write(writing, f"v{number}", frames, PICTURE_RATE, closed=closed, late_s=late_s)
    for number in range(shape.sounds):
        _start(writing, f"a{number}", f"seat{number}", "room")
        count = round(shape.seconds / SOUND_S)
        sounds = loop_of_sound()
        packets = [
            Frame(at * 960, sounds[at % len(sounds)], keyframe=True, duration=960)
            for at in range(count)
        ]
        _write(writing, f"a{number}", packets, SOUND_RATE, closed=closed)
    if closed:
        writing.close(BEGAN + shape.seconds, lesson_over=True)
    else:
        writing.abandon()


def frames_of(pictures: tuple[tuple[bytes, bool], ...], seconds: int) -> list[Frame]:
    """Frames of so many seconds, evenly."""
    step = PICTURE_RATE // FRAMES_PER_S
    return [
        Frame(at * step, data, keyframe=key)
        for at in range(seconds * FRAMES_PER_S)
        for data, key in (pictures[at % len(pictures)],)
    ]


def _start(writing: RecordingFolder, track_id: str, seat_id: str, source: str) -> None:
    is_sound = source == "room"
    writing.start_track(
        TrackStarted(
            at=BEGAN,
            track_id=track_id,
            seat_id=seat_id,
            source=source,
            producer_id=f"p-{track_id}",
            device_id="pc",
            kind="audio" if is_sound else "video",
            codec="opus" if is_sound else "H264",
            clock_rate=SOUND_RATE if is_sound else PICTURE_RATE,
            channels=1 if is_sound else 0,
        )
    )
    writing.start_segment(track_id, rtp=0, width=640, height=360, at=BEGAN)


def _write(
    writing: RecordingFolder,
    track_id: str,
    frames: list[Frame],
    rate: int,
    *,
    closed: bool,
    late_s: float = 0.0,
) -> None:
    noted = 0.0
    for frame in frames:
        at = frame.rtp / rate
        if at >= noted:
            writing.append(ClockPoint(track_id=track_id, rtp=frame.rtp, at=BEGAN + late_s + at))
            noted = at + CLOCK_EVERY_S
        writing.write_frame(track_id, frame, frame.rtp)
    if closed:
        end = BEGAN + late_s + frames[-1].rtp / rate
        writing.end_segment(track_id, end)
        writing.append(TrackEnded(at=end, track_id=track_id, packets=len(frames)))
