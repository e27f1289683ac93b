"""One picture of a room on its way into the program: a tap's datagrams to decoded pictures.

Joins reader and decoder, and knows what is new: a picture that was sent again unchanged (a screen
on which nothing happens, a camera that looks at an empty room) is none. No I/O of its own but the
tap's socket; whoever reads it brings the clock.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2

from mixer.composite.arrange import PictureId
from mixer.composite.lesson_time import LessonTime
from mixer.composite.picture import Picture, cv_array
from mixer.composite.picture_decoder import PictureDecoder
from mixer.composite.picture_reader import PictureReader
from mixer.composite.process.messages import SourceCounters
from mixer.model import TapInfo
from mixer.reading.frames import Frame
from mixer.reading.tap_socket import TapSocket

# A frame in which nothing has changed has some tens of bytes (every macroblock is skipped); only
# such a small one is compared with what was before, and keyframes, which are rare and may come
# though nothing has changed.
SMALL_FRAME_BYTES = 400


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded picture, when the last of it came, and how long before that it had happened."""

    picture: Picture
    at: float
    lag_s: float = 0.0


class TappedPicture:
    """One tap. To be closed."""

    def __init__(
        self,
        track_id: str,
        producer_id: str,
        picture_id: PictureId,
        socket: TapSocket,
        tap: TapInfo,
        *,
        lesson_time: LessonTime | None = None,
    ) -> None:
        """Raises `ValueError` for a codec that has no pictures; the socket is the caller's then."""
        self.track_id = track_id
        self.producer_id = producer_id
        self.picture_id = picture_id
        self.socket = socket
        self._decoder = PictureDecoder(tap.codec)
        self._reader = PictureReader(tap, lesson_time)
        socket.feedback_path = tap.feedback_path
        self._shown = False
        self._arrived: list[tuple[float, list[bytes]]] = []
        self._waiting = 0  # datagrams in it
        self._last: Picture | None = None
        self._decoded_frames = 0

    def show(self, *, shown: bool) -> None:
        """Whether it is to be decoded. What begins to be shown begins with a keyframe."""
        if self._shown and not shown:
            self._reader.undecodable()
            self._arrived, self._waiting = [], 0
        self._shown = shown

    def receive(self, now: float) -> int:
        """Take what has arrived off the socket, and keep it for `read`; how much is kept."""
        datagrams = self.socket.receive()
        if self._shown and datagrams:
            self._arrived.append((now, datagrams))
            self._waiting += len(datagrams)
        return self._waiting

    def read(self, now: float) -> Decoded | None:
        """Decode what was received; the newest picture it makes, None without a new one."""
        arrived, self._arrived, self._waiting = self._arrived, [], 0
        newest = None
        for at, datagrams in arrived:
            for data in datagrams:
                picture = self._decoded(self._reader.handle_datagram(data, at))
                if picture is not None:
                    newest = Decoded(picture, at, self._reader.lag_s)
        behind_a_hole = self._decoded(self._reader.poll(now)) if self._shown else None
        if behind_a_hole is not None:
            newest = Decoded(behind_a_hole, now, self._reader.lag_s)
        return newest

    def poll(self, now: float) -> tuple[Picture | None, bool]:
        """What time alone brings: a picture behind a hole, and whether a keyframe was asked for."""
        if not self._shown or self._waiting:
            return None, False  # what waits may fill the hole: `read` gives it up, or not
        newest = self._decoded(self._reader.poll(now))
        request = self._reader.keyframe_request(now)
        return newest, request is not None and self.socket.send(request)

    def counters(self) -> SourceCounters:
        """What has come of it."""
        return SourceCounters(
            track_id=self.track_id,
            producer_id=self.producer_id,
            decoded_frames=self._decoded_frames,
            lost_packets=self._reader.lost_packets,
            dropped_frames=self._reader.dropped_frames + self._decoder.oversized_frames,
            undecodable_frames=self._decoder.undecodable_frames,
            malformed_packets=self._reader.malformed_packets,
        )

    def close(self) -> None:
        """Unbind."""
        self._reader.close()
        self.socket.close()

    def _decoded(self, frames: list[Frame]) -> Picture | None:
        newest = None
        for frame in frames:
            newest = self._new_picture(frame) or newest
        return newest

    def _new_picture(self, frame: Frame) -> Picture | None:
        picture = self._decoder.decode(frame)
        if picture is None:
            if self._decoder.needs_keyframe:
                self._reader.undecodable()
            return None
        self._decoded_frames += 1
        before, self._last = self._last, picture
        may_be_same = frame.keyframe or len(frame.data) <= SMALL_FRAME_BYTES
        if may_be_same and before is not None and _same(before, picture):
            return None
        return picture


def _same(one: Picture, other: Picture) -> bool:
    """Whether no sample differs: ten microseconds for a small picture."""
    pairs = ((one.y, other.y), (one.u, other.u), (one.v, other.v))
    return all(
        a.shape == b.shape and cv2.norm(cv_array(a), cv_array(b), cv2.NORM_INF) == 0
        for a, b in pairs
    )
