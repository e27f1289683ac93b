"""A compositor's process as the server starts it, with the media core played by the test.

The core's socket takes what the program sends, sources are sent to the taps in real time, and what
the process says is waited for: nothing here sleeps in the hope of being right.
"""

from __future__ import annotations

import contextlib
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar, cast

import av
import numpy as np

from mixer.composite.process.messages import (
    Begin,
    Command,
    Hello,
    Layer,
    OpenFeed,
    OpenTap,
    PictureCodec,
    Report,
    StartFeed,
    StartTap,
    TapReady,
    encode,
    parse_report,
)
from mixer.reading.frames import assembler_for
from mixer.reading.reorder import ReorderBuffer
from mixer.rtp.packet import DatagramKind, RtpPacket, datagram_kind
from mixer.rtp.rtcp import RtcpPacket, SenderReport, parse_compound
from mixer.rtp.sequence import Unwrapper
from tests.recorded_media import SOUND, VIDEO, Stream

WAIT_S = 20.0
LAYERS = (
    Layer(width=320, height=180, bitrate_bps=300_000),
    Layer(width=640, height=360, bitrate_bps=900_000),
)
PICTURE_SSRCS = (0xA1, 0xA2)
STREAMS = {**VIDEO, "opus": SOUND}
Said = TypeVar("Said", bound=Report)


class Compositor:
    """The process's control connection and the core's socket."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.core_path = str(folder / "core.sock")
        self.core = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.core.bind(self.core_path)
        ours, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "mixer.composite.process",
                    f"--control-fd={theirs.fileno()}",
                ],
                pass_fds=[theirs.fileno()],
            )
        self.control = ours
        self.said: list[Report] = []
        self.sent: list[tuple[float, bytes]] = []
        self._unread = b""
        self._ending = threading.Event()
        self._receiver = threading.Thread(target=self._receive)
        self._receiver.start()

    def tell(self, *commands: Command) -> None:
        for command in commands:
            self.control.sendall(encode(command))

    def wait_for(
        self, kind: type[Said], matches: Callable[[Said], bool] = lambda said: True
    ) -> Said:
        """The first report of this kind, said already or to come."""
        seen, until = 0, time.monotonic() + WAIT_S
        while True:
            for report in self.said[seen:]:
                if isinstance(report, kind) and matches(report):
                    return report
            seen = len(self.said)
            if not select.select([self.control], [], [], max(0.0, until - time.monotonic()))[0]:
                raise AssertionError(f"no {kind.__name__} but {self.said}")
            data = self.control.recv(1 << 16)
            if not data:
                raise AssertionError(f"it has gone; said {self.said}")
            *lines, self._unread = (self._unread + data).split(b"\n")
            self.said += [parse_report(line) for line in lines]

    def until(self, done: Callable[[], bool]) -> None:
        """Go on until something has been sent."""
        until = time.monotonic() + WAIT_S
        while not done():
            assert time.monotonic() < until, "what was waited for was not sent"
            assert self.process.poll() is None, "the process has ended"
            time.sleep(0.02)

    def until_quiet(self, ssrc: int) -> None:
        """Until nothing was sent of a stream for a fifth of a second: ten packets of a sound."""
        sent, since = -1, time.monotonic()

        def is_quiet() -> bool:
            nonlocal sent, since
            if (now_sent := len(self.packets(ssrc))) != sent:
                sent, since = now_sent, time.monotonic()
            return time.monotonic() - since > 0.2

        self.until(is_quiet)

    def begin(self, **mixes: tuple[int, str]) -> None:
        """The program's picture, and mixes by name: SSRC and seat (or none)."""
        self.wait_for(Hello)
        self.tell(Begin(lesson_id="l1", title="第五课 春天", layers=LAYERS, frames_per_s=25))
        self.feed("picture", "video", PICTURE_SSRCS)
        for name, (ssrc, seat_id) in mixes.items():
            self.feed(name, "audio", (ssrc,), seat_id)

    def feed(
        self,
        name: str,
        kind: str,
        ssrcs: Sequence[int],
        seat_id: str = "",
        *,
        codec: PictureCodec = "H264",
    ) -> None:
        stream = STREAMS[codec if kind == "video" else "opus"]
        path = str(self.folder / f"feed-{name}.sock")
        opened = OpenFeed.model_validate(
            {
                "feed_id": name,
                "socket_path": path,
                "kind": kind,
                "seat_id": seat_id,
                "codec": codec,
            }
        )
        started = StartFeed(
            feed_id=name,
            media_path=self.core_path,
            payload_type=stream.payload_type,
            clock_rate=stream.clock_rate,
            ssrcs=tuple(ssrcs),
            audio_level_id=1 if kind == "audio" else 0,
        )
        self.tell(opened, started)

    def tap(self, seat_id: str, source: str, stream: Stream) -> str:
        """Open and describe a tap; the path to send to."""
        track_id = f"{seat_id}-{source}"
        path = str(self.folder / f"tap-{track_id}.sock")
        self.tell(
            OpenTap(
                track_id=track_id,
                socket_path=path,
                seat_id=seat_id,
                source=source,
                producer_id=f"p-{track_id}",
            )
        )
        self.wait_for(TapReady, lambda said: said.track_id == track_id)
        started = StartTap.model_validate(
            {
                "track_id": track_id,
                "kind": "audio" if stream.codec == "opus" else "video",
                "codec": stream.codec,
                "payload_type": stream.payload_type,
                "clock_rate": stream.clock_rate,
                "channels": 2 if stream.codec == "opus" else 0,
                "ssrc": stream.ssrc,
                "feedback_path": self.core_path,
            }
        )
        self.tell(started)
        return path

    def packets(self, ssrc: int) -> list[RtpPacket]:
        """What was sent of a stream so far."""
        rtp = [data for _, data in list(self.sent) if datagram_kind(data) is DatagramKind.RTP]
        return [packet for packet in map(RtpPacket.parse, rtp) if packet.ssrc == ssrc]

    def reports(self, ssrc: int) -> list[SenderReport]:
        """The sender reports of a stream."""
        rtcp = [data for _, data in list(self.sent) if datagram_kind(data) is DatagramKind.RTCP]
        found: list[RtcpPacket] = [packet for data in rtcp for packet in parse_compound(data)]
        return [one for one in found if isinstance(one, SenderReport) and one.ssrc == ssrc]

    def close(self) -> None:
        self.control.close()
        try:
            self.process.wait(WAIT_S)
        finally:
            self.process.kill()
            self.process.wait()
            self._ending.set()
            self._receiver.join()
            self.core.close()

    def _receive(self) -> None:
        while not self._ending.is_set():
            if select.select([self.core], [], [], 0.1)[0]:
                data = self.core.recv(1 << 16)
                self.sent.append((time.monotonic(), data))


