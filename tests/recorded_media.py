"""Real media for the recorder's tests: encoded here, with the time readable in it.

The picture carries its frame number as a row of black and white blocks, the sound a beep at the
very instant of chosen frames, so a recorded file can be asked whether anything is missing and
whether picture and sound are in step. Packetising follows RFC 7741, RFC 6184 and RFC 7587.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np

from mixer.rtp.packet import RtpPacket
from mixer.rtp.rtcp import SenderReport, serialize_compound
from mixer.rtp.sequence import ntp_from_unix_ns

BITS = 16
MTU = 1100
FRAME_RATE = 25
BEEP_S = 0.1
BEEP_HZ = 1000.0


@dataclass(frozen=True)
class Encoded:
    """An encoded frame: its time in seconds from the beginning."""

    time: float
    data: bytes
    keyframe: bool


def counter_picture(number: int, width: int, height: int, *, moving: bool = True) -> np.ndarray:
    """A picture (RGB) whose upper half shows `number` in `BITS` blocks; the lower half moves."""
    picture = np.zeros((height, width, 3), np.uint8)
    block = width // BITS
    for bit in range(BITS):
        if number >> bit & 1:
            picture[: height // 2, bit * block : (bit + 1) * block] = 255
    if moving:
        at = number * 7 % width
        picture[height // 2 :, at : at + 20] = (40, 200, 90)
    return picture


def read_counter(picture: np.ndarray) -> int:
    """The number in a decoded picture (any channel order, or its brightness alone)."""
    height, width = picture.shape[:2]
    block = width // BITS
    rows = picture[height // 8 : height * 3 // 8, : block * BITS]
    blocks = rows.reshape(len(rows), BITS, block, -1)[:, :, block // 4 : 3 * block // 4]
    return sum(1 << bit for bit in np.flatnonzero(blocks.mean(axis=(0, 2, 3)) > 128).tolist())


def encode_video(
    codec: str,
    seconds: float,
    *,
    width: int = 320,
    height: int = 240,
    first: int = 0,
    keyframe_every: int = 50,
    moving: bool = True,
) -> list[Encoded]:
    """Counted pictures as VP8 or H.264 without B-frames, as a live sender makes them."""
    name, options = {
        "VP8": ("libvpx", {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}),
        "H264": ("libx264", {"preset": "ultrafast", "tune": "zerolatency"}),
    }[codec]
    context = av.CodecContext.create(name, "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.time_base = Fraction(1, 90_000)
    context.framerate = Fraction(FRAME_RATE)
    context.bit_rate = 400_000
    context.options = {**options, "g": str(keyframe_every), "threads": "1"}
    out: list[Encoded] = []
    count = round(seconds * FRAME_RATE)
    for number in range(first, first + count):
        picture = counter_picture(number, width, height, moving=moving)
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts = round((number - first) * 90_000 / FRAME_RATE)
        frame.time_base = Fraction(1, 90_000)
        out += _encoded(context.encode(frame))
    return out + _encoded(context.encode(None))


def encode_sound(
    seconds: float, *, beeps: tuple[float, ...], bit_rate: int = 32_000
) -> list[Encoded]:
    """Opus packets of 20 ms: quiet, but for a beep of `BEEP_S` at each of the given times."""
    total = round(seconds * 48_000)
    samples = np.zeros(total, np.int16)
    for beep in beeps:
        at, length = round(beep * 48_000), round(BEEP_S * 48_000)
        tone = np.sin(np.arange(length) * 2 * np.pi * BEEP_HZ / 48_000) * 16_000
        samples[at : at + length] = tone[: max(0, total - at)].astype(np.int16)
    return encode_samples(samples, bit_rate=bit_rate)


def encode_samples(samples: np.ndarray, *, bit_rate: int = 32_000) -> list[Encoded]:
    """Opus packets of 20 ms of these samples (mono, 48 kHz), as a live sender makes them."""
    context = av.CodecContext.create("libopus", "w")
    context.sample_rate, context.layout, context.format = 48_000, "mono", "s16"
    context.time_base = Fraction(1, 48_000)
    context.bit_rate = bit_rate
    out: list[Encoded] = []
    for start in range(0, len(samples) - 959, 960):
        frame = av.AudioFrame.from_ndarray(
            samples[None, start : start + 960], format="s16", layout="mono"
        )
        frame.sample_rate, frame.pts = 48_000, start
        frame.time_base = Fraction(1, 48_000)
        for packet in context.encode(frame):
            out.append(Encoded(len(out) * 0.02, bytes(packet), True))
    return out


# Every mark has a tone of its own: a number from 0 to 15, at least 150 Hz from its neighbours.
MARK_S = 0.1
MARKS = 16
_MARK_HZ = tuple(600.0 + 150.0 * number for number in range(MARKS))
_MARK_LEAST = 0.05  # of full scale; marks have 0.5


def encode_marks(seconds: float, *, every_s: float = 0.5) -> list[Encoded]:
    """Opus packets of 20 ms of `marked_sound`."""
    return encode_samples(marked_sound(seconds, every_s=every_s))


def marked_sound(seconds: float, *, every_s: float = 0.5) -> np.ndarray:
    """A mark at every `every_s`: the k-th has the tone of k modulo 16. Mono, 48 kHz, 16 bits.

    Between them a soft hum, so that nothing but silence is silent.
    """
    times = np.arange(round(seconds * 48_000)) / 48_000
    samples = 0.01 * np.sin(2 * np.pi * 120 * times)
    length = round(MARK_S * 48_000)
    for number in range(round(seconds / every_s)):
        at = round(number * every_s * 48_000)
        tone = np.sin(2 * np.pi * _MARK_HZ[number % MARKS] * times[:length])
        samples[at : at + length] += 0.5 * tone[: len(samples) - at]
    return (samples * 32_767).astype(np.int16)


def _encoded(packets: list[av.Packet[Any]]) -> list[Encoded]:
    return [
        Encoded(float(p.pts * p.time_base), bytes(p), bool(p.is_keyframe))
        for p in packets
        if p.pts is not None and p.time_base is not None
    ]


@dataclass(frozen=True)
class Stream:
    """How a stream is sent: its RTP numbers, and its clock against the world's."""

    codec: str
    ssrc: int
    payload_type: int
    clock_rate: int
    first_sequence: int = 65_500  # so that every test wraps
    first_timestamp: int = 0xFFFF_F000
    ntp_offset_s: float = 0.0  # of the sender's clock against Unix time

    def timestamp(self, time: float) -> int:
        return (self.first_timestamp + round(time * self.clock_rate)) & 0xFFFF_FFFF

    def sender_report(self, time: float, unix_time: float) -> bytes:
        """The SR that says: at `unix_time` (the world's) the stream was at `time`."""
        ntp = ntp_from_unix_ns(round((unix_time + self.ntp_offset_s) * 1e9))
        return serialize_compound(
            [SenderReport(self.ssrc, ntp, self.timestamp(time), 0, 0, reports=())]
        )


