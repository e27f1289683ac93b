"""What flows through a lesson, as the node keeps it: producers with their encodings, consumers.

Plain records that join a stream's name in the lesson to its number in the pump. Who creates and
removes them: `publication.py`, `subscription.py`, `taps.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from mixer.forward.layers import Layer, LayerMeter, Stream
from mixer.model import Kind, ProducerInfo
from mixer.pump import CODEC_H264, CODEC_OPAQUE, CODEC_OPUS, CODEC_VP8
from mixer.transport.codecs import Codec

PUMP_CODECS = {"VP8": CODEC_VP8, "H264": CODEC_H264, "opus": CODEC_OPUS}


@dataclass(slots=True)
class Encoding:
    """One simulcast layer as it arrives; SSRCs are 0 until known."""

    rid: str
    ssrc: int = 0
    rtx_ssrc: int = 0
    meter: LayerMeter = field(default_factory=LayerMeter)
    measured_at: float = float("-inf")
    keyframes: int = 0
    keyframe_requests: int = 0  # PLI or FIR sent to the publisher


@dataclass(slots=True)
class Producer:
    """A stream coming in."""

    producer_id: str
    device_id: str
    label: str
    kind: Kind
    mid: str
    codec: Codec
    max_bitrate_bps: int
    encodings: list[Encoding]
    pump_id: int
    live: bool = False
    paused: bool = False

    def info(self) -> ProducerInfo:
        """As callers see it."""
        return ProducerInfo(
            self.producer_id,
            self.device_id,
            self.label,
            self.kind,
            self.codec.name,
            len(self.encodings),
        )

    @property
    def bitrates(self) -> list[int]:
        """Of each layer, in bit/s."""
        return [encoding.meter.bitrate_bps for encoding in self.encodings]

    def alive(self, now: float) -> tuple[bool, ...]:
        """Which layers send now."""
        return tuple(encoding.meter.live(now) for encoding in self.encodings)

    def begins(self, now: float) -> bool:
        """Whether a layer sends of which no bitrate is known yet."""
        return any(
            encoding.meter.live(now) and not encoding.meter.bitrate_bps
            for encoding in self.encodings
        )

    def stream(self, now: float) -> Stream:
        """As policy sees it."""
        layers = tuple(
            Layer(bitrate_bps=encoding.meter.bitrate_bps, live=encoding.meter.live(now))
            for encoding in self.encodings
        )
        return Stream(self.producer_id, self.kind, layers, self.paused)


class Sender(Protocol):
    """Whoever sends a producer: a device's publication, or a feed of this machine."""

    def ask_keyframe(self, producer: Producer, layer: int) -> None:
        """Ask it for a keyframe now; how often is the lesson's business."""
        ...


@dataclass(slots=True)
class Consumer:
    """A stream going out: `layer` is what was asked of the pump, `reason` why it is nothing."""

    producer: Producer
    pump_id: int
    ssrc: int
    mid: str
    layer: int = -1
    meter: LayerMeter = field(default_factory=LayerMeter)
    keyframe_requests: int = 0  # PLI or FIR from the peer
    shown: tuple[int, str] | None = None  # the choice last told to the listener


def pump_codec(codec: Codec) -> int:
    """The pump's number for this codec's payload descriptor."""
    return PUMP_CODECS.get(codec.name, CODEC_OPAQUE)
