"""FFmpeg's own recorder, fed with the same packets: what its users have when it is killed.

One process receives the lesson by RTP and copies it into three files, in the forms that people
record in: MP4 as it comes, MP4 in fragments (`frag_keyframe`), Matroska.
"""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import time
from pathlib import Path

from benchmarks.archived_lesson import FRAMES_PER_S, SOUND_S, LessonShape, loop_of_pictures
from benchmarks.sent_lesson import PICTURE_TYPE, SOUND_TYPE, SentLesson, SentSource

FORMS = {
    "mp4": ["-f", "mp4"],
    "fragmented mp4": ["-movflags", "+frag_keyframe+empty_moov+default_base_moof", "-f", "mp4"],
    "mkv": ["-f", "matroska"],
}
# It looks at its inputs for five seconds before it writes anything.
_BEGINS_S = 15.0
_SPS, _PPS = 7, 8  # RFC 6184 §5.4's types of NAL units


class FfmpegRecorder:
    """Records until it is killed; `files` by the name of their form."""

    def __init__(self, folder: Path, shape: LessonShape) -> None:
        self._lesson = SentLesson(shape)
        self._out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._ports = _free_ports(len(self._lesson.sources))
        (folder / "lesson.sdp").write_text(self._description(shape))
        self.files = {name: folder / f"{name.replace(' ', '-')}.out" for name in FORMS}
        command = ["ffmpeg", "-v", "error", "-nostdin", "-protocol_whitelist", "file,udp,rtp"]
        command += ["-i", str(folder / "lesson.sdp")]
        for name, form in FORMS.items():
            command += ["-map", "0", "-c", "copy", *form, "-y", str(self.files[name])]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + _BEGINS_S
        while not all(path.exists() for path in self.files.values()):
            if time.monotonic() > deadline:
                self.kill()
                raise RuntimeError("ffmpeg records nothing")
            self.play(0.1)

    def play(self, seconds: float) -> None:
        """Send so many seconds of the lesson in as many."""
        self._lesson.play(seconds, self._drain)

    def kill(self) -> dict[str, int]:
        """SIGKILL; what was sent."""
        self._process.kill()
        self._process.wait()
        self._out.close()
        return self._lesson.sent()

    def _drain(self, source: SentSource) -> None:
        port = self._ports[self._lesson.sources.index(source)]
        while source.waiting:
            self._out.sendto(source.waiting.popleft(), ("127.0.0.1", port))

    def _description(self, shape: LessonShape) -> str:
        first, _ = loop_of_pictures(shape.picture_bps, shape.keyframe_every_s)[0]
        units = [unit for unit in first.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1") if unit]
        sets = [u.rstrip(b"\0") for u in units if u[0] & 0x1F in (_SPS, _PPS)]
        sprop = ",".join(base64.b64encode(one).decode() for one in sets)
        lines = ["v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0"]
        for source, port in zip(self._lesson.sources, self._ports, strict=True):
            if source.is_sound:
                lines += [f"m=audio {port} RTP/AVP {SOUND_TYPE}"]
                lines += [f"a=rtpmap:{SOUND_TYPE} opus/48000/2"]
            else:
                lines += [f"m=video {port} RTP/AVP {PICTURE_TYPE}"]
                lines += [f"a=rtpmap:{PICTURE_TYPE} H264/90000"]
                lines += [
                    f"a=fmtp:{PICTURE_TYPE} packetization-mode=1;sprop-parameter-sets={sprop}"
                ]
        return "\r\n".join([*lines, ""])


def lost_of(file: Path, sent: dict[str, int]) -> tuple[float, bool]:
    """(the most seconds that a source lacks in it, whether ffprobe reads it at all)."""
    counts = packets_of(file)
    tracks = [name for name in sent if name.startswith("v")]
    tracks += [name for name in sent if name.startswith("a")]
    if counts is None or len(counts) != len(tracks):
        counts = [0] * len(tracks)
    seconds = [SOUND_S if name.startswith("a") else 1 / FRAMES_PER_S for name in tracks]
    lost = [
        (sent[name] - count) * each
        for name, count, each in zip(tracks, counts, seconds, strict=True)
    ]
    return max(lost), all(counts)


def packets_of(file: Path) -> list[int] | None:
    """How many packets ffprobe reads of each stream; None if it cannot read the file."""
    command = ["ffprobe", "-v", "error", "-count_packets", "-of", "json"]
    command += ["-show_entries", "stream=index,nb_read_packets", str(file)]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        return None
    streams = json.loads(done.stdout).get("streams", [])
    return [int(one.get("nb_read_packets", 0)) for one in streams]


def _free_ports(count: int) -> list[int]:
    """Even ports whose next is free too, which RTCP takes (RFC 3550 §11)."""
    found: list[int] = []
    while len(found) < count:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
        ):
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
            if port % 2 or port in found:
                continue
            try:
                other.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            found.append(port)
    return found