VIDEO = {
    "VP8": Stream("VP8", 0x1111, 96, 90_000),
    "H264": Stream("H264", 0x2222, 102, 90_000),
}
SOUND = Stream("opus", 0x3333, 111, 48_000)


def packetise(stream: Stream, frames: list[Encoded]) -> list[tuple[float, bytes]]:
    """(time, RTP datagram) of every packet, in order."""
    out: list[tuple[float, bytes]] = []
    for frame in frames:
        payloads = list(_payloads(stream.codec, frame.data))
        for index, payload in enumerate(payloads):
            packet = RtpPacket(
                payload_type=stream.payload_type,
                sequence_number=(stream.first_sequence + len(out)) & 0xFFFF,
                timestamp=stream.timestamp(frame.time),
                ssrc=stream.ssrc,
                payload=payload,
                marker=index == len(payloads) - 1 and stream.codec != "opus",
            )
            out.append((frame.time, packet.serialize()))
    return out


def _payloads(codec: str, data: bytes) -> Iterator[bytes]:
    if codec == "opus":
        yield data
    elif codec == "VP8":
        for at in range(0, len(data), MTU):
            # X, S on the first; I: a 15-bit picture id follows (RFC 7741 §4.2).
            yield bytes([0x90 if at == 0 else 0x80, 0x80, 0x80, 0x01]) + data[at : at + MTU]
    else:
        yield from _h264_payloads(data)


