"""What flows through a lesson, as the node keeps it: producers with their encodings, consumers.

Plain records that join a stream's name in the lesson to its number in the pump. Who creates and
removes them: `publication.py`, `feeds.py`, `subscription.py`, `taps.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mixer.forward.decoding_order import StepsBack
from mixer.forward.layers import Layer, LayerMeter, Stream, smallest_first
from mixer.forward.pace import Pace, silent_after_s
from mixer.model import Kind, PictureFault, ProducerInfo
from mixer.pump import CODEC_H264, CODEC_OPAQUE, CODEC_OPUS, CODEC_VP8
from mixer.rtp.picture_format import PictureFormat
from mixer.transport.codecs import Codec

PUMP_CODECS = {"VP8": CODEC_VP8, "H264": CODEC_H264, "opus": CODEC_OPUS}


@dataclass(slots=True, eq=False)
class Encoding:
    """One simulcast layer as it arrives; SSRCs are 0 until known.

    `slot` is its number in the pump, which stays; its place among the layers is by the size of its
    pictures. `told` is the size its sender was told to send or says that it sends, (0, 0) unknown.
    """

    rid: str
    ssrc: int = 0
    rtx_ssrc: int = 0
    slot: int = 0
    told: tuple[int, int] = (0, 0)
    format: PictureFormat | None = None  # as its last keyframe has it
    format_changes: int = 0
    steps_back: StepsBack = field(default_factory=StepsBack)
    meter: LayerMeter = field(default_factory=LayerMeter)
    pace: Pace = field(default_factory=Pace)
    bytes: int = 0  # that came, as last read
    past_bytes: int = 0  # of these, of groups of pictures sent again
    measured_at: float = float("-inf")
    keyframes: int = 0
    keyframe_requests: int = 0  # PLI or FIR sent to the publisher

    def layer(self, now: float) -> Layer:
        """As policy sees it."""
        width, height = (self.format.width, self.format.height) if self.format else (0, 0)
        return Layer(
            bitrate_bps=self.meter.bitrate_bps,
            live=self.meter.live(now),
            width=width,
            height=height,
            told_width=self.told[0],
            told_height=self.told[1],
        )


@dataclass(slots=True)
class Producer:
    """A stream coming in. Of all that its sender has agreed to send, in the pump's order (`every`),
    at most `most_layers` are its layers (`encodings`), the smallest first.

    Who cannot show its codec is sent its `fallback`, if that is there: the same in
    `fallback_codec`, a producer of its own that nobody wants by name (`wanted_as`).
    """

    producer_id: str
    device_id: str
    label: str
    kind: Kind
    mid: str
    codec: Codec
    max_bitrate_bps: int
    every: list[Encoding]
    pump_id: int
    most_layers: int = 3
    live: bool = False
    paused: bool = False
    fed: bool = False  # made on this machine
    fallback_codec: str = ""
    fallback_for: str = ""  # the producer that this one is sent in place of
    fallback: Producer | None = None
    faults: tuple[PictureFault, ...] = ()  # as last told
    encodings: list[Encoding] = field(init=False)

    def __post_init__(self) -> None:
        for slot, encoding in enumerate(self.every):
            encoding.slot = slot
        self.encodings = []
        self.arrange(0.0)

    def arrange(self, now: float) -> bool:
        """Choose and order the layers by what is known of their pictures; whether that is new."""
        layers = [encoding.layer(now) for encoding in self.every]
        before = self.encodings
        self.encodings = [
            self.every[slot] for slot in smallest_first(layers, most=self.most_layers)
        ]
        return self.encodings != before  # the same objects in the same places

    @property
    def wanted_as(self) -> str:
        """The producer that receivers want, and are told of, when they are sent this one."""
        return self.fallback_for or self.producer_id

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

    def faults_now(self, now: float) -> tuple[PictureFault, ...]:
        """What not all browsers can show of its layers as they come."""
        found = []
        if any(encoding.steps_back.usual(now) for encoding in self.encodings):
            found.append(PictureFault.B_FRAMES)
        if any(encoding.format and encoding.format.interlaced for encoding in self.encodings):
            found.append(PictureFault.INTERLACED)
        return tuple(found)

    def take_pace(self) -> None:
        """How long a pause is an end, by the pauses there have been; sound has none so long."""
        if self.kind is Kind.VIDEO:
            after_s = silent_after_s(encoding.pace for encoding in self.every)
            for encoding in self.every:
                encoding.meter.silent_after_s = after_s
                encoding.meter.pause_s = encoding.pace.pause_s or 0.0

    def layer_of(self, slot: int) -> int:
        """The place among the layers of the pump's encoding number `slot`; −1: none."""
        places = [place for place, one in enumerate(self.encodings) if one.slot == slot]
        return places[0] if places else -1

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
        layers = tuple(encoding.layer(now) for encoding in self.encodings)
        return Stream(self.wanted_as, self.kind, layers, self.paused)


@dataclass(slots=True)
class Consumer:
    """A stream going out: `encoding` is what was asked of the pump, None that nothing is sent."""

    producer: Producer
    pump_id: int
    ssrc: int
    mid: str
    encoding: Encoding | None = None
    meter: LayerMeter = field(default_factory=LayerMeter)
    keyframe_requests: int = 0  # PLI or FIR from the peer
    shown: tuple[int, str] | None = None  # the choice last told to the listener


def pump_codec(codec: Codec) -> int:
    """The pump's number for this codec's payload descriptor."""
    return PUMP_CODECS.get(codec.name, CODEC_OPAQUE)
