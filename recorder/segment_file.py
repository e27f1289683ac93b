"""One file of one track while the lesson runs: encoded frames in, fragments on the disk.

H.264 and Opus go to fragmented MP4 (ISO/IEC 14496-12 §8.8), VP8 to WebM: files that are whole
after every fragment. A fragment is written when it has lasted half a second, and where a picture's
keyframe comes: a process that is killed loses at most half a second of what it had been given, and
whoever seeks to a keyframe finds it where a fragment begins. Nothing is encoded here.

H.264 may be coded in another order than it is shown (B-frames): the file has it in the order in
which it came. No picture may be shown before it is decoded (ISO/IEC 14496-12 §8.6.1), and how far
pictures go back is known only when they do: so a file of H.264 shows everything `REORDER_S` later
than it is to be decoded, and its timestamp 0 lies by so much before its first picture.
"""

from __future__ import annotations

import os
import threading
from fractions import Fraction
from pathlib import Path

import av
import av.error
from av.packet import Packet

from mixer.reading.frames import Frame
from recorder.errors import FormatError, RecorderError, StorageError

# Half of the second that a crash may cost; the other half is the reorder buffer's.
FRAGMENT_S = 0.5

# Pictures go back by a few pictures' time: three at 25/s are 0.12 s, sixteen at 10/s 1.6 s.
REORDER_S = 2.0

_MP4_OPTIONS = {
    "movflags": "empty_moov+default_base_moof+skip_trailer+frag_keyframe",
    "frag_duration": str(round(FRAGMENT_S * 1_000_000)),
    "flush_packets": "1",
}
# `live`: sizes and duration stay unknown, as for a file that may end at any byte.
_WEBM_OPTIONS = {
    "cluster_time_limit": str(round(FRAGMENT_S * 1_000)),
    "flush_packets": "1",
    "live": "1",
}


class SegmentFile:
    """Writes one file. All but `sync` belongs to one thread; `sync` may be called by another."""

    def __init__(
        self, path: Path, *, codec: str, clock_rate: int, channels: int, width: int, height: int
    ) -> None:
        """Makes the file. Raises `StorageError` when the disk refuses."""
        self.path = path
        self.frames = 0
        self.end_pts = 0
        is_h264 = codec.lower() == "h264"
        self.begins = round(REORDER_S * clock_rate) if is_h264 else 0
        self._decoded = -1  # when the last frame written is to be decoded, in ticks
        self._shown = 0  # the last to be shown so far
        self._sink = _Sink(path)
        self._time_base = Fraction(1, clock_rate)
        is_vp8 = codec.lower() == "vp8"
        options = dict(_WEBM_OPTIONS if is_vp8 else _MP4_OPTIONS)
        if codec.lower() == "h264":
            options["video_track_timescale"] = str(clock_rate)
        self._container = av.open(
            self._sink, "w", format="webm" if is_vp8 else "mp4", options=options
        )
        if codec.lower() == "opus":
            # The encoder is opened for its header (OpusHead, RFC 7845 §5.1); it encodes nothing.
            self._stream: av.stream.Stream = self._container.add_stream(
                "libopus", rate=clock_rate, layout="mono" if channels == 1 else "stereo"
            )
        else:
            self._stream = self._container.add_mux_stream(
                codec.lower(), width=width, height=height, time_base=self._time_base
            )

    @staticmethod
    def suffix(codec: str) -> str:
        """The file name's ending for a codec."""
        return ".webm" if codec.lower() == "vp8" else ".mp4"

    def write(self, frame: Frame, pts: int) -> None:
        """Append a frame; `pts` counts from `begins` and must grow: of H.264 it may go back by
        less than `REORDER_S`.

        Raises `StorageError` when the disk refuses, `FormatError` when the file format does.
        """
        packet = Packet(frame.data)
        packet.stream = self._stream
        packet.time_base = self._time_base
        self._shown = max(self._shown, pts)
        self._decoded = max(self._decoded + 1, self._shown) if self.begins else pts
        packet.pts, packet.dts = self.begins + pts, self._decoded
        packet.duration = frame.duration
        packet.is_keyframe = frame.keyframe
        try:
            self._container.mux_one(packet)
        except (av.error.FFmpegError, OSError) as error:
            raise self._refusal(error) from error
        self.frames += 1
        self.end_pts = max(self.end_pts, pts + frame.duration)

    def close(self) -> None:
        """Write what is held and close. Raises like `write`."""
        try:
            self._container.close()
        except (av.error.FFmpegError, OSError) as error:
            raise self._refusal(error) from error
        finally:
            self._sink.close()

    def sync(self) -> None:
        """Bring what is written to the disk itself. Raises `StorageError`."""
        self._sink.sync()

    def _refusal(self, error: Exception) -> RecorderError:
        if self._sink.error is not None:
            return StorageError.from_os(self._sink.error, self.path.parent)
        return FormatError(f"{self.path.name} cannot be written: {error}")


class _Sink:
    """The file as the muxer sees it: it may only append, and a refusal is remembered.

    Without `seek` the muxer knows that what is written stays written.
    """

    def __init__(self, path: Path) -> None:
        self.error: OSError | None = None
        self._path = path
        self._lock = threading.Lock()
        self._dirty = False
        try:
            self._file: int | None = os.open(
                path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600
            )
        except OSError as error:
            raise StorageError.from_os(error, path.parent) from error

    def write(self, data: bytes) -> int:
        if self._file is None:
            return len(data)  # the muxer's last words after a refusal
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._file, view) :]
        except OSError as error:
            self.error = error
            raise
        self._dirty = True
        return len(data)

    def sync(self) -> None:
        with self._lock:
            if self._file is None or not self._dirty:
                return
            self._dirty = False
            try:
                os.fdatasync(self._file)
            except OSError as error:
                raise StorageError.from_os(error, self._path.parent) from error

    def close(self) -> None:
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None
