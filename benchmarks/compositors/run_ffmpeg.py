"""ffmpeg's `xstack`, as one writes it and tuned: RTP in, RTP out, the same encoder's settings."""

from __future__ import annotations

import base64
import shutil
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

from benchmarks.compositors import BITRATE_BPS, CAP_S, FRAMES_PER_S, HEIGHT, QUALITY, WIDTH
from benchmarks.compositors.arriving import Arriving
from benchmarks.compositors.classroom import PAYLOAD_TYPE, Clip
from benchmarks.compositors.sending import Target
from benchmarks.servers.bound import bound

HOST = "127.0.0.1"
STOP_TIMEOUT_S = 5.0


class Xstack:
    """`tuned`: one thread each for decoders, filters and encoder, and the cheapest scaler."""

    def __init__(self, folder: Path, *, tuned: bool) -> None:
        self.name = "xstack-tuned" if tuned else "xstack"
        self._folder = folder
        self._tuned = tuned

    @property
    def missing(self) -> str:
        """Debian's package."""
        return "" if shutil.which("ffmpeg") else "ffmpeg"

    def start(self, clips: Sequence[Clip]) -> list[Target]:
        """Start it; it takes its sources when they come."""
        receiver, port = udp_socket()
        self.arriving = Arriving(receiver)
        targets, inputs = [], []
        for place, clip in enumerate(clips):
            at = free_port()
            described = self._folder / f"{self.name}-{place}.sdp"
            described.write_text(_description(clip, at), encoding="ascii")
            targets.append(Target(socket.AF_INET, (HOST, at)))
            inputs += ["-threads", "1"] if self._tuned else []
            # Without the queue it loses packets while it opens the other inputs, and says so.
            inputs += ["-thread_queue_size", "4096"]
            inputs += ["-protocol_whitelist", "file,udp,rtp", "-i", str(described)]
        command = ["ffmpeg", "-nostdin", "-loglevel", "error", *inputs]
        command += ["-filter_complex_threads", "1"] if self._tuned else []
        command += ["-filter_complex", self._filter(len(clips)), "-map", "[out]"]
        command += ["-r", str(FRAMES_PER_S), "-c:v", "libx264", *encoder_settings()]
        command += ["-threads", "1"] if self._tuned else []
        command += ["-f", "rtp", f"rtp://{HOST}:{port}?pkt_size=1200"]
        self._process = subprocess.Popen(bound(command), stdout=subprocess.DEVNULL)
        return targets

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def stop(self) -> None:
        """End it."""
        end(self._process)
        self.arriving.stop()

    def _filter(self, sources: int) -> str:
        flags = ":flags=fast_bilinear" if self._tuned else ""
        size = f"{WIDTH // 2}:{HEIGHT // 2}"
        scaled = ";".join(f"[{n}:v]scale={size}{flags}[s{n}]" for n in range(sources))
        names = "".join(f"[s{n}]" for n in range(sources))
        return f"{scaled};{names}xstack=inputs={sources}:layout=0_0|w0_0|0_h0|w0_h0[out]"


def encoder_settings() -> list[str]:
    """As the compositor's own encoder is set."""
    return [
        *("-preset", "superfast", "-tune", "zerolatency", "-profile:v", "baseline"),
        *("-crf", str(QUALITY), "-maxrate", str(BITRATE_BPS)),
        *("-bufsize", str(round(BITRATE_BPS * CAP_S)), "-g", "100000", "-sc_threshold", "0"),
    ]


def udp_socket() -> tuple[socket.socket, int]:
    """A bound socket with room for a keyframe, and its port."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    made.bind((HOST, 0))
    return made, made.getsockname()[1]


def free_port() -> int:
    """An even port whose next one is free, too: RTP and RTCP (RFC 3550 §11)."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as first:
            first.bind((HOST, 0))
            port: int = first.getsockname()[1]
            if port % 2 == 0:
                return port


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask it to end, and see that it does."""
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _description(clip: Clip, port: int) -> str:
    sets = ",".join(base64.b64encode(unit).decode() for unit in clip.parameter_sets)
    return "\r\n".join(
        (
            "v=0",
            f"o=- 0 0 IN IP4 {HOST}",
            "s=source",
            f"c=IN IP4 {HOST}",
            "t=0 0",
            f"m=video {port} RTP/AVP {PAYLOAD_TYPE}",
            f"a=rtpmap:{PAYLOAD_TYPE} H264/90000",
            f"a=fmtp:{PAYLOAD_TYPE} packetization-mode=1;sprop-parameter-sets={sets}",
            "",
        )
    )
