"""The sound of a lesson: a tap's datagrams for each room in, at every tick the mixes out.

Joins what stands beside it: `voice` (jitter buffer, decoder), `noise_gate`, `loudness`, `mixing`.
One tick is 20 ms; whoever calls keeps the clock. A voice that sends garbage, stalls or stops costs
the others nothing: each is pulled by itself and gives its frame or none.
"""

from __future__ import annotations

from dataclasses import dataclass

from mixer.composite.lesson_time import LessonTime, MeanDelay
from mixer.composite.loudness import Leveller
from mixer.composite.mixing import Mixer
from mixer.composite.noise_gate import NoiseGate
from mixer.composite.quiet_packets import is_quiet
from mixer.composite.voice import Voice
from mixer.libopus import Samples
from mixer.model import TapInfo
from mixer.reading.tap_packets import packet_of
from mixer.rtp.errors import MalformedPacketError
from mixer.rtp.packet import DatagramKind, datagram_kind
from mixer.rtp.rtcp import SenderReport, parse_compound

TICK_S = 0.02


@dataclass(slots=True)
class _Channel:
    """One room's way through the desk."""

    tap: TapInfo
    voice: Voice
    gate: NoiseGate
    leveller: Leveller
    lag: MeanDelay  # how long before it arrived its sound had happened

    def frame(self, now: float) -> Samples | None:
        """Its next 20 ms, None while it is not audible."""
        sound = self.voice.pull(now, quiet_too=self.gate.is_open)
        sound = None if sound is None else self.gate.pass_on(sound)
        return None if sound is None else self.leveller.level(sound)


class SoundDesk:
    """The sound of one lesson; `now` is any steady clock in seconds. To be closed."""

    def __init__(self, lesson_time: LessonTime | None = None) -> None:
        self._lesson_time = lesson_time or LessonTime()
        self._channels: dict[str, _Channel] = {}
        self._mixer = Mixer()
        self.malformed_packets = 0

    @property
    def waiting_s(self) -> float:
        """How old sound is when it is mixed, over all rooms; 0 without any."""
        channels = self._channels.values()
        waits = [channel.voice.buffer.waiting_s + channel.lag.delay_s for channel in channels]
        return sum(waits) / len(waits) if waits else 0.0

    @property
    def decoded_packets(self) -> int:
        """Of the rooms that are there now; what quiet ones send is mostly not decoded."""
        return sum(channel.voice.decoded_packets for channel in self._channels.values())

    def open_channel(self, seat_id: str, tap: TapInfo) -> None:
        """This tap is the seat's sound from now on, in place of another one that it had.

        Raises `ValueError` for a codec that is not Opus, `OpusError` when there is no libopus.
        """
        if tap.codec.lower() != "opus":
            raise ValueError(f"codec {tap.codec!r} cannot be mixed: only opus can")
        voice = Voice()
        self.close_channel(seat_id)
        self._channels[seat_id] = _Channel(tap, voice, NoiseGate(), Leveller(), MeanDelay(0.0))

    def close_channel(self, seat_id: str) -> None:
        """The seat's sound is gone."""
        channel = self._channels.pop(seat_id, None)
        if channel is not None:
            channel.voice.close()
            self._lesson_time.forget(channel.tap)

    def handle_datagram(self, seat_id: str, data: bytes, now: float) -> None:
        """A datagram of a seat's tap. Reports tell the time; what is not its own is counted."""
        channel = self._channels.get(seat_id)
        if channel is None:
            return
        try:
            if datagram_kind(data) is DatagramKind.RTCP:
                self._handle_reports(channel.tap, data)
                return
            packet = packet_of(data, channel.tap.ssrc, channel.tap.payload_type)
        except MalformedPacketError:
            self.malformed_packets += 1
            return
        if packet.payload:  # else padding: a bandwidth probe
            channel.lag.note(self._lesson_time.lag_s(channel.tap, packet.timestamp, now))
            # What a quiet room sends is not decoded.
            level = packet.extension(channel.tap.audio_level_id)
            channel.voice.push(packet, now, quiet=is_quiet(level))

    def _handle_reports(self, tap: TapInfo, data: bytes) -> None:
        for report in parse_compound(data):
            if isinstance(report, SenderReport):
                self._lesson_time.handle_report(tap, report)

    def tick(self, now: float) -> tuple[Samples, dict[str, Samples]]:
        """20 ms of what all silent seats hear, and of what each audible one hears instead."""
        frames = ((seat, channel.frame(now)) for seat, channel in self._channels.items())
        return self._mixer.mix({seat: sound for seat, sound in frames if sound is not None})

    def close(self) -> None:
        """Close every channel."""
        for seat_id in list(self._channels):
            self.close_channel(seat_id)
