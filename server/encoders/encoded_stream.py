"""What one encoder sends now: its picture as a camera's, its sound, both on one clock.

Fed by `inlet` with RTP and reports, over all connections of the encoder. Who sends it on into a
lesson listens to `picture` and `sound`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from hardware_profiles.room_agent.sources.rtsp.description import CameraTrack
from mixer.rtp.errors import MalformedPacketError
from mixer.rtp.opus import CLOCK_RATE as SOUND_RATE
from mixer.rtp.opus import OpusPacket
from mixer.rtp.packet import RtpPacket
from mixer.rtp.rtcp import SenderReport, parse_compound
from mixer.rtp.sequence import ntp_from_unix_ns, timestamp_distance
from server.encoders.encoded_picture import EncodedPicture
from server.encoders.shared_clock import SharedClock

_PICTURE, _SOUND = "picture", "sound"
_PICTURE_RATE = 90_000
# Two milliseconds of rounding, and what an encoder's clock runs slow in a second.
SEAM_SAMPLES = 480


@dataclass(frozen=True, slots=True)
class PassedSound:
    """One Opus packet to send on, with its timestamp."""

    payload: bytes
    timestamp: int


class EncodedSound:
    """Its sound. Timestamps go on over connections by what passed meanwhile, and within one
    without a seam: FLV's are whole milliseconds, and a hole of eight samples would be heard.
    """

    def __init__(self, rng: Random) -> None:
        self.listeners: list[Callable[[PassedSound], None]] = []
        self.newest: tuple[int, int] | None = None  # the encoder's own timestamp, and ours
        self._first = rng.randrange(1 << 32)
        self._next = 0  # where the last packet ends, without `first`
        self._began_at: float | None = None
        self._own: int | None = None
        self._told = 0  # where the newest packet is by the encoder's own timestamps

    def begin(self) -> None:
        """A new connection."""
        self._own = self.newest = None

    def sent(self, timestamp: int, samples: int, at: float) -> int:
        """The timestamp to send for a packet of so many samples that came `at`."""
        if self._began_at is None:
            self._began_at = at
        if self._own is None:
            passed = round((at - self._began_at) * SOUND_RATE)
            self._told = self._next = max(passed, self._next)
        else:
            self._told += timestamp_distance(timestamp, self._own)
        self._own = timestamp
        # A hole is told; what goes back (an encoder that lies) is put behind what went out.
        out = self._told if self._told > self._next + SEAM_SAMPLES else self._next
        self._next = out + samples
        sent = (self._first + out) & 0xFFFF_FFFF
        self.newest = timestamp, sent
        return sent


class EncodedStream:
    """`begins` for each connection, `packet` and `control` as they come."""

    def __init__(self, rng: Random) -> None:
        self.picture = EncodedPicture(rng)
        self.sound = EncodedSound(rng)
        self.has_picture = self.has_sound = False
        self.packets = 0
        self.last_at = float("-inf")
        self._clock = SharedClock()

    def begins(self, picture: CameraTrack | None, sound: CameraTrack | None) -> None:
        """A connection is there and will send these tracks. Raises `KeyError` for a picture that
        can neither go on nor be converted.
        """
        self.has_picture, self.has_sound = picture is not None, sound is not None
        self._clock.begin()
        self.sound.begin()
        if picture is not None:
            self.picture.begin(picture)

    def ended(self) -> None:
        """The connection is gone; what follows does not belong to it."""
        self.has_picture = self.has_sound = False
        self.picture.end()

    def picture_packet(self, data: bytes, at: float, unix: float) -> None:
        """One RTP packet of the picture."""
        if self.picture.packet(data, at) and self.picture.newest is not None:
            self._heard(at)
            self._clock.note(_PICTURE, self.picture.newest, unix)

    def sound_packet(self, data: bytes, at: float, unix: float) -> None:
        """One RTP packet of the sound."""
        try:
            packet = RtpPacket.parse(data)
            samples = OpusPacket.parse(packet.payload).samples
        except MalformedPacketError:
            return
        self._heard(at)
        self._clock.note(_SOUND, packet.timestamp, unix)
        passed = PassedSound(packet.payload, self.sound.sent(packet.timestamp, samples, at))
        for listener in self.sound.listeners:
            listener(passed)

    def control(self, data: bytes, *, sound: bool) -> None:
        """An RTCP datagram of either."""
        try:
            packets = parse_compound(data)
        except MalformedPacketError:
            return
        name, rate = (_SOUND, SOUND_RATE) if sound else (_PICTURE, _PICTURE_RATE)
        for packet in packets:
            if isinstance(packet, SenderReport):
                self._clock.report(name, packet.ntp, packet.rtp_timestamp, rate)

    def keep_in_step(self, at: float, unix: float) -> None:
        """Tell the picture's clock when its newest was taken; before each report of it."""
        newest = self.picture.newest
        taken = None if newest is None else self._clock.taken(_PICTURE, newest)
        if newest is not None and taken is not None:
            self.picture.path.clock.report(ntp_from_unix_ns(round(taken * 1e9)), newest, at, unix)

    def sound_captured(self, unix: float) -> tuple[int, float] | None:
        """The newest sound's timestamp and when it was made; None before there is any."""
        newest = self.sound.newest
        if newest is None:
            return None
        taken = self._clock.taken(_SOUND, newest[0])
        return newest[1], unix if taken is None else taken

    def _heard(self, at: float) -> None:
        self.packets += 1
        self.last_at = at