@contextlib.contextmanager
def compositor(folder: Path) -> Iterator[Compositor]:
    running = Compositor(folder)
    try:
        yield running
    finally:
        running.close()


class Sending:
    """Sources' datagrams to their taps, each at its time, in a thread."""

    def __init__(self, sources: dict[str, list[tuple[float, bytes]]]) -> None:
        self._queue = sorted(
            (at, path, data) for path, datagrams in sources.items() for at, data in datagrams
        )
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Sending:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()
        self._socket.close()

    @property
    def done(self) -> bool:
        return not self._thread.is_alive()

    def _run(self) -> None:
        began = time.monotonic()
        for at, path, data in self._queue:
            if self._ending.wait(max(0.0, began + at - time.monotonic())):
                return
            with contextlib.suppress(OSError):  # a tap that was closed
                self._socket.sendto(data, path)


def decoded_pictures(packets: list[RtpPacket], codec: PictureCodec = "H264") -> list[np.ndarray]:
    """The brightness of every picture, by a decoder of its own."""
    reorder, unwrapper = ReorderBuffer(), Unwrapper(32)
    assembler = assembler_for(codec)
    decoder = cast(av.VideoCodecContext, av.CodecContext.create(codec.lower(), "r"))
    pictures = []
    for packet in packets:
        for arrived in reorder.push(packet, 0.0):
            for frame in assembler.push(arrived, unwrapper.unwrap(packet.timestamp)):
                for one in decoder.decode(av.Packet(frame.data)):
                    pictures.append(one.to_ndarray()[: one.height])
    return pictures


def decoded_sound(packets: list[RtpPacket]) -> np.ndarray:
    """The samples of every packet, one after the other."""
    decoder = av.CodecContext.create("libopus", "r")
    decoder.sample_rate, decoder.layout = 48_000, "mono"
    frames = [one for packet in packets for one in decoder.decode(av.Packet(packet.payload))]
    return np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames]).astype(np.float64)


def loudness_at(sound: np.ndarray, frequency: float) -> float:
    """The amplitude of a tone in it."""
    wave = np.exp(-2j * np.pi * frequency * np.arange(len(sound)) / 48_000)
    return float(2 * np.abs((sound * wave).mean()))