def _h264_payloads(data: bytes) -> Iterator[bytes]:
    """SPS and PPS together in a STAP-A, small units alone, large ones as FU-A."""
    units = nal_units(data)
    sets = [unit for unit in units if unit[0] & 0x1F in (7, 8)]
    if sets:
        yield b"\x78" + b"".join(len(unit).to_bytes(2, "big") + unit for unit in sets)
    for unit in units:
        if unit in sets:
            continue
        if len(unit) <= MTU:
            yield unit
            continue
        body, kind = unit[1:], unit[0] & 0x1F
        for at in range(0, len(body), MTU):
            flags = (0x80 if at == 0 else 0) | (0x40 if at + MTU >= len(body) else 0)
            yield bytes([(unit[0] & 0xE0) | 28, flags | kind]) + body[at : at + MTU]


def nal_units(data: bytes) -> list[bytes]:
    """The NAL units of an Annex B access unit."""
    parts = data.replace(b"\x00\x00\x00\x01", b"\x00\x00\x01").split(b"\x00\x00\x01")
    return [part for part in parts if part]


def with_ssrc(stream: Stream, ssrc: int) -> Stream:
    """The same stream under another name."""
    return replace(stream, ssrc=ssrc)


# --- reading back ---------------------------------------------------------------------------


def brightness(frame: av.VideoFrame) -> np.ndarray:
    """A picture's first plane, as the decoder gave it."""
    if frame.format.name not in {"yuv420p", "yuvj420p"}:
        return frame.to_ndarray(format="gray")
    return frame.to_ndarray()[: frame.height]


def decoded_counters(path: Path) -> list[tuple[float, int]]:
    """(time, number) of every picture in a file."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return [
            (float(frame.time or 0.0), read_counter(brightness(frame)))
            for frame in container.decode(stream)
        ]


def decoded_beeps(path: Path) -> list[float]:
    """The times at which beeps begin in a file's sound, in the player's time."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        pieces = [
            (float(frame.time or 0.0), frame.to_ndarray().mean(axis=0))
            for frame in container.decode(stream)
        ]
    step = 48  # 1 ms
    begins: list[float] = []
    loud_until = -1.0
    for at, samples in pieces:
        for index in range(0, len(samples) - step, step):
            if np.abs(samples[index : index + step]).max() > 0.1:
                time = at + index / 48_000
                if time > loud_until:
                    begins.append(time)
                loud_until = time + 0.05
    return begins


@dataclass(frozen=True)
class HeardMark:
    """A mark in decoded sound: when it begins, which it is."""

    time: float
    number: int


def decoded_marks(path: Path) -> list[HeardMark]:
    """The marks in a file's sound, as a player hears them.

    A player runs its clock by the samples: the time is counted in samples from the sound's
    beginning on, and a hole between two frames is an error here.
    """
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        began: float | None = None
        pieces = []
        samples = 0
        for frame in container.decode(stream):
            at = float(frame.time or 0.0)
            began = at if began is None else began
            rate = frame.sample_rate
            assert abs(at - began - samples / rate) < 0.005, f"a hole or an overlap at {at} s"
            samples += frame.samples
            pieces.append(frame.to_ndarray())
    if not pieces:
        return []
    sound = np.concatenate(pieces, axis=1, dtype=np.float64).mean(axis=0)
    return [HeardMark((began or 0.0) + mark.time, mark.number) for mark in marks_in(sound, rate)]


@cache
def _tones(samples: int, rate: int) -> np.ndarray:
    """The marks' tones, to be compared with so many samples."""
    return np.exp(-2j * np.pi * np.outer(_MARK_HZ, np.arange(samples) / rate))


def marks_in(sound: np.ndarray, rate: int) -> list[HeardMark]:
    """The marks in samples of full scale ±1."""
    step = rate // 200  # 5 ms
    steps = max(0, len(sound) - 1) // step
    peaks = np.abs(sound[: steps * step]).reshape(steps, step).max(axis=1)
    loud = (peaks > _MARK_LEAST * 2).tolist()
    found = []
    for index, is_loud in enumerate(loud):
        quiet_before = not any(loud[max(0, index - 4) : index])
        if not is_loud or not quiet_before:
            continue
        began = index * step
        piece = sound[began : began + round(MARK_S * rate)]
        levels = np.abs(_tones(len(piece), rate) @ piece) / len(piece)
        best = int(np.argmax(levels))
        if levels[best] > _MARK_LEAST:
            first = np.abs(sound[began : began + step]) > _MARK_LEAST * 2
            found.append(HeardMark((began + int(np.argmax(first))) / rate, best))
    return found
